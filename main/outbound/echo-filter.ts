/**
 * Guarantees: bytes that pass contain no complete copy of the live credential, and at most one byte of a copy's
 * beginning (none, where the caller holds that back too), across chunk borders: as it is and in the forms of `echo-forms.ts`.
 * Trusts: `needles`, which `sealNeedles` builds inside guarded memory; they are never a JavaScript string.
 * Does not protect against: a backend that transforms it otherwise on purpose (reversed, split, wrapped lines, encoded twice),
 * nor against an incomplete copy.
 */
import type { Secret } from '../contract/secret.ts';
import { mostPerByte, windowBytes, type Form } from './echo-forms.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface EchoFilter {
  /** What may pass now; undefined when a copy was found: pass nothing more. */
  push(chunk: Buffer): Buffer | undefined;
  /** What was held back because a copy could have begun there; undefined as above. Call it at the end. */
  rest(): Buffer | undefined;
}

/** What is looked for. */
export interface Needles {
  /** How each form begins, in a list. */
  readonly list: Secret;
  /** The rest of the form at `place` of the list, behind a beginning that stands at `at`. */
  readonly compare: (place: number, data: Buffer, at: number) => 'copy' | 'open' | 'other';
  wipe(): void;
}

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nothing = Buffer.alloc(0);
const entryBytes = 3;

/** Every beginning behind its length (u16 BE) and its form's place (u8). The secret must live as long as they do. */
export function sealNeedles(memory: SecretMemory, secret: Secret, forms: readonly Form[]): Needles {
  const longest = mostPerByte * Math.min(windowBytes, secret.length) + 2;
  const list = secret.use((bytes): Secret => {
    const first = viewOf(bytes).subarray(0, windowBytes);
    // Unused room behind the last one stays 0: a length of 0 ends the list.
    return memory.sealFrom(forms.length * (entryBytes + longest) + entryBytes, (into) => {
      into.fill(0);
      let at = 0;
      forms.forEach(({ write }, place) => {
        const length = write(first, into.subarray(at + entryBytes, at + entryBytes + longest));
        if (
          secret.length <= windowBytes &&
          has(into.subarray(0, at), into.subarray(at + entryBytes, at + entryBytes + length))
        ) {
          into.fill(0, at, at + entryBytes + length);
          return;
        }
        into.writeUInt16BE(length, at);
        into[at + 2] = place;
        at += entryBytes + length;
      });
      into.fill(0, at);
    });
  });
  return {
    list,
    compare: (place, data, at) => {
      const form = forms[place];
      if (form === undefined) return 'other';
      let answer: 'copy' | 'open' | 'other' = 'other';
      // For the time of the callback alone: what is written there is the credential.
      const scratch = memory.sealFrom(longest, (into) => {
        answer = secret.use((bytes) => compareWindows({ plain: viewOf(bytes), form, into }, data, at));
        into.fill(0);
      });
      scratch.wipe();
      return answer;
    },
    wipe: () => {
      list.wipe();
    },
  };
}

interface Comparing {
  readonly plain: Buffer;
  readonly form: Form;
  readonly into: Buffer;
}

function compareWindows({ plain, form, into }: Comparing, data: Buffer, from: number): 'copy' | 'open' | 'other' {
  let at = from;
  for (let window = 0; window < plain.length; window += windowBytes) {
    const length = form.write(plain.subarray(window, window + windowBytes), into);
    const there = data.subarray(at, at + length);
    if (!there.equals(into.subarray(0, there.length))) return 'other';
    if (there.length < length) return 'open';
    at += (form.step ?? length) + (form.gap ?? 0);
  }
  return 'copy';
}

/** Forms are often equal (percent-encoding of letters and digits is the text itself). */
function has(list: Buffer, form: Buffer): boolean {
  return [...beginningsIn(list)].some(({ bytes }) => bytes.equals(form));
}

interface Beginning {
  readonly place: number;
  readonly bytes: Buffer;
}

function* beginningsIn(list: Buffer): Generator<Beginning> {
  for (let at = 0; at + entryBytes <= list.length;) {
    const length = list.readUInt16BE(at);
    if (length === 0) return;
    yield { place: list[at + 2] ?? 0, bytes: list.subarray(at + entryBytes, at + entryBytes + length) };
    at += entryBytes + length;
  }
}

/** An open copy is compared again when this much more has come: one byte at a time would cost its length each time. */
const worthComparingBytes = 64;

/** `leastHeld` 1: nothing of a beginning passes. 2: one byte does, for a peer that waits for each byte of an answer. */
export function createEchoFilter(needles: readonly Needles[], leastHeld: 1 | 2 = 2): EchoFilter {
  /** The last byte that passed, when it may begin a copy, then what is held back. */
  let kept: Buffer = nothing;
  let passed = 0;
  /** How much was held back when an open copy was last compared. */
  let comparedBytes: number | undefined;
  return {
    push: (chunk) => {
      const data = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      if (comparedBytes !== undefined && data.length < comparedBytes + worthComparingBytes) {
        kept = data;
        return nothing;
      }
      const found = look(needles, data);
      if (found === 'copy') return undefined;
      const { hold } = found;
      // One byte is let go: every complete exchange of PostgreSQL ends in a control byte and a letter, and holding
      // that letter would stall the client for ever.
      const from = hold >= leastHeld ? data.length - hold : data.length;
      const passing = data.subarray(passed, Math.max(from, passed));
      const keepFrom = hold >= leastHeld ? from : data.length - hold;
      passed = Math.max(passed, from) - keepFrom;
      // Copied: what is kept must not keep a whole chunk alive, nor change under us.
      kept = Buffer.from(data.subarray(keepFrom));
      comparedBytes = found.isOpen ? kept.length : undefined;
      return passing;
    },
    rest: () => {
      // What was not compared yet may be complete.
      const isCopy = comparedBytes !== undefined && look(needles, kept) === 'copy';
      const rest = kept.subarray(passed);
      kept = nothing;
      passed = 0;
      comparedBytes = undefined;
      return isCopy ? undefined : rest;
    },
  };
}

interface Look {
  /** How many bytes at the end may be the beginning of a copy. */
  readonly hold: number;
  /** It has a whole window of one already. */
  readonly isOpen: boolean;
}

function look(needles: readonly Needles[], data: Buffer): Look | 'copy' {
  let hold = 0;
  let openFrom = data.length;
  for (const { list, compare } of needles) {
    const copied = list.use((bytes): boolean => {
      for (const { place, bytes: beginning } of beginningsIn(viewOf(bytes))) {
        hold = Math.max(hold, beginningAtEnd(data, beginning));
        for (let at = data.indexOf(beginning); at !== -1; at = data.indexOf(beginning, at + 1)) {
          const answer = compare(place, data, at);
          if (answer === 'copy') return true;
          if (answer === 'other') continue;
          openFrom = Math.min(openFrom, at);
          break;
        }
      }
      return false;
    });
    if (copied) return 'copy';
  }
  return { hold: Math.max(hold, data.length - openFrom), isOpen: openFrom < data.length };
}

/** How many bytes at the end of `data` are a beginning of `form`. */
function beginningAtEnd(data: Buffer, form: Buffer): number {
  for (let length = Math.min(form.length - 1, data.length); length > 0; length -= 1) {
    const from = data.length - length;
    if (data[from] === form[0] && data.compare(form, 0, length, from) === 0) return length;
  }
  return 0;
}
