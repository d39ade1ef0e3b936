/**
 * Builds the statement of `postgres_aggregate`. Guarantees: every word of SQL is ours; what the caller gives is a quoted
 * identifier or a parameter, and nothing else. It is checked like any statement nonetheless.
 */
import { z } from 'zod';
import { maxNameLength, quoteIdentifier } from './identifiers.ts';
import type { Statement } from './session.ts';

const name = z
  .string()
  .min(1)
  .max(maxNameLength)
  .refine((text) => !text.includes('\0') && text.isWellFormed());
const value = z.union([z.string().max(10_000), z.number(), z.boolean()]);

const column = { column: name };
const filterSchema = z.discriminatedUnion('operator', [
  z.strictObject({ ...column, operator: z.enum(['=', '<>', '<', '<=', '>', '>=', 'like', 'ilike']), value }),
  z.strictObject({ ...column, operator: z.enum(['in', 'not_in']), value: z.array(value).min(1).max(100) }),
  z.strictObject({ ...column, operator: z.literal('between'), value: z.tuple([value, value]) }),
  z.strictObject({ ...column, operator: z.enum(['is_null', 'is_not_null']) }),
]);

const units = ['hour', 'day', 'week', 'month', 'quarter', 'year'] as const;

export const aggregateSchema = z.strictObject({
  table: name,
  schema: name.optional(),
  measures: z
    .array(
      z.strictObject({
        function: z.enum(['count', 'count_distinct', 'sum', 'avg', 'min', 'max']),
        column: name.optional(),
      }),
    )
    .min(1)
    .max(20),
  groupBy: z
    .array(z.union([name, z.strictObject({ ...column, every: z.enum(units) })]))
    .max(10)
    .default([]),
  filters: z.array(filterSchema).max(30).default([]),
  orderBy: z
    .array(z.strictObject({ by: name, direction: z.enum(['asc', 'desc']).default('asc') }))
    .max(10)
    .default([]),
  limit: z.int().min(1).max(1000).default(100),
});
export type Aggregate = z.output<typeof aggregateSchema>;
type Filter = z.output<typeof filterSchema>;

/** A statement, or the objection that tells the caller what is wrong. */
export type Built = { readonly statement: Statement } | { readonly objection: string };

interface Output {
  readonly label: string;
  readonly sql: string;
}

export function buildAggregate(wanted: Aggregate): Built {
  const missing = wanted.measures.find((measure) => measure.function !== 'count' && measure.column === undefined);
  if (missing !== undefined) return { objection: `The measure "${missing.function}" needs a column.` };
  const groups = wanted.groupBy.map(groupOutput);
  const outputs = labelled([...groups, ...wanted.measures.map(measureOutput)]);
  const order = orderOf(wanted.orderBy, outputs, groups.length);
  if ('objection' in order) return order;
  const values: unknown[] = [];
  const conditions = wanted.filters.map((filter) => condition(filter, values));
  values.push(wanted.limit + 1);
  const table = [...(wanted.schema === undefined ? [] : [wanted.schema]), wanted.table].map(quoteIdentifier).join('.');
  const text = [
    `SELECT ${outputs.map(({ sql, label }) => `${sql} AS ${quoteIdentifier(label)}`).join(', ')}`,
    `FROM ${table} AS t`,
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.map((_, index) => index + 1).join(', ')}`]),
    `ORDER BY ${order.sql}`,
    `LIMIT $${values.length}`,
  ].join(' ');
  return { statement: { text, values } };
}

/** Always of the table: unqualified, a missing column could be found elsewhere. */
const columnOf = (label: string): string => `t.${quoteIdentifier(label)}`;

function groupOutput(group: Aggregate['groupBy'][number]): Output {
  if (typeof group === 'string') return { label: group, sql: columnOf(group) };
  return { label: group.column, sql: `date_trunc('${group.every}', ${columnOf(group.column)})` };
}

function measureOutput({ function: of, column: label }: Aggregate['measures'][number]): Output {
  if (label === undefined) return { label: 'count', sql: 'count(*)' };
  if (of === 'count_distinct') return { label: `count_distinct_${label}`, sql: `count(DISTINCT ${columnOf(label)})` };
  return { label: `${of}_${label}`, sql: `${of}(${columnOf(label)})` };
}

/** PostgreSQL would cut long labels, and orderBy needs to tell them apart. */
function labelled(outputs: readonly Output[]): Output[] {
  const seen = new Set<string>();
  return outputs.map(({ label, sql }) => {
    let own = shortened(label, '');
    for (let copy = 2; seen.has(own); copy += 1) own = shortened(label, `_${copy}`);
    seen.add(own);
    return { label: own, sql };
  });
}

function shortened(label: string, suffix: string): string {
  let kept = label;
  while (Buffer.byteLength(kept + suffix) > maxNameLength) kept = kept.slice(0, -1).toWellFormed();
  return kept + suffix;
}

function orderOf(
  orderBy: Aggregate['orderBy'],
  outputs: readonly Output[],
  groups: number,
): { readonly sql: string } | { readonly objection: string } {
  // The largest first is what a limit should keep.
  if (orderBy.length === 0) return { sql: `${groups + 1} DESC NULLS LAST` };
  const terms: string[] = [];
  for (const { by, direction } of orderBy) {
    const position = outputs.findIndex(({ label }) => label === by) + 1;
    if (position === 0) {
      return {
        objection:
          `orderBy can name one of the result's columns: ${outputs.map(({ label }) => label).join(', ')}.`.slice(
            0,
            900,
          ),
      };
    }
    terms.push(`${position} ${direction === 'asc' ? 'ASC' : 'DESC'} NULLS LAST`);
  }
  return { sql: terms.join(', ') };
}

const comparisons = { '=': '=', '<>': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' } as const;

function condition(filter: Filter, values: unknown[]): string {
  const left = columnOf(filter.column);
  const next = (given: unknown): string => `$${values.push(given)}`;
  switch (filter.operator) {
    case 'is_null':
      return `${left} IS NULL`;
    case 'is_not_null':
      return `${left} IS NOT NULL`;
    case 'in':
      return `${left} = ANY (${next(filter.value)})`;
    case 'not_in':
      return `${left} <> ALL (${next(filter.value)})`;
    case 'between':
      return `${left} BETWEEN ${next(filter.value[0])} AND ${next(filter.value[1])}`;
    case 'like':
      return `CAST(${left} AS text) LIKE ${next(filter.value)}`;
    case 'ilike':
      return `CAST(${left} AS text) ILIKE ${next(filter.value)}`;
    default:
      return `${left} ${comparisons[filter.operator]} ${next(filter.value)}`;
  }
}
