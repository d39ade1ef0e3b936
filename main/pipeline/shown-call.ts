/**
 * A call's arguments as one canonical text, and as text for a person. Guarantees: equal arguments have one canonical text whatever
 * the order of their members; what is shown is all of it, on lines and in an order that no character in it changes: everything
 * that is not seen, or that moves or hides what stands around it, is written as an escape, and so is a run of spaces.
 */
import type { ToolCall } from '../contract/call.ts';

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
  return JSON.stringify(sorted(value), null, 2)
    .replaceAll(unseen, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)
    .replaceAll(/(?<=\S) {5,}/g, ({ length }) => `\\u{20}*${length}`);
}

/** In JSON text a backslash is always doubled, so that these escapes can stand for nothing else. Line ends are our own. */
const unseen =
  /(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, child]) => [name, sorted(child)]));
}
