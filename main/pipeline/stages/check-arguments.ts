/**
 * check-arguments: the tool's JSON Schema, strict, and bounds that hold whatever the schema says. Guarantees that a
 * connector only sees declared members with well-formed text and numbers that survive a round trip; that what names a resource
 * or is marked as a name or path is what it looks like (contract/plain-name.ts). Duplicate keys and `__proto__` were refused at
 * the door, before this value existed; a schema with a member named like an identity did not load unless it is marked as data.
 */
import { wrongText } from '../../contract/plain-name.ts';
import { pass, refuse, refuseUnknownTool, type InboundStage, type InboundView, type Verdict } from '../stage.ts';
import { noResource, resourceOf } from './authorize.ts';

export const argumentBounds = { depth: 16, nodes: 10_000, stringCharacters: 262_144 } as const;

export function createCheckArguments(): InboundStage {
  return {
    report: {
      stage: 'check-arguments',
      mode: 'enforced',
      rule: 'JSON Schema 2020-12, no undeclared member; bounded depth, size, text, numbers; plain names and paths.',
    },
    check: checkArguments,
  };
}

function checkArguments({ call, tool }: InboundView): Verdict {
  if (tool === null) return refuseUnknownTool();
  // Its schema is nobody's word yet.
  if (tool.pending !== undefined) return { pass: false, refusal: tool.pending };
  const wrong = beyondBounds(call.arguments) ?? tool.checkArguments(call.arguments) ?? wrongResource(call, tool);
  return wrong === null ? pass : refuse('invalid_arguments', `Invalid arguments: ${wrong}`);
}

/** What policy judges by has to be what it looks like, whether the manifest marks it or not. */
function wrongResource(call: InboundView['call'], tool: NonNullable<InboundView['tool']>): string | null {
  const pointer = tool.manifest.resource;
  if (pointer === undefined) return null;
  const resource = resourceOf(tool, call.arguments);
  if (resource === null) return noResource(tool);
  // A name is a path of one segment: whether this one is a path, an unmarked manifest does not say.
  const wrong = wrongText('path', resource);
  return wrong === null ? null : `"${pointer.slice(1)}" ${wrong}.`;
}

/** Iterative: hostile nesting must not reach the stack, nor ajv's recursion. */
function beyondBounds(value: unknown): string | null {
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let nodes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes += 1;
    if (nodes > argumentBounds.nodes) return `more than ${argumentBounds.nodes} values.`;
    if (next.depth > argumentBounds.depth) return `nested deeper than ${argumentBounds.depth} levels.`;
    const wrong = beyondLeafBounds(next.value);
    if (wrong !== null) return wrong;
    if (typeof next.value !== 'object' || next.value === null) continue;
    for (const [key, child] of Object.entries(next.value)) {
      if (!key.isWellFormed()) return 'a member name is not well-formed Unicode.';
      pending.push({ value: child, depth: next.depth + 1 });
    }
  }
  return null;
}

function beyondLeafBounds(value: unknown): string | null {
  if (typeof value === 'string') {
    if (value.length > argumentBounds.stringCharacters)
      return `a text is longer than ${argumentBounds.stringCharacters} characters.`;
    if (!value.isWellFormed()) return 'a text is not well-formed Unicode.';
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return 'a number is out of range.';
    // Beyond this an integer is silently another integer: what was checked would not be what is sent.
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      return 'an integer is out of the safe range; send it as text.';
  }
  return null;
}
