/**
 * Untrusted JSON, read once into a fresh, deep-frozen value. Guarantees: no duplicate member (two readers could
 * disagree about which counts), no `__proto__`, `constructor` or `prototype` member, no lone surrogate, no nesting
 * deeper than 64 and at most 50,000 members and elements, all in linear time and without recursion.
 */
import { parseExactly } from '../contract/exact-json.ts';

export type JsonRead = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

const maxDepth = 64;
/** Members and elements of one message: more is work and memory out of proportion to its size. */
const maxParts = 50_000;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);
const refused: JsonRead = Object.freeze({ ok: false });

export function readJson(text: string): JsonRead {
  const written = scan(text);
  if (written === null) return refused;
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (written.hasEscapedName) value = parseExactly(text);
  } catch {
    return refused;
  }
  // JSON.parse keeps the last of two members with one name, so a duplicate shows as a missing member.
  return freezeCounting(value) === written.members ? { ok: true, value } : refused;
}

interface Scanned {
  /** As written: each has one colon outside strings. */
  readonly members: number;
  /** A name is written with a backslash: `JSON.parse` may take it for another (exact-json.ts). */
  readonly hasEscapedName: boolean;
}

/** Null: too deep or too many. Right for what JSON.parse accepts. */
function scan(text: string): Scanned | null {
  let depth = 0;
  let colons = 0;
  let commas = 0;
  let open = 0;
  let backslash = text.indexOf('\\');
  let hasEscapedName = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        open = at;
        at = endOfString(text, at);
        break;
      case 0x3a: // :
        colons += 1;
        // The last string was a name.
        if (backslash !== -1 && backslash < open) backslash = text.indexOf('\\', open);
        if (backslash !== -1 && backslash < at) hasEscapedName = true;
        break;
      case 0x2c: // ,
        commas += 1;
        if (commas > maxParts) return null;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > maxDepth) return null;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default:
    }
  }
  return { members: colons, hasEscapedName };
}

/** Index of the closing quote of the string that opens at `open`, or the end of the text. */
function endOfString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}

/** Freezes every object and counts members; -1 when a name or a text is refused. */
function freezeCounting(root: unknown): number {
  const pending: unknown[] = [root];
  let members = 0;
  for (let length = pending.length; length > 0; length = pending.length) {
    const value = pending.pop();
    if (typeof value === 'string' && !value.isWellFormed()) return -1;
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const child of value as unknown[]) pending.push(child);
    } else {
      for (const [name, child] of Object.entries(value)) {
        if (forbidden.has(name) || !name.isWellFormed()) return -1;
        members += 1;
        pending.push(child);
      }
    }
    Object.freeze(value);
  }
  return members;
}
