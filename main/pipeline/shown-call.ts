/**
 * A call's arguments as one canonical text, and as text for a person. Guarantees: equal arguments have one canonical text whatever
 * the order of their members; what is shown is all of it, on lines and in an order that no character in it changes: everything
 * that is not seen, or that moves or hides what stands around it, is written as an escape, and so is a run of spaces.
 */
import type { ToolCall } from '../contract/call.ts';
import { withEscapes } from '../contract/plain.ts';

/** Arguments, and where the call goes on the client's answers and the connector's state: all that decides what runs. */
export function canonicalCall({ arguments: args, continued }: ToolCall): string {
  return JSON.stringify(
    sorted({ arguments: args, answers: continued?.answers ?? null, state: continued?.state ?? null }),
  );
}

export function shownCall({ arguments: args, continued }: ToolCall): string {
  const answers = continued === undefined ? '' : `\n\nanswers given: ${shown(continued.answers)}`;
  return shown(args) + answers;
}

function shown(value: unknown): string {
  // In JSON text a backslash is always doubled, so that an escape can stand for nothing else.
  return withEscapes(JSON.stringify(sorted(value), null, 2));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, child]) => [name, sorted(child)]));
}
