/** An object's records: CSV or JSON lines, in memory of one piece and one record. */
import { refuse } from '../../sdk/sdk.ts';
import { csvRecords } from './csv-records.ts';
import { jsonLines } from './json-lines.ts';
import { readOn, type ObjectHead, type StorageCall } from './object.ts';
import { placeOf, type Place } from './place.ts';
import type { Shape } from './shape.ts';
import type { Settings } from './settings.ts';

export interface Source {
  readonly bucket?: string | undefined;
  readonly key: string;
  readonly format?: 'csv' | 'jsonl' | undefined;
  readonly delimiter?: string | undefined;
  readonly header?: boolean | undefined;
  readonly encoding?: 'utf-8' | 'windows-1252' | undefined;
}

export interface OpenRecords extends Shape {
  readonly place: Place;
  readonly head: ObjectHead;
}

/** What egress lets through for one call, with heads and the like taken off. */
const mostBytes = 1_000_000_000;

const formats: Readonly<Record<string, 'csv' | 'jsonl'>> = { csv: 'csv', tsv: 'csv', jsonl: 'jsonl', ndjson: 'jsonl' };

export async function openRecords(call: StorageCall, settings: Settings, source: Source): Promise<OpenRecords> {
  const place = placeOf(settings, source);
  const ending = /\.([a-z]+)$/i.exec(source.key)?.[1]?.toLowerCase() ?? '';
  const format = source.format ?? formats[ending];
  if (format === undefined) refuse('invalid_arguments', 'Say which "format" it has: "csv" or "jsonl".');
  let head: ObjectHead | undefined;
  const seen = (given: ObjectHead): void => {
    head = given;
    if (given.bytes > mostBytes)
      refuse(
        'invalid_arguments',
        `The object has ${given.bytes} bytes, and ${mostBytes} are read at most. Ask for a smaller one.`,
      );
  };
  const pieces = readOn(call, place, { from: 0, bytes: mostBytes, seen });
  const { encoding = 'utf-8', header = true, delimiter = ending === 'tsv' ? '\t' : ',' } = source;
  const shape = await (format === 'csv' ? csvRecords(pieces, { encoding, header, delimiter }) : jsonLines(pieces));
  if (head === undefined) refuse('backend_refused', 'The storage sent nothing. Try again.');
  return { ...shape, place, head };
}
