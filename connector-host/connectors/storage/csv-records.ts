/** CSV (RFC 4180, with other delimiters) by csv-parse. Strict: quotes where they belong, one encoding, bounded records. */
import { isUtf8 } from 'node:buffer';
import { CsvError, Parser } from 'csv-parse';
import { refuse } from '../../sdk/sdk.ts';
import { mostColumns, mostRecordBytes, withFirst, type Row, type Shape } from './shape.ts';
import { refuseEncoding, unfinishedAtEnd, type Encoding } from './text-encoding.ts';

type CsvRecord = readonly string[];

export interface CsvOptions {
  readonly encoding: Encoding;
  readonly delimiter: string;
  /** The first record names the columns. */
  readonly header: boolean;
}

export async function csvRecords(pieces: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<Shape> {
  const batches = parsed(inUtf8(pieces, options.encoding), options.delimiter);
  const first = await batches.next();
  const [names = [], ...others] = first.done === true ? [] : first.value;
  const columns = options.header ? distinctNames(names) : names.map((_, at) => `column_${at + 1}`);
  if (columns.length > mostColumns)
    refuse('invalid_arguments', `It has more than ${mostColumns} columns. Is the delimiter right?`);
  const told = { records: 0, uneven: 0 };
  const begun = options.header || names.length === 0 ? others : [names, ...others];
  const fitted = async function* (): AsyncGenerator<readonly Row[]> {
    for await (const batch of withFirst<readonly CsvRecord[]>(begun, batches)) {
      told.records += batch.length;
      yield batch.map((record) => {
        if (record.length !== columns.length) told.uneven += 1;
        return columns.map((_, at) => (record[at] === '' ? null : (record[at] ?? null)));
      });
    }
  };
  return { columns, rows: fitted(), told };
}

/**
 * Batches of records, none empty. The parser's own transform is called directly: as a stream it would hold records back or hand
 * them on one by one.
 */
async function* parsed(pieces: AsyncIterable<Uint8Array>, delimiter: string): AsyncGenerator<readonly CsvRecord[]> {
  const parser = new Parser({
    delimiter,
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: mostRecordBytes,
  });
  let batch: CsvRecord[] = [];
  parser.push = (record: CsvRecord | null): boolean => {
    if (record !== null) batch.push(record);
    return true;
  };
  const taken = (): readonly CsvRecord[] => {
    const records = batch;
    batch = [];
    return records;
  };
  const done = (error?: Error | null): void => {
    if (error !== undefined && error !== null) refuseMalformed(error, parser.info.lines);
  };
  for await (const piece of pieces) {
    parser._transform(piece, 'utf8', done);
    if (batch.length > 0) yield taken();
  }
  parser._flush(done);
  if (batch.length > 0) yield taken();
}

function refuseMalformed(error: Error, line: number): never {
  const isLarge = error instanceof CsvError && error.code === 'CSV_MAX_RECORD_SIZE';
  const why = isLarge ? 'a record is larger than 1 MiB' : 'a quote is not where CSV has one';
  return refuse('invalid_arguments', `It is no CSV with this delimiter: near line ${line} ${why}. Read it as text.`);
}

/** Refuses what is not in that encoding, across pieces. */
async function* inUtf8(
  pieces: AsyncIterable<Uint8Array>,
  encoding: CsvOptions['encoding'],
): AsyncGenerator<Uint8Array> {
  let cut: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    if (piece.includes(0)) refuseEncoding(encoding);
    if (encoding === 'windows-1252') {
      yield Buffer.from(new TextDecoder(encoding).decode(piece));
      continue;
    }
    const bytes = cut.length === 0 ? piece : Buffer.concat([cut, piece]);
    const whole = bytes.length - unfinishedAtEnd(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) refuseEncoding(encoding);
    cut = bytes.slice(whole);
    yield bytes.subarray(0, whole);
  }
  if (cut.length > 0) refuseEncoding(encoding);
}

/** Names that are missing or there twice get a number: columns are asked for by name. */
function distinctNames(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return names.map((given, at) => {
    const name = given.trim().slice(0, 190).toWellFormed() || `column_${at + 1}`;
    let own = name;
    for (let count = 2; seen.has(own); count += 1) own = `${name}_${count}`;
    seen.add(own);
    return own;
  });
}
