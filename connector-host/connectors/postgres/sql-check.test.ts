import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createParser, type Parse } from './parser.ts';
import { checkStatement, maxStatementBytes, type Objection } from './sql-check.ts';

let parse: Parse;
beforeAll(async () => {
  parse = await createParser();
});

const check = (
  sql: string,
  { parameters = 0, schemas }: { parameters?: number; schemas?: string[] } = {},
): Promise<Objection> =>
  checkStatement(parse, sql, { parameters, schemas: schemas === undefined ? undefined : new Set(schemas) });

describe('what may run', () => {
  const allowed = [
    'SELECT 1',
    'SELECT 1;',
    'TABLE orders',
    "VALUES (1, 'a'), (2, 'b')",
    'SELECT * FROM orders',
    'SELECT o.*, p.full_name FROM shop.orders o JOIN shop.people AS p USING (person_id) WHERE o.amount_usd > 10',
    'SELECT region, count(*), sum(amount_usd)::numeric(12,2) FROM orders GROUP BY region HAVING count(*) > 1 ORDER BY 2 DESC NULLS LAST LIMIT 5 OFFSET 1',
    'SELECT a, b, sum(c) FROM t GROUP BY GROUPING SETS ((a), (b), ())',
    'SELECT a, grouping(a), sum(c) FROM t GROUP BY ROLLUP (a), CUBE (b)',
    'SELECT DISTINCT ON (owner) owner, ordered_on FROM orders ORDER BY owner, ordered_on DESC',
    'SELECT rank() OVER w, lag(x, 1) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t WINDOW w AS (ORDER BY x)',
    "SELECT count(*) FILTER (WHERE x > 1), percentile_cont(0.5) WITHIN GROUP (ORDER BY x), string_agg(DISTINCT a, ',' ORDER BY a) FROM t",
    'WITH a AS (SELECT 1 AS x), b AS MATERIALIZED (SELECT x FROM a) SELECT * FROM b',
    'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT * FROM r',
    'SELECT 1 UNION SELECT 2 INTERSECT SELECT 3 EXCEPT ALL SELECT 4',
    'SELECT * FROM a LEFT JOIN b ON a.x = b.x CROSS JOIN c NATURAL JOIN d FULL JOIN e USING (y)',
    'SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x LIMIT 1) AS s',
    'SELECT x FROM unnest(ARRAY[1,2,3]) AS x',
    'SELECT u.x, u.n FROM unnest(ARRAY[1,2]) WITH ORDINALITY AS u(x, n)',
    "SELECT d.day FROM generate_series(date '2026-01-01', date '2026-02-01', interval '1 day') AS d(day)",
    "SELECT e.key, e.value FROM t, jsonb_each(t.doc) AS e WHERE t.doc ->> 'a' = 'b' AND t.doc @> '{\"x\": 1}'",
    'SELECT r.a FROM json_to_recordset(\'[{"a":1}]\') AS r(a int, b text)',
    "SELECT date_trunc('month', d), extract(year FROM d), d AT TIME ZONE 'UTC', current_date, now() - interval '1 day' FROM t",
    "SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END, coalesce(a, 0), nullif(a, 1), greatest(a, b), least(a, b) FROM t",
    "SELECT substring(a FROM 1 FOR 2), trim(BOTH 'x' FROM a), position('a' IN b), overlay(a PLACING 'x' FROM 1), lower(a) COLLATE \"C\" FROM t",
    "SELECT a LIKE 'x%' ESCAPE '!', a SIMILAR TO 'b', a ~* 'c', a BETWEEN 1 AND 2, a IS DISTINCT FROM b, (a, b) = (1, 2), NOT a IS NULL FROM t",
    'SELECT a = ANY (ARRAY[1,2]), a IN (1, 2), b IN (SELECT 1), EXISTS (SELECT 1), (SELECT max(x) FROM t), ARRAY(SELECT 1) FROM t',
    'SELECT (ARRAY[1,2,3])[1], a[1:2], ROW(1, 2), a OPERATOR(pg_catalog.+) 1 FROM t',
    'SELECT pg_catalog.lower(a), make_interval(days => 3) FROM t',
    'SELECT * FROM ONLY t TABLESAMPLE bernoulli (10) REPEATABLE (1)',
    'SELECT 1 /* a comment; DROP TABLE t */ -- and another; DELETE FROM t',
    "SELECT 'it''s; DROP TABLE t', $$a; b$$, E'\\'; DROP TABLE t', U&'d\\0061t'",
    'SELECT "select", "drop table" FROM "Order Lines"',
    "SELECT to_tsvector('english', a) @@ websearch_to_tsquery('english', 'b') FROM t",
    'SELECT * FROM t FETCH FIRST 3 ROWS ONLY',
  ];
  it.each(allowed)('%s', async (sql) => {
    expect(await check(sql)).toBeUndefined();
  });

  it('a parameter for each that is named', async () => {
    expect(await check('SELECT * FROM t WHERE a = $1 AND b = $2', { parameters: 2 })).toBeUndefined();
  });

  it('schemas that are offered, and unqualified names', async () => {
    expect(await check('SELECT * FROM shop.orders, stocks', { schemas: ['shop'] })).toBeUndefined();
  });
});

