/**
 * One call's connection: a stream that egress has logged in, a read-only transaction with pinned settings, rows read
 * in small portions until a limit. Guarantees: never more in memory than a portion beyond the limits; rolled back and
 * gone with the call. The transaction is the third wall: SQL inside it could still change settings if it got that far.
 */
import type { Duplex } from 'node:stream';
import pg from 'pg';
import Cursor from 'pg-cursor';
import type { Call } from '../../sdk/sdk.ts';
import { refuseFailure } from './failures.ts';
import { quoteIdentifier } from './identifiers.ts';
import { toJson, typeName } from './values.ts';

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
}

export interface Limits {
  readonly rows: number;
  /** JSON of all rows together. */
  readonly bytes: number;
}

export interface Table {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly rowCount: number;
  /** There were more rows than these. */
  readonly truncated: boolean;
  /** How many values were too long and are cut. */
  readonly cutValues: number;
}

export type Read = (statement: Statement, limits: Limits) => Promise<Table>;

const rowsAtATime = 100;
const asText = { getTypeParser: () => (text: string) => text };

/** What changes how a statement is read or how its rows are written down; a role may have other defaults. */
const pinned = [
  'standard_conforming_strings = on',
  'DateStyle = ISO',
  'IntervalStyle = iso_8601',
  "TimeZone = 'UTC'",
  'bytea_output = hex',
  'extra_float_digits = 1',
];

export interface SessionOptions {
  /** What unqualified names mean; undefined: the role's own search path. */
  readonly schemas: readonly string[] | undefined;
}

/** Runs `work` in a transaction that is always rolled back. Every failure comes out as a refusal. */
export async function withSession<T>(
  call: Call,
  options: SessionOptions,
  work: (read: Read) => Promise<T>,
): Promise<T> {
  const stream = socketLike(call.connect('database'));
  const client = new pg.Client({
    stream: () => stream,
    user: 'connector',
    database: 'database',
    ssl: false,
    types: asText,
  });
  let broken: unknown;
  // pg reports some ends of a connection only here.
  client.on('error', (error) => (broken ??= error));
  stream.on('error', (error) => (broken ??= error));
  try {
    await client.connect();
    await client.query(prologue(call, options));
    const result = await work((statement, limits) => readTable(client, statement, limits));
    await client.query('ROLLBACK');
    await client.end();
    return result;
  } catch (error) {
    return refuseFailure(broken ?? error);
  } finally {
    stream.destroy();
  }
}

function prologue(call: Call, { schemas }: SessionOptions): string {
  const path = schemas === undefined ? [] : [`search_path = ${schemas.map(quoteIdentifier).join(', ')}`];
  const settings = [...pinned, `statement_timeout = ${Math.ceil(call.deadlineMs)}`, ...path];
  return ['BEGIN READ ONLY', ...settings.map((setting) => `SET LOCAL ${setting}`)].join('; ');
}

async function readTable(client: pg.Client, statement: Statement, limits: Limits): Promise<Table> {
  const cursor = client.query(
    new Cursor<(string | null)[]>(statement.text, [...(statement.values ?? [])], { rowMode: 'array', types: asText }),
  );
  const rows: unknown[][] = [];
  let fields: readonly pg.FieldDef[] = [];
  let bytes = 0;
  let cutValues = 0;
  let truncated = false;
  for (;;) {
    // One more than wanted tells whether there are more.
    const wanted = Math.min(rowsAtATime, limits.rows + 1 - rows.length);
    const portion = await readPortion(cursor, wanted);
    fields = portion.fields;
    for (const row of portion.rows) {
      const values = row.map((text, index) => toJson(fields[index]?.dataTypeID ?? 0, text));
      const json = values.map(({ value }) => value);
      bytes += Buffer.byteLength(JSON.stringify(json)) + 1;
      truncated = rows.length === limits.rows || bytes > limits.bytes;
      if (truncated) break;
      rows.push(json);
      cutValues += values.filter(({ cut }) => cut).length;
    }
    if (truncated || portion.rows.length < wanted) break;
  }
  if (truncated) await cursor.close();
  const columns = fields.map(({ name, dataTypeID }) => ({ name, type: typeName(dataTypeID) }));
  return { columns, rows, rowCount: rows.length, truncated, cutValues };
}

interface Portion {
  readonly rows: readonly (string | null)[][];
  readonly fields: readonly pg.FieldDef[];
}

function readPortion(cursor: Cursor<(string | null)[]>, count: number): Promise<Portion> {
  return new Promise((resolve, reject) => {
    cursor.read(count, (error, rows, result) => {
      if (error) reject(error);
      else resolve({ rows, fields: (result as pg.QueryResult | undefined)?.fields ?? [] });
    });
  });
}

/** pg asks a few things of its stream that only a socket has; ours is connected already. */
function socketLike(stream: Duplex): Duplex {
  const nothing = (): Duplex => stream;
  return Object.assign(stream, {
    connect: () => {
      process.nextTick(() => stream.emit('connect'));
      return stream;
    },
    setNoDelay: nothing,
    setKeepAlive: nothing,
    ref: nothing,
    unref: nothing,
  });
}
