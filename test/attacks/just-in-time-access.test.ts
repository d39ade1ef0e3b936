/**
 * What a connector that is wholly hostile could send: here it has the just-in-time login itself and nothing between
 * it and PostgreSQL. And what a thief of a token's shape could send to the issuer.
 */
import { existsSync } from 'node:fs';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessTokenOf, askIssuer, connectAs, labDatabase, loginOf, signInPlainly, trustLab } from '../lab/person.ts';
import type { RunningLab } from '../lab/start-lab.ts';
import { startLab } from '../lab/start-lab.ts';
import { leftFile, refusedStatements } from './refused-statements.ts';

let lab: RunningLab;
let alice: pg.Client;
let bob: pg.Client;
let aliceToken: string;

beforeAll(async () => {
  lab = await startLab();
  trustLab(lab);
  aliceToken = await accessTokenOf(lab, 'alice');
  alice = await connectAs(lab, await loginOf(lab, aliceToken), { application_name: 'call of alice' });
  bob = await connectAs(lab, await loginOf(lab, await accessTokenOf(lab, 'bob')), { application_name: 'call of bob' });
  for (const client of [alice, bob]) await client.query('SET default_transaction_read_only = off');
});

afterAll(async () => {
  await alice.end();
  await bob.end();
  await lab.stop();
});

async function codeOf(sql: string, client = alice): Promise<unknown> {
  return client.query(sql).then(
    () => 'done',
    (error: unknown) => (error as pg.DatabaseError).code,
  );
}

async function rows(sql: string, client = alice): Promise<Record<string, unknown>[]> {
  return (await client.query<Record<string, unknown>>(sql)).rows;
}

const denied = '42501';

describe('a just-in-time role is refused', () => {
  test.each(refusedStatements)('%s', async (sql) => {
    expect(await codeOf(sql)).toBe(denied);
  });

  test('and nothing was left on disk', () => {
    expect(existsSync(leftFile)).toBe(false);
  });
});

describe('rows of others stay hidden', () => {
  const total = 6000;

  test('from a session that turns row-level security off: it gets an error, not the rows', async () => {
    await alice.query('SET row_security = off');
    expect(await codeOf('SELECT count(*) FROM shop.orders')).toBe(denied);
    await alice.query('SET row_security = on');
  });

  test('row-level security is on and forced for every table that a role may read', async () => {
    const readable = `SELECT oid::regclass::text AS name, row_security_active(oid) AS active, relforcerowsecurity AS forced
      FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'f') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND has_any_column_privilege(oid, 'SELECT')`;
    const tables = await rows(readable);
    expect(tables).toHaveLength(6);
    expect(tables.filter(({ active, forced }) => active !== true || forced !== true)).toEqual([]);
  });

  test('from conditions that would betray a row by an error or by what they print', async () => {
    const conditions = [
      "1 / (CASE WHEN owner = 'bob' THEN 0 ELSE 1 END) = 1",
      "CASE WHEN owner = 'bob' THEN owner::integer = 1 ELSE true END",
      "CASE WHEN owner = 'bob' THEN jsonb_path_exists('1', owner::jsonpath) ELSE true END",
      "CASE WHEN owner = 'bob' THEN ('2025-01-' || owner)::date IS NULL ELSE true END",
    ];
    for (const condition of conditions) {
      expect(await rows(`SELECT count(*)::integer AS n FROM shop.orders WHERE ${condition}`)).toEqual([{ n: 2155 }]);
    }
  });

  test('from settings: who a session is cannot be set', async () => {
    await alice.query("SET application_name = 'bob'");
    await alice.query('SET search_path = access, shop');
    await alice.query("SET access.username = 'bob'");
    expect(await rows('SELECT DISTINCT owner FROM shop.orders')).toEqual([{ owner: 'alice' }]);
    await alice.query('RESET ALL');
    await alice.query('SET default_transaction_read_only = off');
  });

  test('from statistics and sizes', async () => {
    expect(await codeOf('ANALYZE shop.orders')).toBe('done');
    expect(await rows("SELECT * FROM pg_stats WHERE schemaname = 'shop'")).toEqual([]);
    expect(await rows("SELECT reltuples FROM pg_class WHERE oid = 'shop.orders'::regclass")).toEqual([
      { reltuples: -1 },
    ]);
  });

  test('from EXPLAIN ANALYZE: what it counts does not depend on what the rows of others hold', async () => {
    const removed = async (condition: string) => {
      const plan = await rows(
        `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) SELECT * FROM shop.orders WHERE ${condition}`,
      );
      const lines = plan.map((row) => String(row['QUERY PLAN']));
      return lines.filter((line) => /Rows Removed|Scan/.test(line)).map((line) => line.trim());
    };
    const nobody = await removed("owner = 'nobody'");
    expect(nobody.join()).toContain(`Rows Removed by Filter: ${String(total)}`);
    expect(await removed("owner = 'bob'")).toEqual(nobody);
    expect(await removed("owner = 'bob' AND region = 'west'")).toEqual(nobody);
    expect(await removed("item = 'The Land Girls' AND owner = 'bob'")).toEqual(nobody);
  });

  test('from a neighbour: neither statements nor calls of another session are shown', async () => {
    await bob.query("SELECT 'what bob asked'");
    const views = await rows("SELECT relname::text FROM pg_class WHERE relname LIKE 'pg_stat%' AND relkind = 'v'");
    const showing: string[] = [];
    for (const { relname } of views) {
      const shown = await rows(`SELECT * FROM pg_catalog.${String(relname)}`).then(JSON.stringify, () => '');
      if (/what bob asked|call of bob|jit_[0-9a-f]{32}/.test(shown)) showing.push(String(relname));
    }
    expect(views.length).toBeGreaterThan(20);
    expect(showing).toEqual([]);
  });

  test('published data needs live claims too, and a second role of the same person sees the same', async () => {
    const again = await connectAs(lab, await loginOf(lab, aliceToken));
    const counted =
      'SELECT (SELECT count(*) FROM shop.orders)::integer AS orders, (SELECT count(*) FROM published.stocks)::integer AS stocks';
    expect(await rows(counted, again)).toEqual([{ orders: 2155, stocks: 560 }]);
    await again.end();
  });
});

