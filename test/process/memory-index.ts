/**
 * All patterns in one pass. Of the first 15 bytes of each pattern every 4 that follow each other are in a table; of a text only
 * 4 bytes in 12 are looked up, since wherever a pattern begins, one of those lies within its first 15.
 */
import type { Pattern } from './memory-forms.ts';

export interface Found extends Pattern {
  readonly at: number;
}

export interface PatternIndex {
  /** Longest pattern, bytes. */
  readonly longest: number;
  /** Those that begin before `end`. `bytes` starts at a multiple of 4 of its memory. */
  find(bytes: Buffer, end: number): Found[];
}

const step = 12;
const filterBits = 22;
const bucketBits = 18;
const factor = 0x9e3779b1;

export function createPatternIndex(patterns: readonly Pattern[]): PatternIndex {
  if (patterns.some(({ bytes }) => bytes.length < step + 3)) throw new Error('a pattern is too short');
  const filter = new Uint32Array(2 ** (filterBits - 5));
  const heads = new Int32Array(2 ** bucketBits).fill(-1);
  const next = new Int32Array(patterns.length * step);
  for (const [at, { bytes }] of patterns.entries()) {
    for (let offset = 0; offset < step; offset += 1) {
      const hash = Math.imul(bytes.readInt32LE(offset), factor);
      const bit = hash >>> (32 - filterBits);
      filter[bit >>> 5]! |= 1 << (bit & 31);
      const bucket = hash >>> (32 - bucketBits);
      next[at * step + offset] = heads[bucket]!;
      heads[bucket] = at * step + offset;
    }
  }
  const look = (text: Buffer, at: number, into: Found[]): void => {
    const bucket = Math.imul(text.readInt32LE(at), factor) >>> (32 - bucketBits);
    for (let entry = heads[bucket]!; entry !== -1; entry = next[entry]!) {
      const start = at - (entry % step);
      const pattern = patterns[Math.floor(entry / step)]!;
      const end = start + pattern.bytes.length;
      if (start < 0 || end > text.length) continue;
      if (text.compare(pattern.bytes, 0, pattern.bytes.length, start, end) === 0) into.push({ ...pattern, at: start });
    }
  };
  return {
    longest: Math.max(...patterns.map(({ bytes }) => bytes.length)),
    find: (bytes, end) => {
      const found: Found[] = [];
      const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
      for (let word = 0; word < words.length; word += step / 4) {
        const bit = Math.imul(words[word]!, factor) >>> (32 - filterBits);
        if ((filter[bit >>> 5]! & (1 << (bit & 31))) !== 0) look(bytes, word * 4, found);
      }
      return found.filter(({ at }) => at < end);
    },
  };
}
