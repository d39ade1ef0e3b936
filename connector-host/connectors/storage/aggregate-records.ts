/** `storage_aggregate`: counts, sums and the like of an object's records, grouped; exact. */
import { createAggregate, refuse, rows, type Measure, type RowsResult } from '../../sdk/sdk.ts';
import { compareValues } from './exact-number.ts';
import { filterOf, textOf } from './filter.ts';
import type { Manifest } from './manifest.types.ts';
import type { StorageCall } from './object.ts';
import { openRecords } from './records.ts';
import { placeIn, type Row } from './shape.ts';
import type { Settings } from './settings.ts';
import { standingAlone } from './text-encoding.ts';

type Arguments = Manifest['tools']['aggregate']['arguments'];

export async function aggregateRecords(
  call: StorageCall & { readonly arguments: Arguments },
  settings: Settings,
): Promise<RowsResult> {
  const { where, groupBy = [], measures: wanted } = call.arguments;
  const { place, head, columns, told, rows: batches } = await openRecords(call, settings, call.arguments);
  const keeps = filterOf(columns, where);
  const groupPlaces = groupBy.map((name) => placeIn(columns, name));
  const measures = new Map(wanted.map((one) => [nameOf(one), measureOf(columns, one)]));
  if (measures.size < wanted.length) refuse('invalid_arguments', 'A measure is there twice.');
  // As many as there are groups, and not many more: those are bounded.
  const known = new Map<string, string>();
  const aggregate = createAggregate<Row, string>({
    measures: Object.fromEntries(measures),
    ...(groupBy.length === 0 ? {} : { groupBy: (row: Row) => groupPlaces.map((at) => groupValue(row[at], known)) }),
  });
  let counted = 0;
  const grouped = async function* (): AsyncGenerator<readonly unknown[]> {
    for await (const batch of batches) {
      for (const row of batch) {
        if (!keeps(row)) continue;
        counted += 1;
        aggregate.add(row);
      }
    }
    const found = aggregate
      .groups()
      .map(({ group, measures: of }) => [...group, ...[...measures.keys()].map((name) => of[name] ?? null)]);
    yield* found.toSorted((one, other) => largestFirst(one[groupBy.length], other[groupBy.length]));
  };
  return rows({
    columns: [
      ...groupBy.map((name) => ({ name, type: 'value', source: place.columnSource(name) })),
      ...[...measures.keys()].map((name) => ({ name, type: 'number', source: place.source('summary') })),
    ],
    rows: grouped(),
    rest: () => ({
      bucket: place.bucket,
      key: place.key,
      size: head.bytes,
      records: told.records,
      counted,
      uneven: told.uneven,
    }),
  });
}

type Wanted = Arguments['measures'][number];

const nameOf = ({ function: kind, column }: Wanted): string => (column === undefined ? kind : `${kind}_${column}`);

function measureOf(columns: readonly string[], { function: kind, column }: Wanted): Measure<Row> {
  if (column === undefined) {
    if (kind !== 'count') refuse('invalid_arguments', `The measure ${kind} needs a column.`);
    return { kind };
  }
  const at = placeIn(columns, column);
  return { kind, of: (row) => row[at] };
}

const longestGroup = 200;

/** What is no plain value is its JSON. `known`: of texts, one that stands alone. */
function groupValue(value: unknown, known: Map<string, string>): unknown {
  const shown = typeof value === 'object' && value !== null ? textOf(value) : value;
  if (typeof shown === 'string' && shown.length > longestGroup)
    refuse(
      'invalid_arguments',
      `A value to group by has more than ${longestGroup} characters. Group by another column.`,
    );
  if (typeof shown !== 'string') return shown;
  const before = known.get(shown);
  if (before !== undefined) return before;
  const own = standingAlone(shown);
  known.set(own, own);
  return own;
}

function largestFirst(one: unknown, other: unknown): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return compareValues(textOf(other), textOf(one));
}
