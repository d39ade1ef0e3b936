/** `storage_records`: records as rows. */
import { rows, type RowsResult } from '../../sdk/sdk.ts';
import { filterOf, textOf } from './filter.ts';
import type { Manifest } from './manifest.types.ts';
import type { StorageCall } from './object.ts';
import { openRecords } from './records.ts';
import { placesOf, type Value } from './shape.ts';
import type { Settings } from './settings.ts';

/** Longer ones are cut, and counted. */
const longestValue = 4096;

export async function listRecords(
  call: StorageCall & { readonly arguments: Manifest['tools']['records']['arguments'] },
  settings: Settings,
): Promise<RowsResult> {
  const { where, columns: names, maxRecords = 100_000 } = call.arguments;
  const { place, columns, told, rows: batches } = await openRecords(call, settings, call.arguments);
  const places = placesOf(columns, names);
  const keeps = filterOf(columns, where);
  let [count, cut, truncated] = [0, 0, false];
  const shown = (value: Value): Value => {
    const plain = typeof value === 'object' && value !== null ? textOf(value) : (value ?? null);
    if (typeof plain !== 'string' || plain.length <= longestValue) return plain;
    cut += 1;
    return `${plain.slice(0, longestValue).toWellFormed()} [cut: ${plain.length} characters]`;
  };
  const listed = async function* (): AsyncGenerator<readonly Value[]> {
    for await (const batch of batches) {
      for (const row of batch) {
        if (!keeps(row)) continue;
        truncated = count === maxRecords;
        if (truncated) return;
        count += 1;
        yield places.map((at) => shown(row[at]));
      }
    }
  };
  return rows({
    columns: places.map((at) => {
      const name = columns[at] ?? '';
      return { name, type: 'value', source: place.columnSource(name) };
    }),
    rows: listed(),
    rest: () => ({ bucket: place.bucket, key: place.key, truncated, uneven: told.uneven, cutValues: cut }),
  });
}
