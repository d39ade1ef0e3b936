/** `storage_summarize`: one row a column over all records of an object. */
import { rows, type RowsResult } from '../../sdk/sdk.ts';
import { ColumnProfile, newBudget, type Profile } from './column-profile.ts';
import { filterOf } from './filter.ts';
import type { Manifest } from './manifest.types.ts';
import type { StorageCall } from './object.ts';
import { openRecords } from './records.ts';
import { placesOf } from './shape.ts';
import type { Settings } from './settings.ts';

const measures = ['type', 'values', 'nulls', 'distinct', 'min', 'max', 'sum', 'average'] as const;

export async function summarizeObject(
  call: StorageCall & { readonly arguments: Manifest['tools']['summarize']['arguments'] },
  settings: Settings,
): Promise<RowsResult> {
  const { where, columns: names } = call.arguments;
  const { place, head, columns, told, rows: batches } = await openRecords(call, settings, call.arguments);
  const places = placesOf(columns, names);
  const keeps = filterOf(columns, where);
  const budget = newBudget();
  const profiles = places.map(() => new ColumnProfile(budget));
  let counted = 0;
  const profiled = async function* (): AsyncGenerator<readonly [string, ...Profile]> {
    for await (const batch of batches) {
      for (const row of batch) {
        if (!keeps(row)) continue;
        counted += 1;
        for (let at = 0; at < places.length; at += 1) profiles[at]?.add(row[places[at] ?? 0]);
      }
    }
    for (const [at, profile] of profiles.entries()) yield [columns[places[at] ?? 0] ?? '', ...profile.profile()];
  };
  const source = place.source('summary');
  return rows({
    columns: ['column', ...measures].map((name) => ({ name, type: typeOf(name), source })),
    rows: profiled(),
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

const typeOf = (name: string): string =>
  ['values', 'nulls', 'distinct'].includes(name) ? 'integer' : ['column', 'type'].includes(name) ? 'text' : 'value';
