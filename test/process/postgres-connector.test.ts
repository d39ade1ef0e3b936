/** The PostgreSQL connector in its real sandbox against a real server; the test is gateway and egress. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ByteStream } from '../../main/contract/channel.ts';
import { manifestSchema } from '../../main/contract/manifest.ts';
import { startBarePostgres, type BarePostgres } from './bare-postgres.ts';
import { innermost, postgresEntry, startConnector, valueOf, type Sandboxed } from './sandboxed.ts';

const schema = `
  CREATE SCHEMA shop;
  CREATE TABLE shop.people (id int PRIMARY KEY, name text NOT NULL, salary numeric);
  CREATE TABLE shop.orders (id int PRIMARY KEY, person int REFERENCES shop.people, region text, amount numeric(10,2), ordered_on date, note text);
  COMMENT ON TABLE shop.orders IS 'What was ordered';
  COMMENT ON COLUMN shop.orders.region IS 'Where';
  INSERT INTO shop.people SELECT n, 'person ' || n, n * 1000 FROM generate_series(1, 20) n;
  INSERT INTO shop.orders SELECT n, n % 20 + 1, (ARRAY['north','south','west'])[n % 3 + 1], n * 1.5, date '2026-01-01' + n % 90, NULL FROM generate_series(1, 3000) n;
  CREATE TABLE shop.secrets (text text); INSERT INTO shop.secrets VALUES ('hidden');
  CREATE VIEW shop.recent AS SELECT * FROM shop.orders WHERE ordered_on > '2026-03-01';
  CREATE SCHEMA other; CREATE TABLE other.things (id int); CREATE TABLE other.orders (id int);
  GRANT USAGE ON SCHEMA shop, other TO connector;
  GRANT SELECT ON shop.orders, shop.recent, other.things, other.orders TO connector;
  GRANT SELECT (id, name) ON shop.people TO connector;
  ALTER ROLE connector SET search_path = shop;
  ALTER ROLE connector SET standard_conforming_strings = off;
  ALTER ROLE connector SET DateStyle = 'German';
  CREATE FUNCTION shop.harmful() RETURNS int LANGUAGE sql AS 'SELECT 1';
`;
let server: BarePostgres;
let connector: Sandboxed;
let dialled = 0;
const refusals = new Map<string, 'backend_unreachable' | 'not_signed_in'>();

beforeAll(async () => {
  server = await startBarePostgres(schema);
  connector = await started({});
});
afterAll(async () => {
  await connector.stop();
  await server.stop();
});

async function started(settings: Record<string, unknown>): Promise<Sandboxed> {
  const one = startConnector({
    entry: postgresEntry,
    onConnect: ({ destination }, stream) => {
      dialled += 1;
      const refusal = refusals.get(destination);
      if (refusal === undefined) void splice(stream);
      else stream.reset(refusal);
    },
  });
  await one.gateway.request('configure', { settings });
  return one;
}

async function splice(stream: ByteStream): Promise<void> {
  const socket = connect(server.port, '127.0.0.1').setNoDelay();
  socket.on('error', () => stream.reset('backend_unreachable'));
  void stream.closed.then(() => socket.destroy());
  void (async () => {
    try {
      for await (const bytes of socket as AsyncIterable<Buffer>) await stream.write(bytes);
      stream.end();
    } catch {
      socket.destroy();
    }
  })();
  try {
    for await (const bytes of stream) socket.write(bytes);
    socket.end();
  } catch {
    socket.destroy();
  }
}

interface Table {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  sources: (string | undefined)[];
  truncated: boolean;
  cutValues: number;
}

const manifest = manifestSchema.parse(
  JSON.parse(readFileSync(path.join(path.dirname(postgresEntry), 'manifest.json'), 'utf8')),
);
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const outputs = new Map(manifest.tools.map(({ name, outputSchema }) => [name, ajv.compile(outputSchema)]));

/** Each answer fits the output schema that the manifest declares. */
async function ask<T>(tool: string, given: Record<string, unknown>, from = connector): Promise<T> {
  const value = valueOf(await from.call(tool, given)) as Record<string, unknown>;
  const fits = outputs.get(tool);
  const declared = Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'sources'));
  expect([fits?.(declared), fits?.errors]).toEqual([true, null]);
  return value as T;
}
const query = (sql: string, more: Record<string, unknown> = {}): Promise<Table> => ask('query', { sql, ...more });
const refused = async (sql: string, more: Record<string, unknown> = {}): Promise<unknown> =>
  connector.call('query', { sql, ...more });

