/**
 * Text inside base64, base64url and hex. A run is read in every alignment, since what stands before it may be of the same
 * alphabet; one group of characters in four (eight of hex) is decoded to see whether it could be text, and then what is text
 * around it, so images and hashes cost little. Linear: each alignment decodes a character twice at most. Not seen: fewer than
 * twelve characters of text, base32, ASCII85, compressed or encrypted bytes.
 */
import { sixBits } from './base64.ts';
import type { Decoded } from './unescape.ts';

const shortestText = 12;
const shortestBase64 = 20;
const shortestHex = 2 * shortestText;

/**
 * What can be in a text: 1 for ASCII (and NUL, as in UTF-16), more for UTF-8 of what hides letters: full-width forms, zero-width
 * characters, soft hyphens, and for Latin letters with marks. Other letters end a text. 4 is in it where a byte is rare elsewhere: there it pays to look further.
 */
const inText = new Uint8Array(256);
for (let code = 32; code < 127; code += 1) inText[code] = 1;
for (const code of [0, 9, 10, 13]) inText[code] = 1;
for (let code = 0x80; code < 0xc0; code += 1) inText[code] = 2;
inText[0xc3] = 2;
for (const code of [0xc2, 0xe2, 0xef, 0x80, 0x81, 0xad, 0xbb, 0xbc, 0xbd]) inText[code] = 4;

const fourBits = new Uint8Array(128).fill(255);
for (const [value, digit] of Array.from('0123456789abcdef').entries()) {
  fourBits[digit.charCodeAt(0)] = value;
  fourBits[digit.toUpperCase().charCodeAt(0)] = value;
}

export interface Run {
  readonly start: number;
  readonly end: number;
}

interface RunsWanted {
  readonly values: Uint8Array;
  readonly least: number;
}

/** A run that is long enough covers a multiple of that length, so only those places are looked at. */
function* runsIn(text: string, within: Run, { values, least }: RunsWanted): Generator<Run> {
  for (let at = within.start + least - 1; at < within.end; at += least) {
    if (!isIn(values, text.charCodeAt(at))) continue;
    let start = at;
    let end = at + 1;
    while (start > within.start && isIn(values, text.charCodeAt(start - 1))) start -= 1;
    while (end < within.end && isIn(values, text.charCodeAt(end))) end += 1;
    if (end - start >= least) yield { start, end };
    at = end;
  }
}

function isIn(values: Uint8Array, code: number): boolean {
  return (values[code] ?? 255) !== 255;
}

/** Every run of base64's alphabet, which hexadecimal digits are part of. */
export function base64Runs(text: string): Generator<Run> {
  return runsIn(text, { start: 0, end: text.length }, { values: sixBits, least: shortestBase64 });
}

export function* textsIn(text: string, run: Run): Generator<Decoded> {
  const isHex = allIn(text, run, fourBits);
  // In the alphabet of hexadecimal digits alone, base64 makes no text.
  for (let phase = isHex ? 4 : 0; phase < 4; phase += 1) {
    yield* base64Texts(text, { start: run.start + phase, end: run.end });
  }
  for (const digits of runsIn(text, run, { values: fourBits, least: shortestHex })) {
    for (let phase = 0; phase < 2; phase += 1) yield* hexTexts(text, { start: digits.start + phase, end: digits.end });
  }
}

function allIn(text: string, { start, end }: Run, values: Uint8Array): boolean {
  for (let at = start; at < end; at += 1) if (!isIn(values, text.charCodeAt(at))) return false;
  return true;
}

function* base64Texts(text: string, { start, end }: Run): Generator<Decoded> {
  for (let at = start; at + 4 <= end; at += 16) {
    const seen = groupAt(text, at);
    if (seen !== 1 && (seen & 4) === 0) continue;
    let left = at;
    let right = at + 4;
    while (left - 4 >= start && groupAt(text, left - 4) !== 0) left -= 4;
    while (right + 4 <= end && groupAt(text, right) !== 0) right += 4;
    at = right;
    if (((right - left) >> 2) * 3 < shortestText - 4) continue;
    // The groups beside it may begin or end with a byte of it, and the last may be short.
    const from = Math.max(start, left - 4);
    const to = Math.min(end, right + 4);
    const bytes = decodedBase64(text, { start: from, end: to });
    const found = textAround(bytes, ((left - from) >> 2) * 3);
    if (found.end - found.start < shortestText) continue;
    yield decoded(bytes, found, (first, last) => [
      from + Math.floor(first / 3) * 4,
      Math.min(to, from + Math.ceil(last / 3) * 4),
    ]);
  }
}

