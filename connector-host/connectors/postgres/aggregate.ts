/** `postgres_aggregate`: counts, sums and the like of one table, without SQL from the caller. */
import { refuse, type Call, type RowsResult } from '../../sdk/sdk.ts';
import { aggregateSchema, buildAggregate } from './aggregate-sql.ts';
import type { Parse } from './parser.ts';
import { streamed } from './query.ts';
import type { Settings } from './settings.ts';
import { checkStatement } from './sql-check.ts';

export async function aggregate(call: Call, settings: Settings, parse: Parse): Promise<RowsResult> {
  const wanted = aggregateSchema.parse(call.arguments);
  const built = buildAggregate(wanted);
  if ('objection' in built) refuse('invalid_arguments', built.objection);
  const { statement } = built;
  const schemas = settings.schemas === undefined ? undefined : new Set(settings.schemas);
  const objection = await checkStatement(parse, statement.text, { schemas, parameters: statement.values?.length ?? 0 });
  if (objection !== undefined) refuse(objection.code, objection.say);
  return streamed(call, settings, { statement, maxRows: wanted.limit });
}