describe('list_tables and describe_table', () => {
  it('show what this role can read, and only that', async () => {
    const { tables } = await ask<{ tables: { schema: string; table: string }[] }>('list_tables', {});
    expect(tables.map(({ schema: where, table }) => `${where}.${table}`)).toEqual([
      'other.orders',
      'other.things',
      'shop.orders',
      'shop.people',
      'shop.recent',
    ]);
    expect(await ask('list_tables', { schema: 'shop' })).toMatchObject({
      tables: [
        { table: 'orders', kind: 'table', description: 'What was ordered' },
        { table: 'people' },
        { table: 'recent', kind: 'view' },
      ],
    });
  });
  it('describe columns, keys and comments', async () => {
    expect(await ask('describe_table', { table: 'people' })).toMatchObject({
      columns: [
        { name: 'id', primaryKey: true },
        { name: 'name', nullable: false },
      ],
    });
    const orders = await ask<{ columns: unknown[] }>('describe_table', { schema: 'shop', table: 'orders' });
    expect(orders.columns).toContainEqual({
      name: 'region',
      type: 'text',
      nullable: true,
      primaryKey: false,
      references: null,
      description: 'Where',
    });
    expect(orders.columns).toContainEqual(expect.objectContaining({ name: 'person', references: 'shop.people.id' }));
  });
  it('refuse what is not there, or not one', async () => {
    expect(await connector.call('describe_table', { table: 'secrets' })).toMatchObject({
      ok: false,
      code: 'invalid_arguments',
    });
    expect(await connector.call('describe_table', { table: 'orders' })).toMatchObject({
      ok: false,
      say: expect.stringContaining('schema') as string,
    });
  });
});

