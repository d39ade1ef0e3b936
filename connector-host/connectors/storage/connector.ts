/** S3 and what speaks like it, for agents: what is there, parts of objects, and exact summaries of CSV and JSON lines. It never sees a key. */
import { defineConnector, refuse } from '../../sdk/sdk.ts';
import { aggregateRecords } from './aggregate-records.ts';
import { listObjects } from './list-objects.ts';
import { listRecords } from './list-records.ts';
import type { Manifest } from './manifest.types.ts';
import { readObject, statObject } from './read-object.ts';
import { searchObject } from './search.ts';
import { parseSettings, type Settings } from './settings.ts';
import { summarizeObject } from './summarize.ts';

let known: Settings | undefined;

function settings(): Settings {
  return known ?? refuse('connector_failed', 'The connector is not ready yet. Try again.');
}

export const connector = defineConnector<Manifest>({
  configure(given) {
    known = parseSettings(given);
  },
  tools: {
    list: (call) => Promise.resolve(listObjects(call, settings())),
    stat: (call) => statObject(call, settings()),
    read: (call) => readObject(call, settings()),
    search: (call) => Promise.resolve(searchObject(call, settings())),
    records: (call) => listRecords(call, settings()),
    summarize: (call) => summarizeObject(call, settings()),
    aggregate: (call) => aggregateRecords(call, settings()),
  },
});