describe('what may not', () => {
  const one = /^Only one statement/;
  const none = /There is no statement/;
  const reading = /^Only reading/;
  const catalog = /System catalogs/;
  const noFunction = /acts, waits or reads|not PostgreSQL's own/;
  const unknown = /is not available\. Use ordinary/;
  const unsupported = /not supported/;
  const systemColumn = /system column/;
  const cast = /Casting/;
  const session = /session/;
  /** What this tool does not do, however it is written; everything else can be written otherwise. */
  const notPermitted = new Set([one, reading, catalog, noFunction, systemColumn, session]);
  const refused: readonly (readonly [string, RegExp])[] = [
    // More than one statement, or none
    ['SELECT 1; SELECT 2', one],
    ['SELECT 1; DROP TABLE t', one],
    ['SELECT 1;;SELECT 2', one],
    ['SELECT 1 /* ; */ ; DELETE FROM t', one],
    ['SELECT 1 --\n; DELETE FROM t', one],
    ["SELECT E'\\\\'; DELETE FROM t; --'", one],
    ['SELECT $a$ ; $b$ $a$; DELETE FROM t', one],
    ['', none],
    [';', none],
    ['-- nothing', none],
    ['SELECT /* never closed', /cannot read/],
    ["SELECT 'never closed", /cannot read/],
    ['SELECT $x$ never closed', /cannot read/],
    ['COMMIT; DROP TABLE t', one],
    // Statements that do not read
    ['INSERT INTO t VALUES (1)', reading],
    ['UPDATE t SET a = 1', reading],
    ['DELETE FROM t', reading],
    ['MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE', reading],
    ['TRUNCATE t', reading],
    ['DROP TABLE t', reading],
    ['CREATE TABLE x AS SELECT 1', reading],
    ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', reading],
    ['CREATE TEMP VIEW v AS SELECT 1', reading],
    ['ALTER ROLE x SUPERUSER', reading],
    ['GRANT ALL ON t TO PUBLIC', reading],
    ["COPY t TO PROGRAM 'id'", reading],
    ["COPY (SELECT 1) TO '/tmp/x'", reading],
    ['DO $$ BEGIN PERFORM 1; END $$', reading],
    ['CALL p()', reading],
    ['EXPLAIN ANALYZE SELECT 1', reading],
    ['EXPLAIN SELECT 1', reading],
    ['SET search_path = x', reading],
    ["SET SESSION AUTHORIZATION 'postgres'", reading],
    ['SET ROLE admin', reading],
    ['RESET ALL', reading],
    ['SHOW ALL', reading],
    ['BEGIN', reading],
    ['ROLLBACK', reading],
    ['SET TRANSACTION READ WRITE', reading],
    ['PREPARE p AS SELECT 1', reading],
    ['EXECUTE p', reading],
    ['DECLARE c CURSOR FOR SELECT 1', reading],
    ['FETCH ALL FROM c', reading],
    ['LISTEN x', reading],
    ["NOTIFY x, 'data'", reading],
    ['LOCK TABLE t', reading],
    ['VACUUM', reading],
    ["LOAD 'library'", reading],
    ['DISCARD ALL', reading],
    // Reading with effects
    ['SELECT * INTO x FROM t', reading],
    ['SELECT 1 INTO TEMP x', reading],
    ['SELECT * FROM t FOR UPDATE', reading],
    ['SELECT * FROM t FOR KEY SHARE SKIP LOCKED', reading],
    ['SELECT * FROM (SELECT * FROM t FOR SHARE) s', reading],
    ['WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', reading],
    ['WITH i AS (INSERT INTO t VALUES (1) RETURNING *) SELECT 1', reading],
    ['SELECT (WITH u AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM u)', reading],
    [
      'SELECT * FROM (WITH m AS (MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE RETURNING 1) SELECT 1) s',
      reading,
    ],
    // Functions with effects, or that reach further than rows
    ["SELECT set_config('x', 'y', false)", noFunction],
    ["SELECT pg_catalog.set_config('x', 'y', false)", noFunction],
    ["SELECT \"set_config\"('x', 'y', false)", noFunction],
    ["SELECT U&\"set\\005fconfig\"('x', 'y', false)", noFunction],
    ["SELECT SET_CONFIG /**/ ('x', 'y', false)", noFunction],
    ["SELECT current_setting('x')", noFunction],
    ["SELECT pg_read_file('/etc/passwd')", noFunction],
    ["SELECT pg_read_binary_file('/etc/passwd')", noFunction],
    ["SELECT * FROM pg_ls_dir('/')", noFunction],
    ["SELECT pg_stat_file('/')", noFunction],
    ["SELECT lo_import('/etc/passwd')", noFunction],
    ["SELECT lo_export(1, '/tmp/x')", noFunction],
    ["SELECT lo_from_bytea(0, '')", noFunction],
    ['SELECT loread(1, 1)', noFunction],
    ["SELECT query_to_xml('DELETE FROM t', true, true, '')", noFunction],
    ["SELECT table_to_xml('t', true, true, '')", noFunction],
    ["SELECT database_to_xml(true, true, '')", noFunction],
    ["SELECT * FROM ts_stat('SELECT 1')", noFunction],
    ["SELECT ts_rewrite('a', 'SELECT 1')", noFunction],
    ["SELECT * FROM dblink('host=x', 'SELECT 1') AS d(a int)", noFunction],
    ["SELECT dblink_connect('host=x')", noFunction],
    ["SELECT public.dblink('x', 'y')", noFunction],
    ['SELECT pg_sleep(100)', noFunction],
    ["SELECT pg_sleep_for('1 hour')", noFunction],
    ['SELECT pg_advisory_lock(1)', noFunction],
    ['SELECT pg_try_advisory_xact_lock(1)', noFunction],
    ['SELECT pg_terminate_backend(1)', noFunction],
    ['SELECT pg_cancel_backend(1)', noFunction],
    ['SELECT pg_reload_conf()', noFunction],
    ["SELECT pg_notify('a', 'b')", noFunction],
    ["SELECT nextval('s')", noFunction],
    ["SELECT setval('s', 1)", noFunction],
    ["SELECT has_table_privilege('t', 'select')", noFunction],
    ["SELECT pg_get_viewdef('v')", noFunction],
    ['SELECT inet_server_addr()', noFunction],
    ['SELECT version()', noFunction],
    ["SELECT repeat('x', 1000000000)", unknown],
    ['SELECT no_such_function(1)', unknown],
    ['SELECT pg_catalog.no_such_function(1)', unknown],
    ['SELECT lower(pg_read_file(a)) FROM t', noFunction],
    ['SELECT 1 WHERE pg_sleep(1) IS NULL', noFunction],
    ['SELECT 1 ORDER BY pg_sleep(1)', noFunction],
    ['SELECT 1 LIMIT pg_backend_pid()', noFunction],
    ['SELECT count(*) FILTER (WHERE pg_sleep(1) IS NULL) FROM t', noFunction],
    ['SELECT sum(a) OVER (ORDER BY pg_sleep(1)) FROM t', noFunction],
    ['SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY pg_sleep(1))', noFunction],
    ['SELECT * FROM a JOIN b ON pg_sleep(1) IS NULL', noFunction],
    ['SELECT * FROM t, LATERAL pg_sleep(t.a)', noFunction],
    ['SELECT * FROM ROWS FROM (generate_series(1, 2), pg_sleep(1)) AS r', noFunction],
    ['SELECT * FROM t TABLESAMPLE bernoulli (pg_backend_pid())', noFunction],
    ['SELECT ARRAY[pg_sleep(1)]', noFunction],
    ['SELECT a[pg_backend_pid()] FROM t', noFunction],
    ['SELECT ROW(pg_sleep(1))', noFunction],
    ['VALUES (pg_sleep(1))', noFunction],
    ['SELECT CASE WHEN pg_sleep(1) IS NULL THEN 1 END', noFunction],
    ['SELECT (SELECT (SELECT (SELECT pg_sleep(1))))', noFunction],
    ['SELECT 1 UNION SELECT pg_backend_pid()', noFunction],
    ['WITH a AS (WITH b AS (SELECT pg_sleep(1)) SELECT * FROM b) SELECT * FROM a', noFunction],
    ['SELECT make_interval(days => pg_backend_pid())', noFunction],
    ['SELECT * FROM t GROUP BY GROUPING SETS ((pg_backend_pid()))', noFunction],
    ['SELECT DISTINCT ON (pg_sleep(1)) a FROM t', noFunction],
    ['SELECT public.lower(a) FROM t', noFunction],
    ['SELECT current_user', session],
    ['SELECT session_user', session],
    ['SELECT current_schema', session],
    ['SELECT current_catalog', session],
    ['SELECT user', session],
    // A function called as if it were a column
    ['SELECT x.pg_sleep FROM generate_series(1, 9) AS x', /has no column/],
    ["SELECT x.pg_read_file FROM unnest(ARRAY['/etc/passwd']) AS x", /has no column/],
    ["SELECT x.pg_read_file FROM unnest(ARRAY['/etc/passwd']) AS x(v)", /has no column/],
    ['SELECT generate_series.pg_sleep FROM generate_series(1, 9)', /has no column/],
    ['SELECT pg_sleep.pg_sleep FROM generate_series(1, 9) AS pg_sleep(v)', /has no column/],
    [
      'SELECT pg_sleep.pg_sleep FROM generate_series(1, 9) AS pg_sleep(v) WHERE EXISTS (SELECT 1 FROM generate_series(1, 2) AS pg_sleep)',
      /has no column/,
    ],
    ['SELECT 1 FROM t WHERE EXISTS (SELECT x.pg_sleep FROM generate_series(1, 9) AS x)', /has no column/],
    ['SELECT t.pg_restore_relation_stats FROM t', /has no column/],
    ['SELECT x.lo_unlink FROM generate_series(1, 9) AS x', /has no column/],
    ['SELECT lo_unlink.lo_unlink FROM generate_series(1, 9) AS lo_unlink(v)', /has no column/],
    [
      'SELECT x.lo_unlink FROM generate_series(1, 9) AS x(v) WHERE EXISTS (SELECT 1 FROM unnest(ARRAY[1]) AS x(lo_unlink))',
      /has no column/,
    ],
    ['SELECT (5.0).pg_sleep', /composite/],
    ["SELECT ('/etc/passwd'::text).pg_read_file", /composite/],
    ['SELECT (x).pg_sleep FROM generate_series(1, 9) AS x', /composite/],
    ['SELECT (ARRAY[1.0])[1].pg_sleep', /composite/],
    ['SELECT $1.pg_sleep', /composite|parameters/],
    // What every row says about transactions and places
    ...['xmin', 'xmax', 'cmin', 'cmax', 'ctid', 'tableoid'].flatMap((name): [string, RegExp][] => [
      [`SELECT ${name} FROM t`, systemColumn],
      [`SELECT t.${name.toUpperCase()} FROM shop.t`, systemColumn],
      [`SELECT shop.t."${name}"::text FROM shop.t`, systemColumn],
      [`SELECT ${name}(t) FROM t`, noFunction],
    ]),
    ['SELECT a FROM t WHERE xmin IS NOT NULL', systemColumn],
    ['SELECT a FROM t ORDER BY ctid', systemColumn],
    ['SELECT count(*) FROM t GROUP BY tableoid', systemColumn],
    ['SELECT * FROM t JOIN u ON t.xmin = u.xmin', systemColumn],
    ['SELECT U&"\\0078min" FROM t', systemColumn],
    ['SELECT s.v FROM (SELECT xmax AS v FROM t) AS s', systemColumn],
    // Catalogs and other schemas
    ['SELECT * FROM pg_authid', catalog],
    ['SELECT * FROM pg_catalog.pg_shadow', catalog],
    ['SELECT * FROM PG_ROLES', catalog],
    ['SELECT * FROM "pg_stat_activity"', catalog],
    ['SELECT * FROM U&"pg\\005fauthid"', catalog],
    ['TABLE pg_settings', catalog],
    ['SELECT * FROM information_schema.tables', catalog],
    ['SELECT * FROM pg_toast.pg_toast_1', catalog],
    ['SELECT * FROM pg_temp.x', catalog],
    ['SELECT 1 WHERE EXISTS (SELECT 1 FROM pg_class)', catalog],
    ['WITH pg_authid AS (SELECT 1) SELECT * FROM pg_authid', catalog],
    ['SELECT * FROM other.shop.orders', unsupported],
    // Casts and other ways to a function
    ["SELECT 'pg_authid'::regclass", cast],
    ["SELECT regclass 'pg_authid'", cast],
    ["SELECT CAST('t' AS pg_catalog.regclass)", cast],
    ["SELECT 'f'::regproc::oid", cast],
    ["SELECT 'x'::regrole", cast],
    ["SELECT 't'::regclass[]", cast],
    ["SELECT '<a/>'::xml", cast],
    ['SELECT x::public.evil FROM t', cast],
    ['SELECT a::t.b%TYPE FROM t', cast],
    ["SELECT * FROM json_to_recordset('[]') AS r(a regclass)", cast],
    ['SELECT 1 OPERATOR(public.+) 2', /operator/],
    ['SELECT * FROM t ORDER BY a USING OPERATOR(public.<)', /operator/],
    ['SELECT 1 OPERATOR(public.=) ANY (SELECT 2)', /operator/],
    ['SELECT a COLLATE public.evil FROM t', /collation/],
    ['SELECT * FROM t TABLESAMPLE public.evil (1)', /TABLESAMPLE/],
    ["SELECT xmlelement(name a, 'b')", unsupported],
    ["SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS b text)", unsupported],
    ["SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a text PATH '$.a'))", unsupported],
    ["SELECT JSON_VALUE('{}', '$.a')", unsupported],
    ["SELECT xmlserialize(CONTENT '<a/>' AS text)", /not supported|Casting/],
    // Parameters
    ['SELECT $1', /parameters/],
    ['SELECT $0', /parameters|cannot read/],
    ['SELECT $99999999999', /parameters|cannot read/],
    // Not text, or too much of it
    ['SELECT 1\0; DROP TABLE t', /valid text/],
    ["SELECT '\ud800'", /valid text/],
    [`SELECT '${'x'.repeat(maxStatementBytes)}'`, /longer/],
    [`SELECT ${'- '.repeat(400)}x`, /nested/],
    [`SELECT ${'1+'.repeat(9900)}1`, /nested|complex/],
    [`SELECT ${'abs('.repeat(3900)}1${')'.repeat(3900)}`, /nested|complex/],
    [`SELECT ${'(SELECT '.repeat(1900)}1${')'.repeat(1900)}`, /nested|complex/],
  ];
  it.each(refused)('%s', async (sql, says) => {
    expect(await check(sql)).toEqual({
      code: notPermitted.has(says) ? 'not_permitted' : 'invalid_arguments',
      say: expect.stringMatching(says) as string,
    });
  });

  it('a schema that is not offered', async () => {
    const notOffered = { code: 'not_permitted', say: expect.stringMatching(/not offered/) as string };
    for (const sql of ['SELECT * FROM hr.salaries', 'WITH a AS (SELECT * FROM hr.salaries) SELECT * FROM a']) {
      expect(await check(sql, { schemas: ['shop'] })).toEqual(notOffered);
    }
  });

  it('never an answer that a model could take for permission', async () => {
    for (const [sql] of refused) expect((await check(sql))?.say).toMatch(/[.]$/);
  });
});

describe('whatever the text', () => {
  const words = [
    'SELECT',
    'FROM',
    '(',
    ')',
    ',',
    ';',
    '*',
    'x',
    "'",
    '"',
    '$$',
    '--',
    '/*',
    '*/',
    'WITH',
    'AS',
    '::',
    '[',
    ']',
    '.',
    '\n',
    '\\',
    'E',
    'U&',
    '1',
    '$1',
    'pg_sleep',
  ];

  it('answers', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((all) => all.join(' ')),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (sql) => {
        const objection = await check(sql);
        expect(objection === undefined || objection.say.length < 600).toBe(true);
      }),
      { numRuns: 500 },
    );
  }, 30_000);

  it('a fault in the parser costs one call', async () => {
    expect((await check(`SELECT ${'1+'.repeat(9900)}1`))?.say).toMatch(/nested|complex/);
    expect(await check('SELECT 1')).toBeUndefined();
    expect((await check('SELECT pg_sleep(1)'))?.say).toMatch(/not available/);
  });
});
