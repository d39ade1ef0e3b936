/** What the exchanges with HashiCorp Vault refuse; `test/lab/vault-server.test.ts` has them at a server. */
import { describe, expect, it } from 'vitest';
import { server, type Answers } from '../../test/samples/answering-server.ts';
import { credentialSchema, type CredentialWay, type WayOf } from '../contract/credentials.ts';
import type { HttpsRequest } from './discovery.ts';
import { vaultDatabase } from './vault-database.ts';
import { readVaultSecret, rotateVaultSecret } from './vault-secret.ts';

const person = { subject: 'alice-subject', username: 'alice@example.com' };
const codeOf = (code: string): unknown => expect.objectContaining({ code });
const wayOf = <K extends CredentialWay['kind']>(
  way: { readonly kind: K } & Readonly<Record<string, unknown>>,
): WayOf<K> => credentialSchema.parse(way) as WayOf<K>;

const vaultBase = { url: 'https://vault.example', login: { role: 'people' }, scope: 's' };
const loggedIn = {
  auth: { client_token: 'hvs.token', lease_duration: 1800, metadata: { role: 'people', sub: person.subject } },
};

describe('HashiCorp Vault, database logins', () => {
  const way = wayOf({ kind: 'vault-database', ...vaultBase, role: 'reader' });
  const creds = {
    lease_id: 'database/creds/reader/1',
    lease_duration: 900,
    renewable: true,
    data: { username: 'v-alice', password: 'p'.repeat(20) },
  };
  const ask = (over: {
    readonly login?: ReturnType<Answers>;
    readonly creds?: unknown;
    readonly renewed?: unknown;
    readonly status?: number;
  }) => {
    const { dial, asked } = server(({ url }) => {
      if (url.endsWith('/v1/auth/jwt/login')) return over.login ?? { json: loggedIn };
      if (url.endsWith('/v1/database/creds/reader')) return { status: over.status ?? 200, json: over.creds ?? creds };
      if (url.endsWith('/renew')) return { json: over.renewed ?? { lease_id: creds.lease_id, lease_duration: 900 } };
      return { status: 204 };
    });
    return { asked, done: vaultDatabase({ way, person, accessToken: 'jwt' }, dial) };
  };
  const paths = (asked: readonly HttpsRequest[]): string[] =>
    asked.map(({ url }) => new URL(url).pathname.replace('/v1/', ''));

  it('logs in, takes a login with its lease, and shows its token in no address', async () => {
    const { asked, done } = ask({});
    const { role, secrets, expiresAt } = await done;
    expect([role, secrets]).toEqual(['v-alice', [creds.data.password]]);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 900_000);
    expect(paths(asked)).toEqual(['auth/jwt/login', 'database/creds/reader']);
    expect(asked[1]?.headers).toMatchObject({ 'x-vault-token': 'hvs.token' });
    expect(asked[0]?.body).toBe('{"role":"people","jwt":"jwt"}');
  });

  it('renews a lease that is shorter than is wanted', async () => {
    const { asked, done } = ask({ creds: { ...creds, lease_duration: 60 } });
    expect((await done).expiresAt).toBeGreaterThan(Date.now() + 800_000);
    expect(JSON.parse(asked[2]?.body ?? '')).toEqual({ lease_id: creds.lease_id, increment: 900 });
  });

  it('ends with the token that made it', async () => {
    const short = { auth: { ...loggedIn.auth, lease_duration: 100 } };
    expect((await ask({ login: { json: short } }).done).expiresAt).toBeLessThanOrEqual(Date.now() + 100_000);
  });

  it.each([
    ['a life beyond 60 minutes', { creds: { ...creds, lease_duration: 86_400 } }],
    ['an expired one', { creds: { ...creds, lease_duration: 0, renewable: false } }],
    [
      'a renewal beyond 60 minutes',
      { creds: { ...creds, lease_duration: 60 }, renewed: { lease_id: creds.lease_id, lease_duration: 7200 } },
    ],
    [
      'a renewal of another lease',
      { creds: { ...creds, lease_duration: 60 }, renewed: { lease_id: 'other', lease_duration: 900 } },
    ],
    ['no lease', { creds: { ...creds, lease_id: '' } }],
    ['an oversized password', { creds: { ...creds, data: { username: 'u', password: 'p'.repeat(1025) } } }],
    ['a short password', { creds: { ...creds, data: { username: 'u', password: 'p' } } }],
    ['an oversized name', { creds: { ...creds, data: { username: 'u'.repeat(64), password: creds.data.password } } }],
    ['another form', { creds: { ...creds, data: null } }],
  ])('refuses %s, and revokes it', async (_, over) => {
    const { asked, done } = ask(over);
    await expect(done).rejects.toThrow(codeOf('backend_refused'));
    expect(paths(asked).at(-1)).toBe('auth/token/revoke-self');
  });

  it.each([
    ['another person', { json: { auth: { ...loggedIn.auth, metadata: { sub: 'bob-subject' } } } }, 'backend_refused'],
    ['another role', { json: { auth: { ...loggedIn.auth, metadata: { role: 'admins' } } } }, 'backend_refused'],
    ['no login', { json: {} }, 'backend_refused'],
    [
      'a redirect to a standby',
      { status: 307, headers: { location: 'http://standby' }, json: loggedIn },
      'backend_refused',
    ],
    ['a refused JWT', { status: 400, json: { errors: ['free text'] } }, 'not_permitted'],
    ['a sealed server', { status: 503 }, 'backend_unreachable'],
  ])('refuses a login: %s', async (_, login, code) => {
    await expect(ask({ login }).done).rejects.toThrow(codeOf(code));
  });

  it.each([
    [403, 'not_permitted'],
    [307, 'backend_refused'],
    [503, 'backend_unreachable'],
  ])('answers HTTP %d as %s', async (status, code) => {
    await expect(ask({ status }).done).rejects.toThrow(codeOf(code));
  });
});

