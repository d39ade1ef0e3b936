/**
 * Where a column's values come from, as PostgreSQL says it of a result: `schema.table.column`. The configuration can
 * label a source. Looked up once a table, beside the statement that runs: a cursor keeps its connection to itself.
 */
import type pg from 'pg';
import { z } from 'zod';
import type { Call } from '../../sdk/sdk.ts';
import { withSession, type SessionOptions } from './session.ts';

/** A table's name, and its columns by number. */
type Table = ReadonlyMap<number, string>;

const known = new Map<number, Table>();
const maxKnown = 10_000;
const maxColumns = 20_000;

const named = `
  SELECT a.attrelid::pg_catalog.int8, a.attnum::pg_catalog.int8, n.nspname || '.' || c.relname || '.' || a.attname
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0`;

const rowSchema = z.tuple([z.coerce.number(), z.coerce.number(), z.string()]);

/** By place in the result; undefined for what is computed. */
export async function sourcesOf(
  call: Call,
  options: SessionOptions,
  fields: readonly pg.FieldDef[],
): Promise<(string | undefined)[]> {
  const unknown = new Set(fields.map(({ tableID }) => tableID).filter((table) => table !== 0 && !known.has(table)));
  if (unknown.size > 0) await learn(call, options, [...unknown]);
  return fields.map(({ tableID, columnID }) => known.get(tableID)?.get(columnID)?.slice(0, 300));
}

async function learn(call: Call, options: SessionOptions, tables: readonly number[]): Promise<void> {
  const { rows } = await withSession(call, options, (read) =>
    read({ text: named, values: [tables.map(String)] }, { rows: maxColumns, bytes: 4_000_000 }),
  );
  // A name can change: now and then it is all asked again.
  if (known.size + tables.length > maxKnown) known.clear();
  const learnt = new Map<number, Map<number, string>>(tables.map((table) => [table, new Map()]));
  for (const row of rows) {
    const [table, column, name] = rowSchema.parse(row);
    learnt.get(table)?.set(column, name);
  }
  for (const [table, columns] of learnt) known.set(table, columns);
}
