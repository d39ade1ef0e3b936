/**
 * One layer of escapes taken off: percent, JSON and JavaScript, HTML entities, full-width and other compatibility forms,
 * characters that show nothing. Remembers where each character came from. Linear: the pattern's alternatives begin differently
 * or are bounded. Not undone: quoted-printable, a plus for a space, words cut by line breaks.
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

const escapes = new RegExp(
  [
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
  ].join('|'),
  'g',
);

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

/** Null where there is nothing to undo. */
export function unescaped(text: string): Decoded | null {
  escapes.lastIndex = 0;
  const pieces: string[] = [];
  const places: Place[] = [];
  let decodedLength = 0;
  let last = 0;
  for (let match = escapes.exec(text); match !== null; match = escapes.exec(text)) {
    const character = meaning(match[0]);
    if (character === null) continue;
    const between = text.slice(last, match.index);
    decodedLength += between.length;
    last = match.index + match[0].length;
    pieces.push(between, character);
    places.push([decodedLength, decodedLength + character.length, match.index, last]);
    decodedLength += character.length;
  }
  if (places.length === 0) return null;
  pieces.push(text.slice(last));
  return { text: pieces.join(''), origin: (start, end) => [startOf(places, start), endOf(places, end)] };
}

function meaning(escape: string): string | null {
  const first = escape.charCodeAt(0);
  if (first === 37) return fromPercent(escape);
  if (first === 92) return fromBackslash(escape);
  if (first === 38) return fromEntity(escape);
  if (first === 0xdb40) return '';
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
  if (kind === 'u' || kind === 'x') return character(Number.parseInt(escape.replace(/[^0-9a-fA-F]+/g, ''), 16));
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

/** An escape: its character in the decoded text, and the escape in the text. */
type Place = readonly [decodedStart: number, decodedEnd: number, start: number, end: number];

/** The last escape whose character begins at or before `at`. */
function placeBefore(places: readonly Place[], at: number): Place | undefined {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.[0] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return places[low - 1];
}

function startOf(places: readonly Place[], at: number): number {
  const place = placeBefore(places, at);
  if (place === undefined) return at;
  const [, decodedEnd, start, end] = place;
  return at < decodedEnd ? start : end + (at - decodedEnd);
}

function endOf(places: readonly Place[], at: number): number {
  const place = placeBefore(places, at - 1);
  if (place === undefined) return at;
  const [, decodedEnd, , end] = place;
  return at <= decodedEnd ? end : end + (at - decodedEnd);
}
