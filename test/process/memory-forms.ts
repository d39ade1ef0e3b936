/**
 * What a secret looks like in memory. Of each three pieces are looked for (its end, the beginning of its random part, its
 * middle), so that a fragment is found too; each in the forms that programs make of text.
 * Blind to: what is compressed or encrypted, fragments without any of the pieces, and the beginning of a JWT, which is no secret.
 */
import { readFileSync } from 'node:fs';

export interface Needle {
  readonly name: string;
  readonly value: string;
}

export interface Pattern {
  readonly needle: Needle;
  readonly form: string;
  readonly bytes: Buffer;
}

/** Of plain text; no form of it has fewer than 16 bytes, nor can it stand somewhere by accident. */
const pieceLength = 24;

/** One `name<TAB>value` a line, as the lab appends them; each value once. */
export function readNeedles(file: string): Needle[] {
  const byValue = new Map<string, Needle>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [name, value] = line.split('\t');
    if (name === undefined || value === undefined) continue;
    if (value.length < pieceLength) throw new Error(`${name} is too short to be looked for`);
    byValue.set(value, { name, value });
  }
  return [...byValue.values()];
}

export function patternsOf(needle: Needle): Pattern[] {
  const found = new Map<string, Pattern>();
  for (const [form, bytes] of piecesOf(needle.value).flatMap(formsOf)) {
    const key = bytes.toString('latin1');
    if (!found.has(key)) found.set(key, { needle, form, bytes });
  }
  return [...found.values()];
}

interface Piece {
  readonly text: string;
  /** A part of a JWT that is not its claims, which others may know: what it decodes to is looked for, too. */
  readonly isRandom: boolean;
}

function piecesOf(value: string): Piece[] {
  const random = value.lastIndexOf('.') + 1;
  const last = value.length - pieceLength;
  const middle = Math.min(last, Math.floor(value.length / 2));
  const segment = value.lastIndexOf('.', middle) + 1;
  const starts = [Math.max(0, aligned(last, random)), Math.min(random, last), aligned(middle, segment)];
  return [...new Set([...starts, last])].map((start) => ({
    text: value.slice(start, start + pieceLength),
    isRandom: start >= random,
  }));
}

/** To where four characters of base64 begin. */
const aligned = (at: number, from: number): number => at - ((((at - from) % 4) + 4) % 4);

type Form = readonly [name: string, bytes: Buffer];

function formsOf({ text, isRandom }: Piece): Form[] {
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const percent = encodeURIComponent(text);
  const decoded = Buffer.from(text, 'base64');
  const isBase64 = isRandom && [decoded.toString('base64url'), decoded.toString('base64')].includes(text);
  return [
    ['raw', bytes],
    ['utf-16', Buffer.from(text, 'utf16le')],
    ['reversed', Buffer.from(bytes).reverse()],
    ['hex', Buffer.from(hex)],
    ['hex', Buffer.from(hex.toUpperCase())],
    ...(percent === text ? [] : [['percent', Buffer.from(percent)] as const]),
    ...(isBase64 ? [['decoded', decoded] as const] : []),
    ...(['base64', 'base64url'] as const).flatMap((encoding) =>
      [0, 1, 2].map((phase): Form => [encoding, base64At(phase, bytes, encoding)]),
    ),
  ];
}

/** Without the outer characters, which depend on what stands around it. */
function base64At(phase: number, bytes: Buffer, encoding: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(phase), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  return Buffer.from(text.slice(phase === 0 ? 0 : phase + 1, -1));
}
