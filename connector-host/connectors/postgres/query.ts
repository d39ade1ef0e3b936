/** `postgres_query`: one reading statement of the caller's. */
import { z } from 'zod';
import { refuse, rows, type Call, type RowsResult } from '../../sdk/sdk.ts';
import type { Parse } from './parser.ts';
import { streamTable, type Statement } from './session.ts';
import type { Settings } from './settings.ts';
import { sourcesOf } from './sources.ts';
import { checkStatement, maxStatementBytes } from './sql-check.ts';
import { typeName } from './values.ts';

/** The most rows of one statement: `maxRows` in the manifest, for tools and arguments. */
export const mostRows = 1_000_000;

const parameterSchema = z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]);

const argumentsSchema = z.strictObject({
  sql: z.string().min(1).max(maxStatementBytes),
  parameters: z.array(parameterSchema).max(100).default([]),
  maxRows: z.int().min(1).max(mostRows).default(100_000),
});

export async function query(call: Call, settings: Settings, parse: Parse): Promise<RowsResult> {
  const { sql, parameters, maxRows } = argumentsSchema.parse(call.arguments);
  const schemas = settings.schemas === undefined ? undefined : new Set(settings.schemas);
  const objection = await checkStatement(parse, sql, { schemas, parameters: parameters.length });
  if (objection !== undefined) refuse(objection.code, objection.say);
  return streamed(call, settings, { statement: { text: sql, values: parameters }, maxRows });
}

/** A checked statement's rows. */
export async function streamed(
  call: Call,
  settings: Settings,
  wanted: { readonly statement: Statement; readonly maxRows: number },
): Promise<RowsResult> {
  const table = await streamTable(call, settings, wanted);
  try {
    const sources = await sourcesOf(call, settings, table.fields);
    const columns = table.fields.map(({ name, dataTypeID }, at) => {
      const source = sources[at];
      return { name, type: typeName(dataTypeID), ...(source === undefined ? {} : { source }) };
    });
    return rows({ columns, rows: table.rows, rest: () => ({ ...table.told }) });
  } catch (error) {
    table.cancel();
    throw error;
  }
}
