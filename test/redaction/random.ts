/** A seeded source of values: the same seed and stream give the same values on every machine. */

const digits = '0123456789';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

export const alphabets = {
  digits,
  lower,
  upper,
  base62: digits + upper + lower,
  lowerAndDigits: lower + digits,
  upperAndDigits: upper + digits,
  word: digits + upper + lower + '_-',
  base64: upper + lower + digits + '+/',
  base32: upper + '234567',
  base58: '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
  bech32: '023456789ACDEFGHJKLMNPQRSTUVWXYZ',
  crypt: './' + digits + upper + lower,
  dna: 'ACGT',
} as const;

export interface Random {
  /** From 0 to below, without it. */
  int(below: number): number;
  /** Both ends included. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  chars(alphabet: string, length: number): string;
  digits(length: number): string;
  /** Digits, the first not 0. */
  number(length: number): string;
  hex(length: number): string;
  base62(length: number): string;
  /** Of the alphabet A-Z a-z 0-9 _ -. */
  word(length: number): string;
  bytes(length: number): Buffer;
  base64(byteLength: number): string;
  uuid(): string;
}

/** sfc32. */
function createWords(seed: number, stream: number): () => number {
  let a = seed | 0;
  let b = stream | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 20; round++) word();
  return word;
}

export function createRandom(seed: number, stream: number): Random {
  const word = createWords(seed, stream);
  const int = (below: number): number => Math.floor((word() / 2 ** 32) * below);
  const between = (least: number, most: number): number => least + int(most - least + 1);
  const chars = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(int(alphabet.length))).join('');
  const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => int(256)));
  const hex = (length: number): string => chars('0123456789abcdef', length);
  return {
    int,
    between,
    chance: (probability) => word() / 2 ** 32 < probability,
    pick: (from) => from[int(from.length)]!,
    chars,
    digits: (length) => chars(alphabets.digits, length),
    number: (length) => chars('123456789', 1) + chars(alphabets.digits, length - 1),
    hex,
    base62: (length) => chars(alphabets.base62, length),
    word: (length) => chars(alphabets.word, length),
    bytes,
    base64: (byteLength) => bytes(byteLength).toString('base64'),
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${chars('89ab', 1)}${hex(3)}-${hex(12)}`,
  };
}

/** The same members in another order. */
export function shuffle<T>(random: Random, members: readonly T[]): T[] {
  const left = [...members];
  for (let at = left.length - 1; at > 0; at--) {
    const other = random.int(at + 1);
    [left[at], left[other]] = [left[other]!, left[at]!];
  }
  return left;
}
