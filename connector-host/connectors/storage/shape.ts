/** Records as rows of one shape, batch by batch. */
import { refuse } from '../../sdk/sdk.ts';

export const mostColumns = 500;
export const mostRecordBytes = 1_048_576;

/** Text, or of JSON any value; null: there is none. Numbers that JavaScript cannot hold are their digits as text. */
export type Value = unknown;
export type Row = readonly Value[];

export interface Shape {
  readonly columns: readonly string[];
  /** Batches of rows, each as long as `columns`. */
  readonly rows: AsyncIterable<readonly Row[]>;
  /** So far. */
  readonly told: { records: number; uneven: number };
}

/** The places of these columns; without names, of all. */
export function placesOf(columns: readonly string[], names: readonly string[] | undefined): readonly number[] {
  return (names ?? columns).map((name) => placeIn(columns, name));
}

export function placeIn(columns: readonly string[], name: string): number {
  const at = columns.indexOf(name);
  if (at === -1) refuse('invalid_arguments', 'There is no such column. storage_summarize shows which there are.');
  return at;
}

/** What was looked at for the shape, then the rest. */
export async function* withFirst<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
