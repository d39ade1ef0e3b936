/** The forms in which a backend, a log or an attacker may write what a text says, keeping track of the secret's place. */
import type { Medium } from './media.ts';
import type { Piece, Pieces } from './pieces.ts';
import { textOf } from './pieces.ts';
import type { Random } from './random.ts';

export type Encode = (pieces: Pieces, random: Random) => Pieces;

export interface Encoding {
  readonly name: string;
  readonly encode: Encode;
  /** Where the result is valid as it is. */
  readonly media: readonly Medium[];
}

/** Of every byte, whether it belongs to the secret. */
function secretBytes(pieces: Pieces): boolean[] {
  return pieces.flatMap(({ text, secret }) => Array<boolean>(Buffer.byteLength(text)).fill(secret));
}

/** An output of `bits` bits a character: one that carries a bit of the secret is secret, padding is not. */
function byBits(bits: number, write: (bytes: Buffer) => string): Encode {
  return (pieces) => {
    const secrets = secretBytes(pieces);
    const out: Piece[] = [];
    for (const [at, text] of write(Buffer.from(textOf(pieces)))
      .split('')
      .entries()) {
      const first = Math.floor((at * bits) / 8);
      const last = Math.floor((at * bits + bits - 1) / 8);
      const secret = text !== '=' && ((secrets[first] ?? false) || (secrets[last] ?? false));
      const before = out.at(-1);
      if (before?.secret === secret) out[out.length - 1] = { text: before.text + text, secret };
      else out.push({ text, secret });
    }
    return out;
  };
}

/** Each code unit by itself; of those that need not be, as many as the share says. */
function byCharacter(write: (character: string) => string, share: number, must = /[^\s\S]/): Encode {
  return (pieces, random) =>
    pieces.map(({ text, secret }) => ({
      text: text
        .split('')
        .map((character) => (must.test(character) || random.chance(share) ? write(character) : character))
        .join(''),
      secret,
    }));
}

const percent = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
const percentLower = (character: string): string => percent(character).toLowerCase();
const code = (character: string, radix: number): string => character.charCodeAt(0).toString(radix);
const escaped = (character: string): string => `\\u${code(character, 16).padStart(4, '0')}`;
const decimal = (character: string): string => `&#${code(character, 10)};`;
const hexadecimal = (character: string): string => `&#x${code(character, 16)};`;
const wide = (character: string): string =>
  /[!-~]/.test(character) ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : character;

/** Not U+00AD alone: every invisible character that copying from a page brings along. */
const invisible = ['\u200B', '\u200C', '\u200D', '\u2060', '\uFEFF', '\u00AD'];

const split: Encode = (pieces, random) => {
  const mark = random.pick(invisible);
  const every = random.between(1, 6);
  return pieces.map(({ text, secret }) => ({
    text: secret ? text.replaceAll(new RegExp(`[^]{${every}}(?=[^])`, 'g'), (part) => part + mark) : text,
    secret,
  }));
};

const unreserved = /[^A-Za-z0-9\-._~]/;
const binary: readonly Medium[] = ['text', 'json', 'markup', 'csv'];
const anywhere: readonly Medium[] = [...binary, 'url'];

const single = {
  base64: { encode: byBits(6, (bytes) => bytes.toString('base64')), media: binary },
  base64url: { encode: byBits(6, (bytes) => bytes.toString('base64url')), media: anywhere },
  hex: { encode: byBits(4, (bytes) => bytes.toString('hex')), media: anywhere },
  'hex, upper case': { encode: byBits(4, (bytes) => bytes.toString('hex').toUpperCase()), media: anywhere },
  percent: { encode: byCharacter(percent, 1), media: ['url', 'text', 'json'] },
  'percent, in part': { encode: byCharacter(percentLower, 0.3, unreserved), media: ['url', 'text', 'json'] },
  'JSON escapes': { encode: byCharacter(escaped, 1), media: ['json'] },
  'JSON escapes, in part': { encode: byCharacter(escaped, 0.3, /["\\]|[^ -~]/), media: ['json'] },
  'decimal entities': { encode: byCharacter(decimal, 1), media: ['markup'] },
  'hexadecimal entities': { encode: byCharacter(hexadecimal, 1), media: ['markup'] },
  'entities, in part': { encode: byCharacter(decimal, 0.3, /[&<>"]/), media: ['markup'] },
  'full width': { encode: byCharacter(wide, 1), media: binary },
  'zero-width characters': { encode: split, media: ['text'] },
} satisfies Record<string, Omit<Encoding, 'name'>>;

/** The inner first. */
const nested = [
  ['base64', 'base64'],
  ['base64', 'hex'],
  ['hex', 'base64'],
  ['percent', 'base64'],
  ['JSON escapes', 'base64'],
  ['base64', 'percent'],
  ['base64url', 'percent, in part'],
  ['base64', 'JSON escapes'],
  ['percent', 'JSON escapes'],
  ['base64', 'decimal entities'],
  ['percent', 'percent'],
  ['base64', 'full width'],
] as const;

export const encodings: readonly Encoding[] = [
  ...Object.entries(single).map(([name, { encode, media }]) => ({ name, encode, media })),
  ...nested.map(([inner, outer]) => ({
    name: `${inner}, then ${outer}`,
    encode: (pieces: Pieces, random: Random) => single[outer].encode(single[inner].encode(pieces, random), random),
    media: single[outer].media,
  })),
];
