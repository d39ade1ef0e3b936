/** What can be read: tables and columns for which this person has a privilege, from the system catalogs. */
import { z } from 'zod';
import { refuse, type Call } from '../../sdk/sdk.ts';
import { maxNameLength } from './identifiers.ts';
import { withSession, type Read } from './session.ts';
import type { Settings } from './settings.ts';

const name = z.string().min(1).max(maxNameLength);
const maxTables = 1000;
const maxColumns = 1600;

const listed = `
  SELECT n.nspname, c.relname,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
    pg_catalog.obj_description(c.oid, 'pg_class'), c.oid::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND ($1::text[] IS NULL OR n.nspname = ANY ($1)) AND ($2::text IS NULL OR n.nspname = $2)
    AND ($3::text IS NULL OR c.relname = $3)
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
  ORDER BY 1, 2`;

const described = `
  SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
    EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
    (SELECT fn.nspname || '.' || fc.relname || '.' || fa.attname
     FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class fc ON fc.oid = k.confrelid
       JOIN pg_catalog.pg_namespace fn ON fn.oid = fc.relnamespace
       JOIN pg_catalog.pg_attribute fa ON fa.attrelid = k.confrelid
         AND fa.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
     WHERE k.contype = 'f' AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
       AND pg_catalog.has_column_privilege(fc.oid, fa.attnum, 'SELECT') LIMIT 1),
    pg_catalog.col_description(a.attrelid, a.attnum)
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
    AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
  ORDER BY a.attnum`;

const listArguments = z.strictObject({ schema: name.optional() });
const describeArguments = z.strictObject({ schema: name.optional(), table: name });

interface Found {
  readonly schema: unknown;
  readonly table: unknown;
  readonly kind: unknown;
  readonly description: unknown;
  readonly oid: unknown;
}

interface Wanted {
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
}

export async function listTables(call: Call, settings: Settings): Promise<unknown> {
  const wanted = listArguments.parse(call.arguments);
  return withSession(call, settings, async (read) => {
    const { found, truncated } = await find(read, settings, wanted);
    const tables = found.map(({ schema, table, kind, description }) => ({ schema, table, kind, description }));
    return { tables, truncated };
  });
}

export async function describeTable(call: Call, settings: Settings): Promise<unknown> {
  const wanted = describeArguments.parse(call.arguments);
  return withSession(call, settings, async (read) => {
    const { schema, table, kind, description, oid } = await findOne(read, settings, wanted);
    const { rows } = await read(
      { text: described, values: [oid] },
      { rows: maxColumns, bytes: call.maxResultBytes * 0.9 },
    );
    const columns = rows.map(([column, type, nullable, primaryKey, references, comment]) => ({
      name: column,
      type,
      nullable,
      primaryKey,
      references,
      description: comment,
    }));
    return { schema, table, kind, description, columns };
  });
}

/** The one table of that name; the first in the order of the schemas where several have it. */
export async function findOne(read: Read, settings: Settings, wanted: Wanted): Promise<Found> {
  const { found } = await find(read, settings, wanted);
  const order = settings.schemas ?? [];
  const [only, ...others] = found.toSorted((a, b) => order.indexOf(String(a.schema)) - order.indexOf(String(b.schema)));
  if (only === undefined) {
    refuse(
      'invalid_arguments',
      'There is no such table that this person can read. postgres_list_tables shows those that are.',
    );
  }
  if (others.length > 0 && settings.schemas === undefined) {
    refuse(
      'invalid_arguments',
      `Several schemas have a table of this name: give "schema" too (${found.map((each) => String(each.schema)).join(', ')}).`,
    );
  }
  return only;
}

async function find(read: Read, settings: Settings, wanted: Wanted): Promise<{ found: Found[]; truncated: boolean }> {
  const values = [settings.schemas ?? null, wanted.schema ?? null, wanted.table ?? null];
  const { rows, truncated } = await read({ text: listed, values }, { rows: maxTables, bytes: 500_000 });
  const found = rows.map(([schema, table, kind, description, oid]) => ({ schema, table, kind, description, oid }));
  return { found, truncated };
}
