/**
 * One layer of escapes taken off: percent, JSON and JavaScript, HTML entities, full-width and other compatibility forms,
 * characters that show nothing. Remembers where each character came from. Linear: the pattern's alternatives begin differently
 * or are bounded. Not undone: quoted-printable, a plus for a space.
 */

/** A decoded text and, for a part of it, the part of the text it came from that holds all of it. */
export interface Decoded {
  readonly text: string;
  readonly origin: (start: number, end: number) => readonly [start: number, end: number];
}

const invisible =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0';
const compatible =
  '\\u00aa\\u00b2\\u00b3\\u00b9\\u00ba\\u2070-\\u209c\\u2100-\\u214f\\u2460-\\u24ff\\uff01-\\uff5e\\uffe0-\\uffe6';

export const escapesSource: string = [
  '%[0-7][0-9a-fA-F]',
  '%[cdCD][0-9a-fA-F]%[89abAB][0-9a-fA-F]',
  '%[eE][0-9a-fA-F]%[89abAB][0-9a-fA-F]%[89abAB][0-9a-fA-F]',
  '\\\\u(?:[0-9a-fA-F]{4}|\\{[0-9a-fA-F]{1,6}\\})',
  '\\\\x[0-9a-fA-F]{2}',
  '\\\\[0-3][0-7]{2}',
  '\\\\["\'`\\\\/bfnrt]',
  '&#[0-9]{1,7};?',
  '&#[xX][0-9a-fA-F]{1,6};?',
  '&[a-zA-Z]{2,10};',
  `[${invisible}]`,
  `[${compatible}]`,
  '\\ud835[\\udc00-\\udfff]',
  '\\udb40[\\udc00-\\udfff]',
  // Lines of wrapped base64 are one.
  '(?<=[A-Za-z0-9+/]{60})(?<![0-9a-fA-F]{60})\\r?\\n(?=[A-Za-z0-9+/]{4})',
].join('|');

const escapes = new RegExp(escapesSource, 'g');

const letters: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  sol: '/',
  bsol: '\\',
  equals: '=',
  colon: ':',
  semi: ';',
  plus: '+',
  lowbar: '_',
  hyphen: '-',
  dash: '-',
  period: '.',
  comma: ',',
  commat: '@',
  percnt: '%',
  dollar: '$',
  num: '#',
  excl: '!',
  quest: '?',
  ast: '*',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  lcub: '{',
  rcub: '}',
  verbar: '|',
  grave: '`',
  tilde: '~',
  hat: '^',
  newline: '\n',
  tab: '\t',
  zerowidthspace: '',
  shy: '',
  zwj: '',
  zwnj: '',
  lrm: '',
  rlm: '',
};

/** What an escape can change lies this near: a longer token is seen from its beginning or its end. */
const marginLength = 2048;

/** A text of escapes has few different ones. */
const mostKnown = 1024;

/** The neighbourhoods of escapes, decoded. */
export function* unescaped(text: string): Generator<Decoded> {
  let part: Part | null = null;
  const known = new Map<string, string | null>();
  escapes.lastIndex = 0;
  for (let match = escapes.exec(text); match !== null; match = escapes.exec(text)) {
    let character = known.get(match[0]);
    if (character === undefined) {
      character = meaning(match[0]);
      if (known.size < mostKnown) known.set(match[0], character);
    }
    if (character === null) continue;
    const { index } = match;
    const end = index + match[0].length;
    if (part !== null && index - part.last > 2 * marginLength) {
      yield finished(part, text);
      part = null;
    }
    part ??= newPart(Math.max(0, index - marginLength));
    const between = text.slice(part.last, index);
    const decodedStart = part.length + between.length;
    if (between !== '') part.pieces.push(between);
    if (character !== '') part.pieces.push(character);
    part.length = decodedStart + character.length;
    part.places.push(decodedStart, part.length, index, end);
    part.last = end;
    escapes.lastIndex = end;
  }
  if (part !== null) yield finished(part, text);
}

interface Part {
  readonly start: number;
  readonly pieces: string[];
  /** Four numbers an escape: its character's start and end in the decoded text, its own start and end. */
  readonly places: number[];
  length: number;
  last: number;
}

function newPart(start: number): Part {
  return { start, pieces: [], places: [], length: 0, last: start };
}

function finished({ start: partStart, pieces, places, last }: Part, text: string): Decoded {
  pieces.push(text.slice(last, last + marginLength));
  return {
    text: pieces.join(''),
    origin: (start, end) => [startOf(places, start) ?? partStart + start, endOf(places, end) ?? partStart + end],
  };
}

function meaning(escape: string): string | null {
  const first = escape.charCodeAt(0);
  if (first === 37) return fromPercent(escape);
  if (first === 92) return fromBackslash(escape);
  if (first === 38) return fromEntity(escape);
  if (first === 0xdb40 || first === 10 || first === 13) return '';
  const compatibleForm = escape.normalize('NFKC');
  return compatibleForm === escape || isInvisible.test(escape) ? '' : compatibleForm;
}

const isInvisible = new RegExp(`^[${invisible}]$`);

function fromPercent(escape: string): string {
  const [first = 0, ...rest] = escape
    .slice(1)
    .split('%')
    .map((hex) => Number.parseInt(hex, 16));
  const lead = rest.length === 0 ? first : first & (rest.length === 1 ? 0x1f : 0x0f);
  return String.fromCodePoint(rest.reduce((code, byte) => (code << 6) | (byte & 0x3f), lead));
}

function fromBackslash(escape: string): string {
  const kind = escape.charAt(1);
  if (kind === 'u' || kind === 'x') return character(Number.parseInt(escape.replace(/[^0-9a-fA-F]/g, ''), 16));
  if (kind >= '0' && kind <= '3') return String.fromCharCode(Number.parseInt(escape.slice(1), 8));
  return letters[kind] ?? kind;
}

function fromEntity(escape: string): string | null {
  const body = escape.replace(/^&#?|;$/g, '');
  if (escape.charAt(1) !== '#') return entities[body.toLowerCase()] ?? null;
  return character(/^x/i.test(body) ? Number.parseInt(body.slice(1), 16) : Number.parseInt(body, 10));
}

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** Of the last escape whose character begins at or before `at`: the index of its first number. */
function placeBefore(places: readonly number[], at: number): number {
  let low = 0;
  let high = places.length / 4;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[4 * middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return 4 * (low - 1);
}

/** Null where no escape stands before. */
function startOf(places: readonly number[], at: number): number | null {
  const place = placeBefore(places, at);
  if (place < 0) return null;
  const [, decodedEnd = 0, start = 0, end = 0] = places.slice(place, place + 4);
  return at < decodedEnd ? start : end + (at - decodedEnd);
}

function endOf(places: readonly number[], at: number): number | null {
  const place = placeBefore(places, at - 1);
  if (place < 0) return null;
  const [, decodedEnd = 0, , end = 0] = places.slice(place, place + 4);
  return at <= decodedEnd ? end : end + (at - decodedEnd);
}
