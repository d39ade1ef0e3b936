/** What a kind of credential is: how its value is made, and what must stand around it so that anybody could recognise it. */
import type { Pieces } from './pieces.ts';
import type { Random } from './random.ts';

export type Kind =
  /** Its own form gives it away: it can stand anywhere. */
  | { readonly shape: 'token'; readonly name: string; readonly value: (random: Random) => string }
  /** Only its name gives it away. Names are words; the carrier writes them as is usual there. */
  | {
      readonly shape: 'named';
      readonly name: string;
      readonly names: readonly string[];
      readonly value: (random: Random) => string;
    }
  /** A line or a file that a secret is part of. */
  | { readonly shape: 'passage'; readonly name: string; readonly pieces: (random: Random) => Pieces };

type Value = (random: Random) => string;

export function tokens(table: Readonly<Record<string, Value>>): Kind[] {
  return Object.entries(table).map(([name, value]) => ({ shape: 'token', name, value }));
}

export function namedValues(
  table: Readonly<Record<string, readonly [names: readonly string[], value: Value]>>,
): Kind[] {
  return Object.entries(table).map(([name, [names, value]]) => ({ shape: 'named', name, names, value }));
}

export function passages(table: Readonly<Record<string, (random: Random) => Pieces>>): Kind[] {
  return Object.entries(table).map(([name, pieces]) => ({ shape: 'passage', name, pieces }));
}