describe('resources are bounded by what a role cannot set', () => {
  test('temporary files', async () => {
    expect(await codeOf("SET temp_file_limit = '100GB'")).toBe(denied);
  });

  test('connections: 32 of one role, then no more', async () => {
    const login = await loginOf(lab, aliceToken);
    const open = await Promise.all(Array.from({ length: 32 }, () => connectAs(lab, login)));
    await expect(connectAs(lab, login)).rejects.toMatchObject({ code: '53300' });
    await Promise.all(open.map((client) => client.end()));
  });
});

describe('the issuer refuses', () => {
  const claims = () =>
    JSON.parse(Buffer.from(aliceToken.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  const header = () =>
    JSON.parse(Buffer.from(aliceToken.split('.')[0] ?? '', 'base64url').toString()) as {
      alg: string;
      kid: string;
      typ: string;
    };

  async function refusalOf(token: string): Promise<unknown> {
    const answer = await askIssuer(lab, `Bearer ${token}`);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer ');
    return { status: answer.status, ...((await answer.json()) as object) };
  }
  const invalid = { status: 401, code: 'invalid_token' };

  test('a token without a signature (alg none)', async () => {
    expect(await refusalOf(new UnsecuredJWT(claims()).encode())).toMatchObject(invalid);
  });

  test('a token signed by another key under the same key id', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    expect(await refusalOf(await new SignJWT(claims()).setProtectedHeader(header()).sign(privateKey))).toMatchObject(
      invalid,
    );
  });

  test('a token signed with the public key as a shared secret (HS256)', async () => {
    const jwks = (await (await fetch(new URL('/jwks', lab.config.identity.authority))).json()) as { keys: object[] };
    const secret = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
    const forged = new SignJWT(claims()).setProtectedHeader({ ...header(), alg: 'HS256' });
    expect(await refusalOf(await forged.sign(secret))).toMatchObject(invalid);
  });

  test('a token that brings its own key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const brought = { ...header(), jwk: await exportJWK(publicKey), jku: 'https://localhost:1/jwks' };
    expect(await refusalOf(await new SignJWT(claims()).setProtectedHeader(brought).sign(privateKey))).toMatchObject(
      invalid,
    );
  });

  test('a changed token', async () => {
    const [head, , signature] = aliceToken.split('.');
    const body = Buffer.from(JSON.stringify({ ...claims(), roles: ['admin'] })).toString('base64url');
    expect(await refusalOf(`${head!}.${body}.${signature!}`)).toMatchObject(invalid);
  });

  test('a token for another audience and of another kind: the ID token', async () => {
    const signedIn = await signInPlainly(lab, 'alice');
    if ('refused' in signedIn) throw new Error(signedIn.refused);
    expect(await refusalOf(signedIn.tokens.id_token ?? '')).toMatchObject(invalid);
  });

  test('what is not a bearer token, and a token in the address', async () => {
    for (const authorization of ['Basic YWxpY2U6eA==', 'Bearer', `bearer ${aliceToken} x`, 'Bearer \u00e4']) {
      const sent = await askIssuer(lab, authorization).catch(() => undefined);
      expect(sent?.status ?? 401).toBe(401);
    }
    const inAddress = await fetch(`${labDatabase(lab).issuer.url}?access_token=${aliceToken}`, { method: 'POST' });
    expect(inAddress.status).toBe(401);
  });

  test('more than a hundred live logins of one person, while another person is served', async () => {
    const carolToken = await accessTokenOf(lab, 'carol');
    let refused: Response | undefined;
    for (let count = 0; refused === undefined && count <= 101; count += 1) {
      const answer = await askIssuer(lab, `Bearer ${aliceToken}`);
      if (answer.status !== 201) refused = answer;
    }
    expect([refused?.status, await refused?.json()]).toMatchObject([429, { code: 'too_many_credentials' }]);
    expect((await askIssuer(lab, `Bearer ${carolToken}`)).status).toBe(201);
  });
});
