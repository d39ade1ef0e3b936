import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { aggregateSchema, buildAggregate, type Aggregate } from './aggregate-sql.ts';
import { createParser, type Parse } from './parser.ts';
import { checkStatement } from './sql-check.ts';

let parse: Parse;
beforeAll(async () => {
  parse = await createParser();
});

function built(wanted: unknown): { text: string; values: readonly unknown[] } {
  const result = buildAggregate(aggregateSchema.parse(wanted));
  if ('objection' in result) throw new Error(result.objection);
  return { text: result.statement.text, values: result.statement.values ?? [] };
}

it('builds what was asked for', () => {
  const { text, values } = built({
    table: 'orders',
    schema: 'shop',
    measures: [
      { function: 'count' },
      { function: 'sum', column: 'amount_usd' },
      { function: 'count_distinct', column: 'owner' },
    ],
    groupBy: ['region', { column: 'ordered_on', every: 'month' }],
    filters: [
      { column: 'status', operator: 'in', value: ['paid', 'shipped'] },
      { column: 'amount_usd', operator: 'between', value: [1, 2] },
      { column: 'item', operator: 'ilike', value: '%x%' },
      { column: 'region', operator: 'is_not_null' },
      { column: 'quantity', operator: '>=', value: 3 },
    ],
    orderBy: [{ by: 'region' }, { by: 'sum_amount_usd', direction: 'desc' }],
    limit: 5,
  });
  expect(text).toBe(
    `SELECT t."region" AS "region", date_trunc('month', t."ordered_on") AS "ordered_on", count(*) AS "count", ` +
      `sum(t."amount_usd") AS "sum_amount_usd", count(DISTINCT t."owner") AS "count_distinct_owner" FROM "shop"."orders" AS t ` +
      `WHERE t."status" = ANY ($1) AND t."amount_usd" BETWEEN $2 AND $3 AND CAST(t."item" AS text) ILIKE $4 ` +
      `AND t."region" IS NOT NULL AND t."quantity" >= $5 GROUP BY 1, 2 ORDER BY 1 ASC NULLS LAST, 4 DESC NULLS LAST LIMIT $6`,
  );
  expect(values).toEqual([['paid', 'shipped'], 1, 2, '%x%', 3, 6]);
});

describe('names are names', () => {
  const hostile = [
    'orders"; DROP TABLE orders; --',
    'orders" AS t, pg_authid AS "x',
    '"',
    '""',
    'a" OR "b',
    "a' OR '1'='1",
    'a/*',
    'a--',
    'a$$b',
    'sleep(1)',
    'a\\"b',
    'a.b',
    '$1',
    'ä\u0000'.slice(0, 1),
    '\n; SELECT 1',
  ];
  it.each(hostile)('%j as table, column and group', async (name) => {
    const { text, values } = built({
      table: name,
      measures: [{ function: 'max', column: name }],
      groupBy: [name, { column: name, every: 'day' }],
      filters: [{ column: name, operator: '=', value: name }],
    });
    expect(await shapeOf(text)).toEqual(await shapeOf(built(harmless('plain')).text));
    expect(await checkStatement(parse, text, { schemas: undefined, parameters: values.length })).toBeUndefined();
  });

  it('whatever the name', async () => {
    const plain = await shapeOf(built(harmless('plain')).text);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), async (name) => {
        const wanted = aggregateSchema.safeParse(harmless(name));
        fc.pre(wanted.success);
        expect(await shapeOf(built(harmless(name)).text)).toEqual(plain);
      }),
      { numRuns: 500 },
    );
  }, 30_000);

  const harmless = (name: string): unknown => ({
    table: name,
    measures: [{ function: 'max', column: name }],
    groupBy: [name, { column: name, every: 'day' }],
    filters: [{ column: name, operator: '=', value: name }],
  });

  /** The tree without its texts and positions: the same for every name, or a name became syntax. */
  async function shapeOf(text: string): Promise<unknown> {
    const parsed = await parse(text);
    if (!parsed.ok) throw new Error(parsed.message);
    return JSON.parse(
      JSON.stringify(parsed.tree, (key, value: unknown) =>
        ['location', 'stmt_len', 'sval', 'relname', 'name'].includes(key) && !Array.isArray(value) ? 0 : value,
      ),
    );
  }
});

it('system catalogs are refused like in SQL', async () => {
  const { text, values } = built({ table: 'pg_authid', measures: [{ function: 'count' }] });
  expect(await checkStatement(parse, text, { schemas: undefined, parameters: values.length })).toEqual({
    code: 'not_permitted',
    say: expect.stringMatching(/System catalogs/) as string,
  });
});

it.each(['xmin', 'ctid', 'tableoid'])('the system column %s is refused wherever it stands', async (column) => {
  for (const wanted of [
    { measures: [{ function: 'max', column }] },
    { measures: [{ function: 'count' }], groupBy: [column] },
    { measures: [{ function: 'count' }], filters: [{ column, operator: 'is_not_null' }] },
  ]) {
    const { text, values } = built({ table: 'orders', ...wanted });
    expect(await checkStatement(parse, text, { schemas: undefined, parameters: values.length })).toMatchObject({
      code: 'not_permitted',
    });
  }
});

it('refuses what it cannot build', () => {
  const objection = (wanted: unknown): unknown => buildAggregate(aggregateSchema.parse(wanted));
  expect(objection({ table: 't', measures: [{ function: 'sum' }] })).toEqual({
    objection: 'The measure "sum" needs a column.',
  });
  expect(objection({ table: 't', measures: [{ function: 'count' }], orderBy: [{ by: 'random()' }] })).toHaveProperty(
    'objection',
  );
  for (const wrong of [
    { table: 't', measures: [{ function: 'pg_sleep', column: 'a' }] },
    { table: 't', measures: [{ function: 'count' }], filters: [{ column: 'a', operator: '; DROP', value: 1 }] },
    { table: 't', measures: [{ function: 'count' }], groupBy: [{ column: 'a', every: "day', now()); --" }] },
    { table: 'a\0b', measures: [{ function: 'count' }] },
    { table: 't', measures: [{ function: 'count' }], extra: true },
  ]) {
    expect(aggregateSchema.safeParse(wrong).success).toBe(false);
  }
});

it('gives each column a name of its own that PostgreSQL keeps', () => {
  const long = 'ü'.repeat(31);
  const wanted: Aggregate = aggregateSchema.parse({
    table: 't',
    measures: [
      { function: 'sum', column: long },
      { function: 'sum', column: long },
      { function: 'count' },
      { function: 'count' },
    ],
  });
  const result = buildAggregate(wanted);
  const labels =
    'statement' in result ? [...result.statement.text.matchAll(/ AS "([^"]+)"/g)].map((match) => match[1] ?? '') : [];
  expect(new Set(labels).size).toBe(4);
  for (const label of labels) expect(Buffer.byteLength(label)).toBeLessThanOrEqual(63);
});