describe('query', () => {
  it('returns rows with their types', async () => {
    expect(await query('SELECT id, region, amount, ordered_on, note FROM orders ORDER BY id LIMIT 1')).toMatchObject({
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'region', type: 'text' },
        { name: 'amount', type: 'numeric' },
        { name: 'ordered_on', type: 'date' },
        { name: 'note', type: 'text' },
      ],
      rows: [[1, 'south', 1.5, '2026-01-02', null]],
      truncated: false,
      cutValues: 0,
    });
  });
  it('takes parameters', async () => {
    const sql = 'SELECT count(*) FROM orders WHERE region = $1 AND amount > $2 AND ordered_on >= $3';
    expect((await query(sql, { parameters: ["nor'th", 0, '2026-01-01'] })).rows).toEqual([[0]]);
    expect((await query(sql, { parameters: ['north', 4000, '2026-01-01'] })).rows[0]?.[0]).toBeGreaterThan(0);
  });
  it('keeps types exact', async () => {
    const { rows } = await query(
      `SELECT 9007199254740993::bigint, 1.10::numeric, true, ARRAY[1,2], '{"a":[1]}'::jsonb, timestamptz '2026-11-22 10:00+01',
       interval '1 day 2 hours', '\\x00ff'::bytea, 'NaN'::float8, NULL::int, uuid '00000000-0000-0000-0000-000000000001'`,
    );
    expect(rows).toEqual([
      [
        '9007199254740993',
        1.1,
        true,
        [1, 2],
        { a: [1] },
        '2026-11-22T09:00:00Z',
        'P1DT2H',
        { bytes: 2 },
        'NaN',
        null,
        '00000000-0000-0000-0000-000000000001',
      ],
    ]);
  });
  it.each([
    [1, 1],
    [99, 99],
    [100, 100],
    [250, 250],
    [2999, 2999],
  ])('holds to maxRows %s', async (maxRows, count) => {
    const { truncated, rows } = await query('SELECT * FROM orders', { maxRows });
    expect([rows.length, truncated]).toEqual([count, true]);
  });
  it('without maxRows reads many', async () => {
    const { truncated, rows } = await query('SELECT id FROM orders ORDER BY id');
    expect([rows.length, truncated, rows.at(-1)]).toEqual([3000, false, [3000]]);
  });
  it.each([99, 100, 101, 0])('knows whether %i rows are all', async (count) => {
    const { rows, truncated } = await query(`SELECT * FROM orders ORDER BY id LIMIT ${count}`, { maxRows: 100 });
    expect([rows.length, truncated]).toEqual([Math.min(count, 100), count > 100]);
  });
  it('says where columns come from, also by a view, and says nothing of what is computed', async () => {
    const sql =
      'SELECT o.id, p.name AS who, r.region, o.amount * 2, count(*) OVER () FROM orders o JOIN people p ON p.id = o.person JOIN recent r ON r.id = o.id LIMIT 2';
    const wanted = ['shop.orders.id', 'shop.people.name', 'shop.recent.region', undefined, undefined];
    expect((await query(sql)).sources).toEqual(wanted);
    expect((await query(sql)).sources).toEqual(wanted);
  });
  it('a failure in the middle ends the rows as a refusal', async () => {
    const sql = 'SELECT 1 / (500 - n) FROM generate_series(1, 1000) AS g(n)';
    expect(await refused(sql)).toMatchObject({ ok: false, code: 'invalid_arguments' });
    expect((await query('SELECT 1')).rows).toEqual([[1]]);
  });
  it('cuts long values', async () => {
    const long = await query("SELECT lpad('', 100000, 'x')");
    expect([long.cutValues, String(long.rows[0]?.[0]).endsWith('[cut: 100000 characters]')]).toEqual([1, true]);
  });
  it('never runs what its check refuses', async () => {
    const before = dialled;
    for (const sql of [
      'DELETE FROM orders',
      'SELECT 1; SELECT 2',
      "SELECT set_config('a.b', 'c', false)",
      'SELECT * FROM pg_authid',
      'SELECT xmin, ctid FROM orders',
    ]) {
      expect(await refused(sql)).toMatchObject({ ok: false, code: 'not_permitted' });
    }
    for (const sql of ['SELECT x.pg_sleep FROM generate_series(1, 9) AS x', 'SELEC 1', 'SELECT no_such(1)']) {
      expect(await refused(sql)).toMatchObject({ ok: false, code: 'invalid_arguments' });
    }
    expect(dialled).toBe(before);
  });
  it('the control: PostgreSQL does call functions written as columns', async () => {
    expect(await server.query('SELECT x.sqrt FROM generate_series(4, 4) AS x')).toEqual([{ sqrt: 2 }]);
    expect(await server.query("SELECT ('abc'::text).length")).toEqual([{ length: 3 }]);
  });
  it('checking costs no memory that stays', async () => {
    const bare = pssMb();
    for (let round = 0; round < 60; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => refused('SELECT a, count(*), pg_sleep(1) FROM t GROUP BY a')));
    }
    expect(pssMb() - bare).toBeLessThan(40);
  });
  it('reads literals as the server does, whatever the role has set', async () => {
    expect((await query("SELECT 'a\\', 'b'")).rows).toEqual([['a\\', 'b']]);
  });
  it.each([
    ['SELECT * FROM secrets', 'not_permitted', /may not read/],
    ['SELECT salary FROM people', 'not_permitted', /may not read/],
    ['SELECT * FROM nowhere', 'invalid_arguments', /relation "nowhere" does not exist/],
    ['SELECT nothing FROM orders', 'invalid_arguments', /column "nothing" does not exist/],
    ['SELECT 1/0', 'invalid_arguments', /does not fit|calculation/],
    ['SELECT sum(name::int) FROM people WHERE id = 7', 'invalid_arguments', /^(?!.*person 7)/],
    ['SELECT region, count(*) FROM orders', 'invalid_arguments', /GROUP BY/],
    ['SELECT $1::int', 'invalid_arguments', /parameters/],
  ] as const)('%s', async (...[sql, code, say]) => {
    expect(await refused(sql)).toMatchObject({ ok: false, code, say: expect.stringMatching(say) as string });
  });
  it('a refusal of egress comes through as near as it can', async () => {
    refusals.set('database', 'backend_unreachable');
    expect(await refused('SELECT 1')).toMatchObject({ ok: false, code: 'backend_unreachable' });
    refusals.set('database', 'not_signed_in');
    expect(await refused('SELECT 1')).toMatchObject({ ok: false, code: 'backend_refused' });
    refusals.clear();
    expect((await query('SELECT 1')).rows).toEqual([[1]]);
  });
  it('is one read-only transaction, and leaves nothing open', async () => {
    for (let time = 0; time < 5; time += 1) await query('SELECT * FROM orders', { maxRows: 1 });
    await refused('SELECT 1/0');
    expect(await eventuallyNobody()).toEqual([]);
  });
  it('a cancelled call ends at the server too', async () => {
    const sql = 'SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100) b';
    const cancelled = connector.call(
      'query',
      { sql },
      { onStream: (stream) => setTimeout(() => stream.reset('connector_timeout'), 300) },
    );
    await expect(cancelled).rejects.toThrow();
    const late = await connector.call('query', { sql }, { deadlineMs: 500 });
    expect(late).toMatchObject({ ok: false });
    expect((await query('SELECT 1')).rows).toEqual([[1]]);
  });
  it('runs many calls at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => query('SELECT $1::int * 2', { parameters: [n] })),
    );
    expect(results.map(({ rows }) => rows[0]?.[0])).toEqual(results.map((_, n) => n * 2));
  });
});

