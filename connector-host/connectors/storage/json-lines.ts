/** JSON lines: one object a line. Strict: UTF-8, JSON, bounded lines. Exact: numbers and names as they are written. */
import { parseExactly } from '../../sdk/exact-json.ts';
import { exactNumber } from './exact-number.ts';
import { refuse } from '../../sdk/sdk.ts';
import { mostColumns, mostRecordBytes, withFirst, type Row, type Shape } from './shape.ts';
import { decodedPieces } from './text-encoding.ts';

type Members = Readonly<Record<string, unknown>>;

/** The first ones show which members there are. */
const looksAt = 100;

export async function jsonLines(pieces: AsyncIterable<Uint8Array>): Promise<Shape> {
  const batches = parsed(pieces);
  const first: Members[] = [];
  for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
    first.push(...next.value);
    if (first.length >= looksAt) break;
  }
  const columns = [...new Set(first.flatMap((members) => Object.keys(members)))];
  const known = new Set(columns);
  if (columns.length > mostColumns)
    refuse('invalid_arguments', `Its objects have more than ${mostColumns} members. Read it as text.`);
  if (columns.some((name) => name.length > 190))
    refuse('invalid_arguments', 'A member has a name of more than 190 characters. Read it as text.');
  const told = { records: 0, uneven: 0 };
  const fitted = async function* (): AsyncGenerator<readonly Row[]> {
    for await (const batch of withFirst<readonly Members[]>(first, batches)) {
      told.records += batch.length;
      yield batch.map((members) => {
        if (Object.keys(members).some((name) => !known.has(name))) told.uneven += 1;
        return columns.map((name) => (Object.hasOwn(members, name) ? members[name] : null));
      });
    }
  };
  return { columns, rows: fitted(), told };
}

async function* parsed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Members[], undefined> {
  let cut = '';
  let line = 0;
  for await (const text of decodedPieces(pieces, 'utf-8')) {
    const lines = (cut + text).split('\n');
    cut = lines.pop() ?? '';
    const batch: Members[] = [];
    for (const each of lines) {
      line += 1;
      if (each.trim() !== '') batch.push(read(each, line));
    }
    if (cut.length > mostRecordBytes) tooLong();
    if (batch.length > 0) yield batch;
  }
  if (cut.trim() !== '') yield [read(cut, line + 1)];
}

/** What `JSON.parse` would round, or (a name with an escape) read as another. */
const needsCare = /[\d.]{16}|\d[eE][+-]?\d|"[^"\\]*\\.(?:[^"\\]|\\.)*"\s*:/;

function read(text: string, line: number): Members {
  if (text.length > mostRecordBytes) tooLong();
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (needsCare.test(text)) value = parseExactly(text, exactNumber);
  } catch {
    return noObject(line);
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : noObject(line);
}

function noObject(line: number): never {
  refuse('invalid_arguments', `Line ${line} is no JSON object. Read it as text.`);
}

function tooLong(): never {
  refuse('invalid_arguments', 'A line is longer than 1 MiB. Read it as text.');
}