/** What three bytes have in common with text: 0 where one of them cannot be in it. */
function groupAt(text: string, at: number): number {
  const v0 = sixBits[text.charCodeAt(at)] ?? 0;
  const v1 = sixBits[text.charCodeAt(at + 1)] ?? 0;
  const first = inText[(v0 << 2) | (v1 >> 4)] ?? 0;
  if (first === 0) return 0;
  const v2 = sixBits[text.charCodeAt(at + 2)] ?? 0;
  const second = inText[((v1 & 15) << 4) | (v2 >> 2)] ?? 0;
  if (second === 0) return 0;
  const third = inText[((v2 & 3) << 6) | (sixBits[text.charCodeAt(at + 3)] ?? 0)] ?? 0;
  return third === 0 ? 0 : first | second | third;
}

function decodedBase64(text: string, { start, end }: Run): Uint8Array {
  const bytes = new Uint8Array(Math.floor(((end - start) * 3) / 4));
  let held = 0;
  let bits = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    held = ((held << 6) | (sixBits[text.charCodeAt(at)] ?? 0)) & 0x3fff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length] = (held >> bits) & 0xff;
    length += 1;
  }
  return bytes;
}

function* hexTexts(text: string, { start, end }: Run): Generator<Decoded> {
  const byteAt = (at: number): number =>
    ((fourBits[text.charCodeAt(at)] ?? 0) << 4) | (fourBits[text.charCodeAt(at + 1)] ?? 0);
  for (let at = start; at + 2 <= end; at += 16) {
    if (inText[byteAt(at)] === 0) continue;
    let left = at;
    let right = at + 2;
    while (left - 2 >= start && inText[byteAt(left - 2)] !== 0) left -= 2;
    while (right + 2 <= end && inText[byteAt(right)] !== 0) right += 2;
    at = right;
    if (right - left < shortestHex) continue;
    const from = left;
    const bytes = new Uint8Array((right - left) >> 1);
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = byteAt(from + 2 * index);
    yield decoded(bytes, { start: 0, end: bytes.length }, (first, last) => [from + 2 * first, from + 2 * last]);
  }
}

/** The text in `bytes` that `at` is part of. */
function textAround(bytes: Uint8Array, at: number): Run {
  let start = at;
  let end = at;
  while (start > 0 && inText[bytes[start - 1] ?? 255] !== 0) start -= 1;
  while (end < bytes.length && inText[bytes[end] ?? 255] !== 0) end += 1;
  return { start, end };
}

/** From UTF-8, and without the NULs that UTF-16 has between letters. */
function decoded(bytes: Uint8Array, { start, end }: Run, origin: Decoded['origin']): Decoded {
  const text = bytes.subarray(start, end);
  if (isPlain(text)) return { text: stringOf(text), origin: (first, last) => origin(start + first, start + last) };
  // Where each character begins, and where the last one ends.
  const places = new Uint32Array(end - start + 1);
  const codes = new Uint16Array(end - start);
  let count = 0;
  for (let at = start; at < end;) {
    const code = characterAt(bytes, at);
    places[count] = at;
    codes[count] = code;
    if (code !== 0) count += 1;
    at += lengthOf(code);
  }
  places[count] = end;
  return {
    text: stringOf(codes.subarray(0, count)),
    origin: (first, last) => origin(places[first] ?? start, places[last] ?? end),
  };
}

function isPlain(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte === 0 || byte >= 0x80) return false;
  return true;
}

/** What is not UTF-8 becomes U+FFFD, which ends every pattern. */
function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return first;
  const second = (bytes[at + 1] ?? 0) ^ 0x80;
  if ((first === 0xc2 || first === 0xc3) && second < 0x40) return ((first & 3) << 6) | second;
  const third = (bytes[at + 2] ?? 0) ^ 0x80;
  if (first >= 0xe0 && second < 0x40 && third < 0x40) {
    const code = ((first & 15) << 12) | (second << 6) | third;
    return code < 0x800 ? notUtf8 : code;
  }
  return notUtf8;
}

function lengthOf(code: number): number {
  if (code < 0x80 || code === notUtf8) return 1;
  return code < 0x800 ? 2 : 3;
}

const notUtf8 = 0xfffd;

const pieceLength = 4096;

function stringOf(codes: Uint8Array | Uint16Array): string {
  let text = '';
  for (let at = 0; at < codes.length; at += pieceLength) {
    text += String.fromCharCode(...codes.subarray(at, at + pieceLength));
  }
  return text;
}
