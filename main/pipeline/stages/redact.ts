/**
 * redact: what is labelled above the exposure that policy gives this person and program is masked, hashed, generalized
 * or dropped. Guarantees that a result that was not classified does not leave. A name of a member that only a map's
 * schema declares is data as well: such a map is emptied.
 */
import type { OfferedTool } from '../../contract/call.ts';
import type { Classification, LabelNode, Redaction } from '../../contract/labels.ts';
import { isAbove } from '../../contract/labels.ts';
import { mask, redactScalar, type Pseudonym } from '../redaction.ts';
import {
  refuse,
  type OutboundVerdict,
  type OutboundView,
  type RowStep,
  type TableStage,
  type TableView,
} from '../stage.ts';

export function createRedact(pseudonym: Pseudonym): TableStage {
  return {
    report: {
      stage: 'redact',
      mode: 'enforced',
      rule: 'What is labelled above the caller’s exposure is masked, hashed, generalized or dropped.',
    },
    apply: (view) => redact(view, pseudonym),
    openTable: (view) => redactRows(view, pseudonym),
  };
}

/** A dropped column is gone; in the others a value that no rule fits is masked. */
function redactRows({ cleared: { exposure }, fields }: TableView, pseudonym: Pseudonym): RowStep {
  const marked = fields.map((field) => ({ ...field, redacted: isAbove(field.label, exposure) }));
  if (!marked.some(({ redacted }) => redacted)) return { fields: marked, row: (row) => row };
  const kept = marked.flatMap((field, at) => (field.redacted && field.rule === 'drop' ? [] : [{ field, at }]));
  return {
    fields: kept.map(({ field }) => field),
    withheld: marked.filter((field) => !kept.some((each) => each.field === field)).map(({ name }) => name),
    row: (row) => kept.map(({ field, at }) => (field.redacted ? redactCell(row[at], field.rule, pseudonym) : row[at])),
  };
}

/** A list or a document in a column is one value. Null is masked too: who words the query words what is null (`CASE WHEN … THEN 1 END`). */
function redactCell(value: unknown, rule: Redaction | null, pseudonym: Pseudonym): unknown {
  return redactScalar(value, rule ?? 'mask', pseudonym) ?? mask;
}

function redact({ cleared: { exposure }, tool, labels, value }: OutboundView, pseudonym: Pseudonym): OutboundVerdict {
  if (labels === null) return refuse('internal', 'The result was not classified, so it was withheld.');
  // Nearly all calls: nothing below this place can be above what the caller sees.
  if (!isAbove(labels.highest, exposure)) return { pass: true, value, labels };
  if (isWhole(tool) && isAbove(labels.label, exposure)) {
    const say = `What ${tool.name} gives is above what this program may see, so it was withheld. Use another tool.`;
    return refuse('output_not_allowed', say);
  }
  const redacted = walk(value, labels, { exposure, pseudonym });
  return { pass: true, value: redacted, labels };
}

/** The protocol's own result: its words (`type`, `uri`) cannot be masked one by one, only what the schema labels apart. */
function isWhole({ manifest: { offer, result } }: OfferedTool): boolean {
  return result === 'content' || (offer !== undefined && offer !== 'tool');
}

interface Reader {
  readonly exposure: Classification;
  readonly pseudonym: Pseudonym;
}

function walk(value: unknown, at: LabelNode, reader: Reader): unknown {
  if (!isAbove(at.highest, reader.exposure)) return value;
  if (Array.isArray(value)) {
    const { items } = at;
    if (items === null) return [];
    // An item that is dropped leaves its place empty, so that others keep theirs.
    return value.map((item: unknown) => walk(item, items, reader) ?? null);
  }
  if (typeof value === 'object' && value !== null) return walkMembers(value, at, reader);
  return isAbove(at.label, reader.exposure) ? redactScalar(value, at.rule, reader.pseudonym) : value;
}

function walkMembers(value: object, { members, rest }: LabelNode, reader: Reader): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  const restIsAbove = rest === null || isAbove(rest.label, reader.exposure);
  for (const [name, member] of Object.entries(value)) {
    const at = members.get(name) ?? (restIsAbove ? null : rest);
    const left = at === null ? undefined : walk(member, at, reader);
    // `__proto__` as a plain member.
    if (left !== undefined)
      Object.defineProperty(kept, name, { value: left, enumerable: true, writable: true, configurable: true });
  }
  return kept;
}
