/**
 * One call's connection: a stream that egress has logged in, a read-only transaction with pinned settings, rows read
 * in small portions until a limit. Guarantees: never more in memory than a portion, or where rows are collected, than
 * the limits; the next portion is read when the one before was taken; rolled back and gone with the call. The transaction is the third wall: SQL inside it could still change settings if it got that far.
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

interface Session {
  readonly client: pg.Client;
  /** After the last answer that is wanted. */
  finish(): Promise<void>;
  destroy(): void;
  /** What was really wrong, where pg only says that something was. */
  refuse(error: unknown): never;
}

/** Runs `work` in a transaction that is always rolled back. Every failure comes out as a refusal. */
export async function withSession<T>(
  call: Call,
  options: SessionOptions,
  work: (read: Read) => Promise<T>,
): Promise<T> {
  const session = await openSession(call, options);
  try {
    const result = await work((statement, limits) => readTable(session.client, statement, limits));
    await session.finish();
    return result;
  } catch (error) {
    return session.refuse(error);
  } finally {
    session.destroy();
  }
}

async function openSession(call: Call, options: SessionOptions): Promise<Session> {
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
  const session: Session = {
    client,
    finish: async () => {
      await client.query('ROLLBACK');
      await client.end();
    },
    destroy: () => {
      stream.destroy();
    },
    refuse: (error) => refuseFailure(broken ?? error),
  };
  try {
    await client.connect();
    await client.query(prologue(call, options));
    return session;
  } catch (error) {
    session.destroy();
    return session.refuse(error);
  }
}

export interface StreamedTable {
  readonly fields: readonly pg.FieldDef[];
  /** Before the first row was asked for. */
  cancel(): void;
  /** Ends the session, also when nobody wants more. */
  readonly rows: AsyncGenerator<readonly unknown[], void>;
  /** Grows with the rows; final after the last one. */
  readonly told: { truncated: boolean; cutValues: number };
}

/** A statement's rows, read while they are taken. The first portion is there when this resolves. */
export async function streamTable(
  call: Call,
  options: SessionOptions,
  { statement, maxRows }: { readonly statement: Statement; readonly maxRows: number },
): Promise<StreamedTable> {
  const session = await openSession(call, options);
  const cursor = openCursor(session.client, statement);
  const told = { truncated: false, cutValues: 0 };
  try {
    // One more than wanted tells whether there are more.
    const size = Math.min(rowsAtATime, maxRows + 1);
    const first = await readPortion(cursor, size);
    const rows = remaining(session, { cursor, first, size, maxRows, told });
    return { fields: first.fields, rows, told, cancel: () => session.destroy() };
  } catch (error) {
    session.destroy();
    return session.refuse(error);
  }
}

interface Started {
  readonly cursor: Cursor<(string | null)[]>;
  readonly first: Portion;
  readonly size: number;
  readonly maxRows: number;
  readonly told: StreamedTable['told'];
}

async function* remaining(
  session: Session,
  { cursor, first, size, maxRows, told }: Started,
): AsyncGenerator<readonly unknown[], void> {
  let [portion, wanted, left] = [first, size, maxRows];
  try {
    for (;;) {
      for (const row of portion.rows) {
        told.truncated = left === 0;
        if (told.truncated) break;
        left -= 1;
        const values = row.map((text, index) => toJson(first.fields[index]?.dataTypeID ?? 0, text));
        told.cutValues += values.filter(({ cut }) => cut).length;
        yield values.map(({ value }) => value);
      }
      if (told.truncated || portion.rows.length < wanted) break;
      wanted = Math.min(rowsAtATime, left + 1);
      portion = await readPortion(cursor, wanted);
    }
    if (told.truncated) await cursor.close();
    await session.finish();
  } catch (error) {
    session.refuse(error);
  } finally {
    session.destroy();
  }
}

function openCursor(client: pg.Client, { text, values }: Statement): Cursor<(string | null)[]> {
  return client.query(new Cursor<(string | null)[]>(text, [...(values ?? [])], { rowMode: 'array', types: asText }));
}

function prologue(call: Call, { schemas }: SessionOptions): string {
  const path = schemas === undefined ? [] : [`search_path = ${schemas.map(quoteIdentifier).join(', ')}`];
  const settings = [...pinned, `statement_timeout = ${Math.ceil(call.deadlineMs)}`, ...path];
  return ['BEGIN READ ONLY', ...settings.map((setting) => `SET LOCAL ${setting}`)].join('; ');
}

async function readTable(client: pg.Client, statement: Statement, limits: Limits): Promise<Table> {
  const cursor = openCursor(client, statement);
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
