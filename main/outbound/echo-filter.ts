/**
 * Guarantees: bytes that pass contain no complete copy of the live credential, and at most one byte of a copy's
 * beginning, across chunk borders: raw, hexadecimal, percent-encoded, and base64 at each of its three alignments
 * in both alphabets.
 * Trusts: `needles`, which `sealNeedles` builds inside guarded memory; they are never a JavaScript string.
 * Does not protect against: a backend that transforms it otherwise on purpose (reversed, split, wrapped lines).
 */
import type { Secret } from '../contract/secret.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface EchoFilter {
  /** What may pass now; undefined when a copy was found: pass nothing more. */
  push(chunk: Buffer): Buffer | undefined;
  /** What was held back because a copy could have begun there; call it at the end. */
  rest(): Buffer;
}

type Write = (into: Buffer) => number;

const viewOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nothing = Buffer.alloc(0);
const alphabets = ['+/', '-_'].map((last) =>
  Buffer.from(`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${last}`, 'latin1'),
);
const hexDigits = ['0123456789abcdef', '0123456789ABCDEF'].map((digits) => Buffer.from(digits, 'latin1'));

/** Every form to look for, each behind its length (u16 BE). */
export function sealNeedles(memory: SecretMemory, password: Secret): Secret {
  return password.use((bytes): Secret => {
    const plain = viewOf(bytes);
    const forms: Write[] = [
      (into) => plain.copy(into),
      ...hexDigits.map(
        (digits): Write =>
          (into) =>
            writeHex(plain, digits, into),
      ),
      ...hexDigits.map(
        (digits): Write =>
          (into) =>
            writePercent(plain, digits, into),
      ),
      ...alphabets.flatMap((alphabet) =>
        [0, 1, 2].map(
          (shift): Write =>
            (into) =>
              writeBase64({ plain, alphabet, shift }, into),
        ),
      ),
    ];
    const longest = 3 * plain.length;
    // Unused room behind the last form stays 0: a length of 0 ends the list.
    return memory.sealFrom(forms.length * (2 + longest) + 2, (into) => {
      into.fill(0);
      let at = 0;
      for (const write of forms) {
        const length = write(into.subarray(at + 2, at + 2 + longest));
        if (has(into.subarray(0, at), into.subarray(at + 2, at + 2 + length))) {
          into.fill(0, at, at + 2 + length);
          continue;
        }
        into.writeUInt16BE(length, at);
        at += 2 + length;
      }
    });
  });
}

/** Forms are often equal (percent-encoding of letters and digits is the text itself). */
function has(list: Buffer, form: Buffer): boolean {
  return [...formsIn(list)].some((known) => known.equals(form));
}

function* formsIn(list: Buffer): Generator<Buffer> {
  for (let at = 0; at + 2 <= list.length;) {
    const length = list.readUInt16BE(at);
    if (length === 0) return;
    yield list.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
}

export function createEchoFilter(needles: Secret): EchoFilter {
  /** The last byte that passed, when it may begin a copy, then what is held back. */
  let kept: Buffer = nothing;
  let passed = 0;
  return {
    push: (chunk) => {
      const data = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
      const hold = needles.use((bytes): number => {
        const list = viewOf(bytes);
        let longest = 0;
        for (const form of formsIn(list)) {
          if (data.indexOf(form) !== -1) return -1;
          longest = Math.max(longest, beginningAtEnd(data, form));
        }
        return longest;
      });
      if (hold === -1) return undefined;
      // One byte is let go: every complete exchange of PostgreSQL ends in a control byte and a letter, and holding
      // that letter would stall the client for ever.
      const from = hold > 1 ? data.length - hold : data.length;
      const passing = data.subarray(passed, Math.max(from, passed));
      const keepFrom = hold > 1 ? from : data.length - hold;
      passed = Math.max(passed, from) - keepFrom;
      // Copied: what is kept must not keep a whole chunk alive, nor change under us.
      kept = Buffer.from(data.subarray(keepFrom));
      return passing;
    },
    rest: () => {
      const rest = kept.subarray(passed);
      kept = nothing;
      passed = 0;
      return rest;
    },
  };
}

/** How many bytes at the end of `data` are a beginning of `form`. */
function beginningAtEnd(data: Buffer, form: Buffer): number {
  for (let length = Math.min(form.length - 1, data.length); length > 0; length -= 1) {
    const from = data.length - length;
    if (data[from] === form[0] && data.compare(form, 0, length, from) === 0) return length;
  }
  return 0;
}

function writeHex(plain: Buffer, digits: Buffer, into: Buffer): number {
  plain.forEach((value, index) => {
    into[2 * index] = digits[value >> 4] ?? 0;
    into[2 * index + 1] = digits[value & 15] ?? 0;
  });
  return 2 * plain.length;
}

/** RFC 3986 §2.3: unreserved characters stay. */
function writePercent(plain: Buffer, digits: Buffer, into: Buffer): number {
  let at = 0;
  for (const value of plain) {
    const letter = value | 0x20;
    const unreserved =
      (letter >= 0x61 && letter <= 0x7a) ||
      (value >= 0x30 && value <= 0x39) ||
      value === 0x2d || // -
      value === 0x2e || // .
      value === 0x5f || // _
      value === 0x7e; // ~
    if (unreserved) {
      into[at] = value;
      at += 1;
      continue;
    }
    into[at] = 0x25;
    into[at + 1] = digits[value >> 4] ?? 0;
    into[at + 2] = digits[value & 15] ?? 0;
    at += 3;
  }
  return at;
}

/** The characters that depend on the password alone, when it begins `shift` bytes behind a group of three. */
function writeBase64(
  { plain, alphabet, shift }: { plain: Buffer; alphabet: Buffer; shift: number },
  into: Buffer,
): number {
  const firstBit = 8 * shift;
  const lastBit = firstBit + 8 * plain.length;
  let at = 0;
  for (let bit = Math.ceil(firstBit / 6) * 6; bit + 6 <= lastBit; bit += 6) {
    const offset = bit - firstBit;
    const pair = ((plain[offset >> 3] ?? 0) << 8) | (plain[(offset >> 3) + 1] ?? 0);
    into[at] = alphabet[(pair >> (10 - (offset & 7))) & 63] ?? 0;
    at += 1;
  }
  return at;
}
