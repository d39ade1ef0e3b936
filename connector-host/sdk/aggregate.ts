/** Exact aggregates over a stream of rows, in memory that grows with the groups and not with the rows. */
import { add, compare, divide, parseDecimal, toJson, zero, type Decimal } from './decimal.ts';
import { refuse } from './refusal.ts';

/** `of` gives a row's number; null and undefined are left out, as SQL does. Text that is no number ends the call. */
export type Measure<Row> =
  | { readonly kind: 'count'; readonly of?: (row: Row) => unknown }
  | { readonly kind: 'sum' | 'avg' | 'min' | 'max'; readonly of: (row: Row) => unknown };

/** Numbers are exact: one that a JSON number cannot hold is its digits as text. Null: there was no value. */
export type Measured = number | string | null;

export interface Aggregate<Row, Name extends string> {
  add(row: Row): void;
  /** One entry a group, in the order in which they came. */
  groups(): readonly { readonly group: readonly unknown[]; readonly measures: Readonly<Record<Name, Measured>> }[];
}

interface Running {
  count: number;
  sum: Decimal;
  least: Decimal | null;
  most: Decimal | null;
}

/** Digits that an average has more than its values. */
const averagePlaces = 16;

/** Default for `maxGroups`: 10 000. One more ends the call with `invalid_arguments`. */
export function createAggregate<Row, Name extends string>(wanted: {
  readonly measures: Readonly<Record<Name, Measure<Row>>>;
  readonly groupBy?: (row: Row) => readonly unknown[];
  readonly maxGroups?: number;
}): Aggregate<Row, Name> {
  const { groupBy = () => [], maxGroups = 10_000 } = wanted;
  const measures = Object.entries<Measure<Row>>(wanted.measures);
  const groups = new Map<string, { readonly group: readonly unknown[]; readonly running: Running[] }>();
  return {
    add(row) {
      const group = groupBy(row);
      const key = JSON.stringify(group);
      let found = groups.get(key);
      if (found === undefined) {
        if (groups.size >= maxGroups)
          refuse('invalid_arguments', 'There are too many groups. Group by fewer members, or filter.');
        found = { group, running: measures.map(() => ({ count: 0, sum: zero, least: null, most: null })) };
        groups.set(key, found);
      }
      for (const [index, [, measure]] of measures.entries()) {
        const running = found.running[index];
        if (running !== undefined) take(running, measure, row);
      }
    },
    groups: () =>
      [...groups.values()].map(({ group, running }) => ({
        group,
        measures: Object.fromEntries(
          measures.map(([name, { kind }], index) => [name, measured(kind, running[index])]),
        ) as Record<Name, Measured>,
      })),
  };
}

function take<Row>(running: Running, measure: Measure<Row>, row: Row): void {
  const value = measure.of === undefined ? 1 : measure.of(row);
  if (value === null || value === undefined) return;
  running.count += 1;
  if (measure.kind === 'count') return;
  const decimal = parseDecimal(value);
  if (decimal === null) refuse('invalid_arguments', 'A value is no number. Count it, or choose another member.');
  running.sum = add(running.sum, decimal);
  if (running.least === null || compare(decimal, running.least) < 0) running.least = decimal;
  if (running.most === null || compare(decimal, running.most) > 0) running.most = decimal;
}

function measured(kind: Measure<never>['kind'], running: Running | undefined): Measured {
  if (kind === 'count') return running?.count ?? 0;
  if (running === undefined || running.least === null || running.most === null) return null;
  switch (kind) {
    case 'sum':
      return toJson(running.sum);
    case 'avg':
      return toJson(divide(running.sum, running.count, averagePlaces));
    case 'min':
      return toJson(running.least);
    case 'max':
      return toJson(running.most);
  }
}
