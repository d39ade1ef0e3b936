/**
 * The labelled set: credentials in the places they are found in, and harmless texts that resemble them.
 *
 * It is made at run time from the frozen seeds of seeds.json: nothing that looks like a secret is in the repository,
 * and none of it opens anything. The rules of the secret finder were written without looking here, and this without
 * looking at them. The first 70 % of each list is for development; the rest is scored once.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Carrier } from './carriers.ts';
import { fileCarriers, phraseCarriers, valueCarriers } from './carriers.ts';
import type { Encoding } from './encodings.ts';
import { encodings } from './encodings.ts';
import { aboutCredentials, looksEncoded } from './harmless-texts.ts';
import { harmlessPlace, harmlessValues } from './harmless-values.ts';
import type { Kind } from './kind.ts';
import { kinds } from './kinds.ts';
import type { Medium } from './media.ts';
import { escapeFor } from './media.ts';
import { assignment, namedCarriers } from './named-carriers.ts';
import type { Pieces, Span } from './pieces.ts';
import { secret, spansOf, textOf } from './pieces.ts';
import type { Random } from './random.ts';
import { createRandom, shuffle } from './random.ts';

export type Part = 'development' | 'held-out';

export interface Credential {
  readonly text: string;
  /** Where the secret is, in its encoded form: all of this must go. */
  readonly spans: readonly Span[];
  readonly kind: string;
  /** `none`, or the names of encodings.ts. */
  readonly encoding: string;
  readonly carrier: string;
}

export interface Negative {
  readonly text: string;
  readonly kind: string;
}

export interface Seeds {
  readonly plain: { readonly seed: number; readonly count: number };
  readonly encoded: { readonly seed: number; readonly count: number };
  readonly negatives: { readonly seed: number; readonly count: number };
  /** Of what is made from them: a change of the generator after the freeze shows. */
  readonly sha256: Readonly<Record<Part, string>>;
}

interface Placed {
  readonly pieces: Pieces;
  readonly carrier: string;
}

const developmentShare = 0.7;

export function readSeeds(): Seeds {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, 'seeds.json'), 'utf8')) as Seeds;
}

/** The list repeated, each time in another order: every member comes up equally often in every stretch. */
function turnOf<T>(list: readonly T[], seed: number, at: number): T {
  const round = Math.floor(at / list.length);
  return shuffle(createRandom(seed, 0x40000000 + round), list)[at % list.length]!;
}

function isIn(part: Part, at: number, count: number): boolean {
  return at < Math.floor(count * developmentShare) === (part === 'development');
}

function carriersOf(value: Pieces, shape: Kind['shape']): readonly Carrier[] {
  if (textOf(value).includes('\n')) return fileCarriers;
  return shape === 'token' ? valueCarriers : phraseCarriers;
}

/** In one of the carriers; `media` are those in which the value is valid as it is, else the medium escapes it. */
function place(
  { value, shape }: { readonly value: Pieces; readonly shape: Kind['shape'] },
  random: Random,
  media?: readonly Medium[],
): Placed {
  const fitting = carriersOf(value, shape);
  const carrier = random.pick(fitting.filter(({ medium }) => media?.includes(medium) ?? true));
  const inner = media === undefined ? escapeFor(carrier.medium, value) : value;
  return { pieces: carrier.place(inner, random), carrier: carrier.name };
}

function placeNamed(
  given: { readonly names: readonly string[]; readonly value: Pieces },
  random: Random,
  media?: readonly Medium[],
): Placed {
  const carrier = random.pick(namedCarriers.filter(({ medium }) => media?.includes(medium) ?? true));
  const value = media === undefined ? escapeFor(carrier.medium, given.value) : given.value;
  return { pieces: carrier.place({ name: random.pick(given.names), value }, random), carrier: carrier.name };
}

function placePlain(kind: Kind, random: Random): Placed {
  switch (kind.shape) {
    case 'token':
      return place({ value: secret(kind.value(random)), shape: kind.shape }, random);
    case 'named':
      return placeNamed({ names: kind.names, value: secret(kind.value(random)) }, random);
    case 'passage':
      return place({ value: kind.pieces(random), shape: kind.shape }, random);
  }
}

/** Of what only its name gives away, the name is encoded with it, or stands before it in clear. */
function placeEncoded(kind: Kind, { encode, media }: Encoding, random: Random): Placed {
  const { shape } = kind;
  switch (shape) {
    case 'token':
      return place({ value: encode(secret(kind.value(random)), random), shape }, random, media);
    case 'named': {
      const value = secret(kind.value(random));
      if (random.chance(0.4)) return placeNamed({ names: kind.names, value: encode(value, random) }, random, media);
      const named = assignment(random.pick(kind.names), value, random);
      return place({ value: encode(named, random), shape }, random, media);
    }
    case 'passage':
      return place({ value: encode(kind.pieces(random), random), shape }, random, media);
  }
}

export function generateCredentials(seeds: Seeds, part: Part): Credential[] {
  const made = (kind: Kind, encoding: string, { pieces, carrier }: Placed): Credential => ({
    text: textOf(pieces),
    spans: spansOf(pieces),
    kind: kind.name,
    encoding,
    carrier,
  });
  const { plain, encoded } = seeds;
  const plainOnes = Array.from({ length: plain.count }, (_, at) => {
    const kind = turnOf(kinds, plain.seed, at);
    return made(kind, 'none', placePlain(kind, createRandom(plain.seed, at)));
  });
  const encodedOnes = Array.from({ length: encoded.count }, (_, at) => {
    const kind = turnOf(kinds, encoded.seed, at);
    const encoding = turnOf(encodings, encoded.seed + 1, at);
    return made(kind, encoding.name, placeEncoded(kind, encoding, createRandom(encoded.seed, at)));
  });
  return [
    ...plainOnes.filter((_, at) => isIn(part, at, plain.count)),
    ...encodedOnes.filter((_, at) => isIn(part, at, encoded.count)),
  ];
}

const harmlessKinds: readonly { readonly name: string; readonly text: (random: Random) => string }[] = [
  ...Object.entries(harmlessValues).map(([name, { names, value }]) => ({
    name,
    text: (random: Random) => harmlessPlace(random.pick(names), value(random), random),
  })),
  // The hardest, and the richest in variants, twice.
  ...[aboutCredentials, aboutCredentials, looksEncoded].flatMap((texts) =>
    Object.entries(texts).map(([name, text]) => ({ name, text })),
  ),
];

export function generateNegatives(seeds: Seeds, part: Part): Negative[] {
  const { seed, count } = seeds.negatives;
  return Array.from({ length: count }, (_, at) => {
    const { name, text } = turnOf(harmlessKinds, seed, at);
    return { text: text(createRandom(seed, at)), kind: name };
  }).filter((_, at) => isIn(part, at, count));
}
