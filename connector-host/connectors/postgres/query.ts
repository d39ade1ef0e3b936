/** `postgres_query`: one reading statement of the caller's. */
import { z } from 'zod';
import { refuse, type Call } from '../../sdk/sdk.ts';
import type { Parse } from './parser.ts';
import { withSession, type Table } from './session.ts';
import type { Settings } from './settings.ts';
import { checkStatement, maxStatementBytes } from './sql-check.ts';

const parameterSchema = z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]);

const argumentsSchema = z.strictObject({
  sql: z.string().min(1).max(maxStatementBytes),
  parameters: z.array(parameterSchema).max(100).default([]),
  maxRows: z.int().min(1).max(1000).default(100),
});

/** What is left of a result beside its rows: names of columns, and the call's own envelope. */
export function rowBytes(call: Call): number {
  return Math.floor(call.maxResultBytes * 0.8);
}

export async function query(call: Call, settings: Settings, parse: Parse): Promise<Table> {
  const { sql, parameters, maxRows } = argumentsSchema.parse(call.arguments);
  const schemas = settings.schemas === undefined ? undefined : new Set(settings.schemas);
  const objection = await checkStatement(parse, sql, { schemas, parameters: parameters.length });
  if (objection !== undefined) refuse(objection.code, objection.say);
  return withSession(call, settings, (read) =>
    read({ text: sql, values: parameters }, { rows: maxRows, bytes: rowBytes(call) }),
  );
}
