import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { refreshTokenGrant } from 'openid-client';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IssuedLogin } from '../lab/person.ts';
import { accessTokenOf, askIssuer, connectAs, labDatabase, loginOf, signInPlainly, trustLab } from '../lab/person.ts';
import type { RunningLab } from '../lab/start-lab.ts';
import { startLab } from '../lab/start-lab.ts';

let lab: RunningLab;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'lab-test-'));
  lab = await startLab({ needles: path.join(scratch, 'needles') });
  trustLab(lab);
});

afterAll(async () => {
  await lab.stop();
  await rm(scratch, { recursive: true });
});

async function rowsOf(login: IssuedLogin, sql: string): Promise<unknown[]> {
  const client = await connectAs(lab, login);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const tokens = new Map<string, Promise<string>>();
/** One sign-in a person serves the tests that only need to be them. */
function tokenOf(name: string): Promise<string> {
  const token = tokens.get(name) ?? accessTokenOf(lab, name);
  tokens.set(name, token);
  return token;
}

const claimsOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('sign-in', () => {
  test.each([
    ['alice', ['analyst'], ['pwd']],
    ['bob', ['support'], ['pwd']],
    ['carol', ['admin'], ['pwd', 'otp', 'mfa']],
  ])('%s signs in and the tokens say who and how', async (name, roles, amr) => {
    const before = Math.floor(Date.now() / 1000) - 1;
    const signedIn = await signInPlainly(lab, name);
    if ('refused' in signedIn) throw new Error(signedIn.refused);
    const { tokens } = signedIn;
    expect(tokens.claims()).toMatchObject({
      roles,
      amr,
      groups: [`${roles[0]!}-team`],
      preferred_username: name,
      email: `${name}@lab.example`,
    });
    expect(Number(tokens.claims()?.auth_time)).toBeGreaterThanOrEqual(before);
    const access = claimsOf(tokens.access_token);
    expect(access).toMatchObject({ aud: 'urn:sallyport:lab:issuer', scope: 'issue:postgres', roles });
    expect(Number(access['exp']) - Number(access['iat'])).toBe(600);
  });

  test('mallory is told that the account is disabled, with the right password only', async () => {
    expect(await signInPlainly(lab, 'mallory')).toEqual({
      refused: 'This account is disabled. Ask your administrator to enable it.',
    });
  });

  test('from a network that is not listed: no sign-in, in words, and no refresh', async () => {
    const signedIn = await signInPlainly(lab, 'bob');
    if ('refused' in signedIn) throw new Error(signedIn.refused);
    const { tokens, client } = signedIn;
    await lab.setNetworks(['192.0.2.0/24']);
    const refresh = refreshTokenGrant(client, tokens.refresh_token ?? '');
    await expect(refresh).rejects.toMatchObject({ error: 'invalid_grant' });
    const page = await fetch(new URL('/auth', lab.config.identity.authority));
    expect([page.status, await page.text()]).toEqual([403, expect.stringContaining('from this network')]);
    await lab.setNetworks(['127.0.0.0/8']);
    expect(await refreshTokenGrant(client, tokens.refresh_token ?? '')).toHaveProperty('access_token');
    await expect(lab.setNetworks(['elsewhere'])).rejects.toThrow('not a network');
  });

  test('an outage: 503, and when to ask again', async () => {
    await lab.setOutage(true);
    const answer = await fetch(new URL('/jwks', lab.config.identity.authority));
    await lab.setOutage(false);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2']);
  });

  test('a refresh rotates the token; a used one ends the session; a disabled person gets none', async () => {
    const signedIn = await signInPlainly(lab, 'bob');
    if ('refused' in signedIn) throw new Error(signedIn.refused);
    const { client, tokens } = signedIn;
    const second = await refreshTokenGrant(client, tokens.refresh_token!, {
      scope: lab.config.identity.scopes.join(' '),
    });
    expect(second.refresh_token).not.toBe(tokens.refresh_token);
    await lab.disable('bob');
    await expect(refreshTokenGrant(client, second.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
    await lab.enable('bob');
    const third = await refreshTokenGrant(client, second.refresh_token!);
    await expect(refreshTokenGrant(client, tokens.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(refreshTokenGrant(client, third.refresh_token!)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('without PKCE there is no sign-in', async () => {
    const query = new URLSearchParams({
      client_id: lab.config.identity.clientId,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: 'http://localhost:1',
    });
    const answer = await fetch(`${lab.config.identity.authority}/auth?${query.toString()}`, { redirect: 'manual' });
    expect(answer.headers.get('location')).toContain('error=invalid_request');
  });

  test('the driver program prints one line and says by its exit how it went', async () => {
    const url = `${lab.config.identity.authority}/auth?client_id=unknown`;
    const child = spawn(process.execPath, ['test/lab/sign-in-driver.ts', '--folder', lab.folder, '--user', 'alice']);
    child.stdin.end(`${url}\n`);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(1);
    expect(said.split('\n')).toHaveLength(2);
    expect(said).toContain('client');
  });

  test('the administration of people is not on the network', async () => {
    for (const target of ['/disable', '/admin', '/people', '/people.json', '/interaction/x/../../people.json']) {
      expect((await fetch(`${lab.config.identity.authority}${target}`)).status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('rows', () => {
  test.each([
    ['alice', { owners: ['alice'], regions: ['east', 'north', 'south', 'west'], people: 141 }],
    ['bob', { owners: ['alice', 'bob', 'carol'], regions: ['west'], people: 95 }],
    ['carol', { owners: ['alice', 'bob', 'carol'], regions: ['east', 'north', 'south', 'west'], people: 400 }],
  ])('%s runs the same query and gets their own rows', async (name, { owners, regions, people }) => {
    const login = await loginOf(lab, await tokenOf(name));
    const distinct =
      'SELECT array_agg(DISTINCT owner) AS owners, array_agg(DISTINCT region) AS regions FROM shop.orders';
    expect(await rowsOf(login, distinct)).toEqual([{ owners, regions }]);
    expect(await rowsOf(login, 'SELECT count(*)::integer AS people FROM shop.people')).toEqual([{ people }]);
    expect(await rowsOf(login, 'SELECT count(*)::integer AS n FROM published.movies')).toEqual([{ n: 3201 }]);
  });

  test.each([
    ['alice', ['full_name', 'email'], ['phone', 'birth_date', 'card_last4']],
    ['bob', [], ['full_name', 'email', 'phone', 'birth_date', 'card_last4']],
    ['carol', ['full_name', 'email', 'phone', 'birth_date', 'card_last4'], []],
  ])('%s reads only the personal columns of that role', async (name, readable, hidden) => {
    const login = await loginOf(lab, await tokenOf(name));
    for (const column of readable)
      expect(await rowsOf(login, `SELECT ${column} FROM shop.people LIMIT 1`)).toHaveLength(1);
    for (const column of hidden) {
      await expect(rowsOf(login, `SELECT ${column} FROM shop.people LIMIT 1`)).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('the orders are the same at every start, and enough', async () => {
    const login = await loginOf(lab, await tokenOf('carol'));
    const digest =
      "SELECT count(*)::integer AS n, md5(string_agg(o::text, '/' ORDER BY order_id)) AS md5 FROM shop.orders AS o";
    expect(await rowsOf(login, digest)).toEqual([{ n: 6000, md5: 'c08aed94236d34e1c81907b25e416909' }]);
  });
});

describe('credentials end', () => {
  test('after its life a login shows no row, loses its sessions and cannot be used again', async () => {
    const token = await tokenOf('alice');
    await lab.setCredentialLifetime(1);
    const login = await loginOf(lab, token);
    await lab.setCredentialLifetime(900);
    const client = await connectAs(lab, login);
    // What a role leaves behind must not keep it from being dropped.
    await client.query('SET default_transaction_read_only = off');
    await client.query('ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC');
    await client.query('BEGIN');
    let ending: unknown;
    client.on('error', (error) => (ending ??= error));
    while (ending === undefined) {
      const expired = Date.now() > login.expiresAt + 50;
      await client.query<{ n: number }>('SELECT count(*)::integer AS n FROM shop.orders').then(
        ({ rows }) => expect(expired && rows[0]!.n > 0).toBe(false),
        (error: unknown) => (ending ??= error),
      );
      await delay(20);
      expect(Date.now()).toBeLessThan(login.expiresAt + 20_000);
    }
    expect(ending).toMatchObject({ code: '57P01' });
    await expect(connectAs(lab, login)).rejects.toMatchObject({ code: '28P01' });
  });

  test('a role that changes its own password sees nothing at once and is dropped', async () => {
    const login = await loginOf(lab, await tokenOf('alice'));
    const client = await connectAs(lab, login);
    await client.query('SET default_transaction_read_only = off');
    await client.query("ALTER ROLE CURRENT_USER PASSWORD 'taken over'");
    const deadline = Date.now() + 20_000;
    let ended: unknown;
    while (ended === undefined) {
      const result = client.query<{ n: number }>('SELECT count(*)::integer AS n FROM shop.orders');
      await result.then(
        ({ rows }) => expect(rows).toEqual([{ n: 0 }]),
        (error: unknown) => (ended = error),
      );
      expect(Date.now()).toBeLessThan(deadline);
      await delay(20);
    }
    await expect(connectAs(lab, { ...login, password: 'taken over' })).rejects.toMatchObject({ code: '28P01' });
  });
});

describe('the issuer', () => {
  test('decides the life of a credential itself: 15 minutes', async () => {
    const token = await tokenOf('alice');
    const answer = await askIssuer(lab, `Bearer ${token}`, {
      body: JSON.stringify({ lifetime: 999_999, role: 'lab_owner' }),
    });
    const { role, expiresAt } = (await answer.json()) as IssuedLogin;
    expect(answer.status).toBe(201);
    expect(role).toMatch(/^jit_[0-9a-f]{32}$/);
    expect(Math.abs(expiresAt - Date.now() - 900_000)).toBeLessThan(10_000);
  });

  test('answers bad requests by code, and asks for a token as RFC 6750 says', async () => {
    const missing = await askIssuer(lab);
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="sallyport-lab", scope="issue:postgres"',
    ]);
    expect(await missing.json()).toMatchObject({ code: 'missing_token' });
    expect((await askIssuer(lab, undefined, { method: 'GET' })).status).toBe(405);
    expect((await fetch(new URL('/', labDatabase(lab).issuer.url))).status).toBe(404);
    const token = await tokenOf('alice');
    const large = await askIssuer(lab, `Bearer ${token}`, { body: 'x'.repeat(2_000) });
    expect([large.status, await large.json()]).toMatchObject([413, { code: 'body_too_large' }]);
  });
});

describe('PostgreSQL', () => {
  const anyLogin = { role: 'credential_issuer', password: 'x', expiresAt: 0 };

  test('speaks TLS only, to the lab database only, and never with its superuser', async () => {
    const login = await loginOf(lab, await tokenOf('alice'));
    await expect(connectAs(lab, login, { ssl: false })).rejects.toMatchObject({ code: '28000' });
    await expect(connectAs(lab, login, { database: 'postgres' })).rejects.toMatchObject({ code: '28000' });
    await expect(connectAs(lab, { ...anyLogin, role: 'lab_owner' })).rejects.toMatchObject({ code: '28P01' });
    await expect(connectAs(lab, { ...anyLogin, role: 'analyst' })).rejects.toMatchObject({ code: '28P01' });
    await expect(connectAs(lab, anyLogin)).rejects.toMatchObject({ code: '28P01' });
    const untrusted = new pg.Client({ ...pgTarget(), ssl: { ca: [] }, user: 'x', password: 'x' });
    await expect(untrusted.connect()).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  const pgTarget = () => {
    const { host, port, database } = labDatabase(lab);
    return { host, port, database };
  };

  test('its log names the role and the call, and neither statements nor secrets', async () => {
    const login = await loginOf(lab, await tokenOf('alice'));
    const client = await connectAs(lab, login, { application_name: 'call-0001' });
    await client.query("SELECT 'a value in a statement' FROM no_such_table").catch(() => undefined);
    await client.end();
    const log = readFileSync(path.join(lab.folder, 'postgres.log'), 'utf8');
    expect(log).toContain(`user=${login.role} call=call-0001`);
    expect(log).not.toContain('a value in a statement');
  });
});

describe('secrets', () => {
  test('each issued secret is a needle, and none is on disk, in arguments or in environments', async () => {
    const token = await accessTokenOf(lab, 'bob');
    const login = await loginOf(lab, token);
    const needles = readFileSync(path.join(scratch, 'needles'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t') as [string, string]);
    expect(new Set(needles.map(([name]) => name))).toEqual(
      new Set([
        'identity-provider-tls-key',
        'issuer-tls-key',
        'postgres-tls-key',
        'issuer-database-password',
        'provider-signing-key',
        'session-token-key',
        'authorization-code',
        'access-token',
        'refresh-token',
        'id-token',
        'postgres-password',
      ]),
    );
    const values = needles.map(([, value]) => value);
    expect(values).toContain(token);
    expect(values).toContain(login.password);
    const seen = [
      ...filesUnder(lab.folder),
      ...Object.values(lab.pids).flatMap((pid) => [`/proc/${String(pid)}/cmdline`, `/proc/${String(pid)}/environ`]),
    ];
    const lastOfEachKind = [...new Map(needles).values()];
    const found = seen.filter((file) => containsAny(readFileSync(file), lastOfEachKind));
    expect(found).toEqual([]);
    expect(statSync(lab.folder).mode & 0o777).toBe(0o700);
    expect(existsSync(path.join(lab.folder, 'postgres-key.pem'))).toBe(false);
  });

  test('what the issuer holds in its folder of people is readable by its user alone', () => {
    expect(statSync(path.join(lab.folder, 'people.json')).mode & 0o777).toBe(0o600);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function containsAny(bytes: Buffer, values: readonly string[]): boolean {
  return values.some(
    (value) => bytes.includes(value) || bytes.includes(Buffer.from(value).toString('base64').replace(/=+$/, '')),
  );
}

describe('the end', () => {
  const running = (pid: number) => {
    const stat = existsSync(`/proc/${String(pid)}/stat`) ? readFileSync(`/proc/${String(pid)}/stat`, 'utf8') : '';
    return stat !== '' && !/\) Z /.test(stat);
  };
  const processes = ({ pids }: RunningLab): number[] => Object.values(pids).filter((pid) => pid !== undefined);
  async function untilGone(pids: readonly number[]): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (pids.some(running)) {
      expect(Date.now()).toBeLessThan(deadline);
      await delay(20);
    }
  }

  test('a killed lab leaves no process, and its folder goes when the next one starts', async () => {
    const killed = await startLab();
    process.kill(killed.pids.lab, 'SIGKILL');
    await untilGone(processes(killed));
    expect(existsSync(killed.folder)).toBe(true);
    const next = await startLab();
    expect(existsSync(killed.folder)).toBe(false);
    expect(existsSync(lab.folder)).toBe(true);
    await next.stop();
    await untilGone(processes(next));
    expect(existsSync(next.folder)).toBe(false);
  });
});
