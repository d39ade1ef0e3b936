/**
 * Scores a secret finder on the labelled set.
 *
 * A credential is found when every character of each of its secret spans lies in a found span, and nothing of it is left:
 * one character too few is a miss. What a finder takes besides the secret does not count here; in a negative, any
 * non-empty span is a false positive.
 */
import type { Credential, Negative, Part } from './generator.ts';
import { generateCredentials, generateNegatives, readSeeds } from './generator.ts';
import type { Span } from './pieces.ts';

export type Find = (text: string) => readonly Span[];

export interface Tally {
  readonly count: number;
  readonly found: number;
}

export interface Miss extends Credential {
  /** What stayed of the secret. */
  readonly left: string;
}

export interface FalsePositive extends Negative {
  readonly taken: string;
}

export interface Score {
  /** Of the credentials in clear, from 0 to 1. */
  readonly recall: number;
  /** Of the encoded ones. */
  readonly encodedRecall: number;
  /** Of the negatives, how many were touched at all. */
  readonly falsePositives: number;
  readonly counts: { readonly plain: Tally; readonly encoded: Tally; readonly negatives: Tally };
  readonly misses: readonly Miss[];
  readonly falsePositiveTexts: readonly FalsePositive[];
  readonly perKind: Readonly<Record<string, Tally>>;
  readonly perEncoding: Readonly<Record<string, Tally>>;
}

function leftOf({ text, spans }: Credential, found: readonly Span[]): string {
  const taken = new Uint8Array(text.length);
  for (const { start, end } of found) taken.fill(1, Math.max(0, start), Math.max(0, end));
  return spans
    .flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at))
    .filter((at) => taken[at] === 0)
    .map((at) => text.charAt(at))
    .join('');
}

function tally(ones: readonly { readonly left: string }[]): Tally {
  return { count: ones.length, found: ones.filter(({ left }) => left === '').length };
}

function tallyBy<T extends { readonly left: string }>(
  ones: readonly T[],
  by: (one: T) => string,
): Record<string, Tally> {
  const groups = Map.groupBy(ones, by);
  return Object.fromEntries([...groups].map(([key, members]) => [key, tally(members)]));
}

const rate = ({ count, found }: Tally): number => (count === 0 ? 0 : found / count);

export function score(find: Find, part: Part): Score {
  const seeds = readSeeds();
  const credentials = generateCredentials(seeds, part).map((one) => ({ ...one, left: leftOf(one, find(one.text)) }));
  const negatives = generateNegatives(seeds, part).map((one) => ({
    ...one,
    taken: find(one.text)
      .map(({ start, end }) => one.text.slice(start, end))
      .filter((text) => text !== '')
      .join(' | '),
  }));
  const touched = negatives.filter(({ taken }) => taken !== '');
  const counts = {
    plain: tally(credentials.filter(({ encoding }) => encoding === 'none')),
    encoded: tally(credentials.filter(({ encoding }) => encoding !== 'none')),
    negatives: { count: negatives.length, found: touched.length },
  };
  return {
    recall: rate(counts.plain),
    encodedRecall: rate(counts.encoded),
    falsePositives: rate(counts.negatives),
    counts,
    misses: credentials.filter(({ left }) => left !== ''),
    falsePositiveTexts: touched,
    perKind: tallyBy(credentials, ({ kind }) => kind),
    perEncoding: tallyBy(credentials, ({ encoding }) => encoding),
  };
}
