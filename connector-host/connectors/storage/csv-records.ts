/** CSV (RFC 4180, with other delimiters) by Papa Parse. Strict: quotes that close where CSV has it, one encoding, bounded records. */
import Papa from 'papaparse';
import { refuse } from '../../sdk/sdk.ts';
import { mostColumns, mostRecordBytes, withFirst, type Row, type Shape } from './shape.ts';
import { decodedPieces, type Encoding } from './text-encoding.ts';

type CsvRecord = readonly string[];

export interface CsvOptions {
  readonly encoding: Encoding;
  readonly delimiter: string;
  /** The first record names the columns. */
  readonly header: boolean;
}

export async function csvRecords(pieces: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<Shape> {
  const batches = parsed(pieces, options);
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

interface Parsed {
  readonly data: readonly CsvRecord[];
  readonly errors: readonly { readonly row?: number }[];
  readonly meta: { readonly cursor: number };
}

/** Batches of records, none empty. */
async function* parsed(
  pieces: AsyncIterable<Uint8Array>,
  { delimiter, encoding }: CsvOptions,
): AsyncGenerator<readonly CsvRecord[]> {
  let rest = '';
  let count = 0;
  let parser: InstanceType<typeof Papa.Parser> | undefined;
  const take = (isEnd: boolean): readonly CsvRecord[] => {
    // What ends the first line ends all of them.
    const ending = /\r?\n/.exec(rest)?.[0];
    if (ending === undefined && !isEnd) return [];
    parser ??= new Papa.Parser({ delimiter, newline: ending === '\r\n' ? ending : '\n' });
    const { data, errors, meta } = parser.parse(rest, 0, !isEnd) as Parsed;
    // Of a record that is not whole yet, nothing is an error.
    const wrong = errors.find(({ row = 0 }) => row < data.length || isEnd);
    if (wrong !== undefined) refuseMalformed(count + (wrong.row ?? 0) + 1);
    rest = isEnd ? '' : rest.slice(meta.cursor);
    count += data.length;
    return data.filter((record) => record.length > 1 || record[0] !== '');
  };
  for await (const text of decodedPieces(pieces, encoding)) {
    rest += text;
    const records = take(false);
    if (rest.length > mostRecordBytes) refuse('invalid_arguments', 'A record is larger than 1 MiB. Read it as text.');
    if (records.length > 0) yield records;
  }
  const last = take(true);
  if (last.length > 0) yield last;
}

function refuseMalformed(record: number): never {
  const why = 'a quote does not close where CSV has it';
  return refuse('invalid_arguments', `It is no CSV with this delimiter: in record ${record} ${why}. Read it as text.`);
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
