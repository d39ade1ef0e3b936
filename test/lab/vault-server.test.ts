/** Our exchanges at a server written to HashiCorp Vault's published API; not verified against HashiCorp Vault itself. */
import { beforeEach, describe, expect, it } from 'vitest';
import { credentialSchema, type CredentialWay, type WayOf } from '../../main/contract/credentials.ts';
import { rotateVaultSecret, readVaultSecret } from '../../main/identity/vault-secret.ts';
import { vaultDatabase } from '../../main/identity/vault-database.ts';
import { createHttpsDialler } from '../../main/outbound/https-request.ts';
import { createAuthority } from './authority.ts';
import { Refused } from './issuer-refused.ts';
import { listen } from './server.ts';
import { createVaultServer, type VaultServer } from './vault-server.ts';

const person = { subject: 'alice-subject', username: 'alice' };
const hourMs = 3_600_000;
let server: VaultServer;
let url: string;
let dial: ReturnType<typeof createHttpsDialler>;
let lifeMs: number;

beforeEach(async () => {
  const authority = await createAuthority();
  lifeMs = hourMs - 1000;
  server = createVaultServer({
    checkToken: (authorization) =>
      authorization === 'Bearer alice'
        ? Promise.resolve({ ...person, roles: ['analyst'], region: 'north' })
        : Promise.reject(new Refused({ status: 401, code: 'invalid_token', say: 'x' })),
    roles: {
      issue: () => Promise.resolve({ role: 'jit_1', password: 'p'.repeat(43), expiresAt: Date.now() + lifeMs }),
    },
    recordNeedle: () => undefined,
    leaseSeconds: 100,
  });
  const listening = await listen(await authority.issue('Sallyport lab vault'));
  listening.serve(server.handle);
  ({ url } = listening);
  dial = createHttpsDialler({ authorities: [authority.certificate] });
});

const wayOf = <K extends CredentialWay['kind']>(kind: K, more: object): WayOf<K> =>
  credentialSchema.parse({ kind, url, login: { role: 'people' }, scope: 's', ...more }) as WayOf<K>;

describe('a database login', () => {
  const ask = (accessToken = 'alice', who = person) =>
    vaultDatabase({ way: wayOf('vault-database', { role: 'reader' }), person: who, accessToken }, dial);

  it('comes with a lease that was renewed to what is wanted', async () => {
    const login = await ask();
    expect([login.role, login.secrets]).toEqual(['jit_1', ['p'.repeat(43)]]);
    expect(login.expiresAt).toBeGreaterThan(Date.now() + 800_000);
    expect([server.tokens(), server.leases()]).toEqual([1, 1]);
  });

  it('of another person is refused before anything is asked for', async () => {
    await expect(ask('alice', { subject: 'bob-subject', username: 'bob' })).rejects.toMatchObject({
      code: 'backend_refused',
    });
    await expect(ask('bob')).rejects.toMatchObject({ code: 'not_permitted' });
    expect(server.leases()).toBe(0);
  });

  it('that has expired is refused and revoked', async () => {
    lifeMs = 500;
    await expect(ask()).rejects.toMatchObject({ code: 'backend_refused' });
    expect([server.tokens(), server.leases()]).toEqual([0, 0]);
  });
});

describe('a long-lived secret', () => {
  const kv = (): WayOf<'vault-secret'> => wayOf('vault-secret', { from: { engine: 'kv-v2', path: 'app/db' } });
  const fixed = (): WayOf<'vault-secret'> =>
    wayOf('vault-secret', { from: { engine: 'database-static', role: 'app' } });
  const read = (way: WayOf<'vault-secret'>) => readVaultSecret({ way, person, accessToken: 'alice' }, dial);

  it('is read with its version and time, and no token stays', async () => {
    const createdAt = Date.now() - 80 * 24 * hourMs;
    server.put('app/db', { username: 'app', password: 'x'.repeat(20) });
    server.put('app/db', { username: 'app', password: 'y'.repeat(20) }, createdAt);
    expect(await read(kv())).toMatchObject({
      role: 'app',
      secrets: ['y'.repeat(20)],
      version: { number: 2, createdAt },
    });
    expect(server.tokens()).toBe(0);
  });

  it('is rotated by Vault', async () => {
    server.putStatic('app', Date.now() - 80 * 24 * hourMs);
    const before = await read(fixed());
    await rotateVaultSecret({ way: fixed(), person, accessToken: 'alice', version: before.version?.number ?? 0 }, dial);
    const after = await read(fixed());
    expect(after.version?.number).toBeGreaterThan(before.version?.number ?? 0);
    expect(after.secrets).not.toEqual(before.secrets);
    expect(server.tokens()).toBe(0);
  });

  it('that is not there is refused', async () => {
    await expect(read(kv())).rejects.toMatchObject({ code: 'backend_refused' });
  });
});