function pssMb(): number {
  const status = readFileSync(`/proc/${innermost(connector.process.pid ?? 0)}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

async function eventuallyNobody(): Promise<unknown[]> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const open = await server.query("SELECT state, query FROM pg_stat_activity WHERE usename = 'connector'");
    if (open.length === 0 || Date.now() > deadline) return open;
    await delay(20);
  }
}

describe('aggregate', () => {
  const sums = { measures: [{ function: 'count' }, { function: 'sum', column: 'amount' }], groupBy: ['region'] };
  it('groups, filters, orders', async () => {
    const table = await ask<Table>('aggregate', {
      table: 'orders',
      ...sums,
      filters: [{ column: 'id', operator: '<=', value: 9 }],
      orderBy: [{ by: 'region' }],
    });
    expect(table).toMatchObject({
      columns: [{ name: 'region' }, { name: 'count', type: 'bigint' }, { name: 'sum_amount' }],
      rows: [
        ['north', 3, 27],
        ['south', 3, 18],
        ['west', 3, 22.5],
      ],
      truncated: false,
    });
  });
  it('every operator and function', async () => {
    const filters = [
      { column: 'region', operator: 'in', value: ['north', 'west'] },
      { column: 'region', operator: 'not_in', value: ['west'] },
      { column: 'amount', operator: 'between', value: [1, 100] },
      { column: 'region', operator: 'ilike', value: 'NOR%' },
      { column: 'note', operator: 'is_null' },
      { column: 'id', operator: 'is_not_null' },
      { column: 'ordered_on', operator: '>=', value: '2026-01-01' },
    ];
    const measures = ['count_distinct', 'avg', 'min', 'max'].map((name) => ({ function: name, column: 'amount' }));
    const { rows } = await ask<Table>('aggregate', {
      table: 'orders',
      schema: 'shop',
      measures,
      filters,
      groupBy: [{ column: 'ordered_on', every: 'month' }],
    });
    expect(rows.length).toBeGreaterThan(0);
    expect(rows[0]).toHaveLength(5);
  });
  it('holds to its limit and says so', async () => {
    const { rows, truncated } = await ask<Table>('aggregate', {
      table: 'orders',
      measures: [{ function: 'count' }],
      groupBy: ['id'],
      limit: 10,
    });
    expect([rows.length, truncated]).toEqual([10, true]);
  });
  it.each([
    [{ table: 'secrets', measures: [{ function: 'count' }] }, 'not_permitted'],
    [{ table: 'orders"; DROP TABLE shop.orders; --', ...sums }, 'invalid_arguments'],
    [{ table: 'orders', measures: [{ function: 'sum', column: 'region' }] }, 'invalid_arguments'],
    [{ table: 'pg_authid', measures: [{ function: 'count' }] }, 'not_permitted'],
    [{ table: 'orders', measures: [{ function: 'max', column: 'xmin' }] }, 'not_permitted'],
    [{ table: 'orders', measures: [] }, 'invalid_arguments'],
  ])('refuses %j', async (given, code) => {
    expect(await connector.call('aggregate', given)).toMatchObject({ ok: false, code });
  });
});

describe('settings', () => {
  it('offer only the schemas that they name', async () => {
    const narrow = await started({ schemas: ['other'] });
    const { tables } = await ask<{ tables: { schema: string }[] }>('list_tables', {}, narrow);
    expect(new Set(tables.map((table) => table.schema))).toEqual(new Set(['other']));
    expect(await narrow.call('query', { sql: 'SELECT * FROM shop.orders' })).toMatchObject({
      ok: false,
      code: 'not_permitted',
    });
    expect(valueOf(await narrow.call('query', { sql: 'SELECT * FROM things' }))).toMatchObject({ rows: [] });
    await narrow.stop();
  });
  it('that cannot be used stop the start', async () => {
    await expect(started({ schemas: ['pg_catalog'] })).rejects.toMatchObject({ code: 'connector_failed' });
    await expect(started({ unknown: 1 })).rejects.toMatchObject({ code: 'connector_failed' });
  });
});