describe('HashiCorp Vault, long-lived secrets', () => {
  const kvWay = wayOf({
    kind: 'vault-secret',
    ...vaultBase,
    from: { engine: 'kv-v2', path: 'app/db', rotation: { url: 'https://it.example/rotate', scope: 'r' } },
  });
  const staticWay = wayOf({ kind: 'vault-secret', ...vaultBase, from: { engine: 'database-static', role: 'app' } });
  const created = new Date(Date.now() - 86_400_000).toISOString();
  const kv = {
    data: { username: 'app', password: 'p'.repeat(20) },
    metadata: { version: 3, created_time: created, destroyed: false },
  };
  const read = (way: WayOf<'vault-secret'>, data: unknown) => {
    const { dial, asked } = server(({ url }) => {
      if (url.endsWith('/login')) return { json: loggedIn };
      return url.endsWith('/revoke-self') ? { status: 204 } : { json: { data } };
    });
    return { asked, done: readVaultSecret({ way, person, accessToken: 'jwt' }, dial) };
  };

  it('reads a KV version 2 secret with its version, for minutes, and gives the token back', async () => {
    const { asked, done } = read(kvWay, kv);
    const { expiresAt, ...rest } = await done;
    expect(rest).toEqual({
      role: 'app',
      secrets: ['p'.repeat(20)],
      version: { number: 3, createdAt: Date.parse(created) },
    });
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 900_000);
    expect(asked.map(({ url }) => new URL(url).pathname)).toEqual([
      '/v1/auth/jwt/login',
      '/v1/secret/data/app/db',
      '/v1/auth/token/revoke-self',
    ]);
  });

  it('reads a static login with the time of its rotation', async () => {
    const { done } = read(staticWay, { username: 'app', password: 'p'.repeat(20), last_vault_rotation: created });
    expect((await done).version?.createdAt).toBe(Date.parse(created));
  });

  it.each([
    ['no version', kvWay, { data: kv.data }],
    ['a destroyed one', kvWay, { ...kv, metadata: { ...kv.metadata, destroyed: true } }],
    [
      'one from the future',
      kvWay,
      { ...kv, metadata: { ...kv.metadata, created_time: new Date(Date.now() + 120_000).toISOString() } },
    ],
    ['other members', kvWay, { ...kv, data: { user: 'app' } }],
    ['a number as its value', kvWay, { ...kv, data: { username: 'app', password: 1 } }],
    ['an oversized one', kvWay, { ...kv, data: { username: 'app', password: 'p'.repeat(32_769) } }],
    ['a short one', kvWay, { ...kv, data: { username: 'app', password: 'p' } }],
    ['a static login without its time', staticWay, { username: 'app', password: 'p'.repeat(20) }],
  ])('refuses %s, and gives the token back', async (_, way, data) => {
    const { asked, done } = read(way, data);
    await expect(done).rejects.toThrow(codeOf('backend_refused'));
    expect(asked.at(-1)?.url).toContain('revoke-self');
  });

  it('has it rotated by IT’s service, or by Vault', async () => {
    const { dial, asked } = server(({ url }) => (url.endsWith('/login') ? { json: loggedIn } : { status: 204 }));
    await rotateVaultSecret({ way: kvWay, person, accessToken: 'jwt', version: 3 }, dial);
    await rotateVaultSecret({ way: staticWay, person, accessToken: 'jwt', version: 3 }, dial);
    expect(asked.map(({ url }) => url)).toEqual([
      'https://it.example/rotate',
      'https://vault.example/v1/auth/jwt/login',
      'https://vault.example/v1/database/rotate-role/app',
      'https://vault.example/v1/auth/token/revoke-self',
    ]);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ secret: 'secret/app/db', version: 3 });
  });

  it.each([302, 401, 500])('does not believe in a rotation that was answered with HTTP %d', async (status) => {
    const { dial } = server(() => ({ status }));
    await expect(rotateVaultSecret({ way: kvWay, person, accessToken: 'jwt', version: 3 }, dial)).rejects.toThrow(
      codeOf('backend_refused'),
    );
  });
});
