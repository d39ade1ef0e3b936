import { exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { IdentityConfig } from '../contract/config.ts';
import { toPrincipal } from './principal.ts';
import { validateIdToken, type ExpectedToken } from './validate-id-token.ts';

const identity: IdentityConfig = {
  kind: 'oidc',
  authority: 'https://provider.example',
  clientId: 'client',
  scopes: ['openid'],
  policyWindowMinutes: 15,
  signInTimeoutMinutes: 10,
};
const expected: ExpectedToken = { identity, issuer: 'https://provider.example', nonce: 'n-1' };
const claims = { iss: 'https://provider.example', aud: 'client', sub: 'person', nonce: 'n-1' };

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let provider: Pair;
let stranger: Pair;
let keys: JSONWebKeySet;

beforeAll(async () => {
  provider = await generateKeyPair('ES256');
  stranger = await generateKeyPair('ES256');
  keys = { keys: [{ ...(await exportJWK(provider.publicKey)), kid: '1', alg: 'ES256' }] };
});

const nowSeconds = () => Math.floor(Date.now() / 1000);
const signed = (
  payload: JWTPayload,
  { key = provider.privateKey, alg = 'ES256' }: { key?: Pair['privateKey'] | Uint8Array; alg?: string } = {},
) =>
  new SignJWT({ iat: nowSeconds(), exp: nowSeconds() + 300, ...payload })
    .setProtectedHeader({ alg, kid: '1' })
    .sign(key);
const unsigned = (payload: JWTPayload) =>
  [{ alg: 'none' }, { iat: nowSeconds(), exp: nowSeconds() + 300, ...payload }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.') + '.';

describe('ID token', () => {
  it('passes when everything is right, for one audience or with azp for several', async () => {
    await expect(validateIdToken(await signed(claims), keys, expected)).resolves.toMatchObject({ sub: 'person' });
    const several = await signed({ ...claims, aud: ['client', 'other'], azp: 'client' });
    await expect(validateIdToken(several, keys, expected)).resolves.toMatchObject({ sub: 'person' });
  });

  it.each<[string, JWTPayload]>([
    ['iss', { ...claims, iss: 'https://elsewhere.example' }],
    ['aud', { ...claims, aud: 'other-client' }],
    ['nonce', { ...claims, nonce: 'n-2' }],
    ['nonce', { iss: claims.iss, aud: claims.aud, sub: claims.sub }],
    ['exp', { ...claims, exp: nowSeconds() - 3600 }],
    ['sub', { iss: claims.iss, aud: claims.aud, nonce: claims.nonce }],
    ['azp', { ...claims, azp: 'other-client' }],
    ['azp', { ...claims, aud: ['client', 'other'] }],
  ])('is refused for its %s', async (what, payload) => {
    await expect(validateIdToken(await signed(payload), keys, expected)).rejects.toMatchObject({
      code: 'identity_unavailable',
      message: expect.stringContaining(`(${what})`) as string,
    });
  });

  it('is refused when another key signed it, when nobody did, and when the client itself could have', async () => {
    const cases: readonly [string, string][] = [
      ['signature', await signed(claims, { key: stranger.privateKey })],
      ['alg', unsigned(claims)],
      ['alg', await signed(claims, { key: new TextEncoder().encode('client'.repeat(8)), alg: 'HS256' })],
      ['signature', 'not.a.token'],
    ];
    for (const [what, token] of cases) {
      await expect(validateIdToken(token, keys, expected)).rejects.toMatchObject({
        message: expect.stringContaining(`(${what})`) as string,
      });
    }
  });

  it('needs no nonce at a refresh, and takes a tenant’s own issuer where the authority is shared', async () => {
    const tenant = '11111111-2222-3333-4444-555555555555';
    const shared = { ...identity, kind: 'entra' as const, authority: 'https://login.example/organizations' };
    const entra = { identity: shared, issuer: 'https://login.example/{tenantid}/v2.0' };
    const token = await signed({ ...claims, iss: `https://login.example/${tenant}/v2.0`, tid: tenant });
    await expect(validateIdToken(token, keys, entra)).resolves.toMatchObject({ tid: tenant });
    const foreign = await signed({ ...claims, iss: `https://evil.example/${tenant}/v2.0` });
    await expect(validateIdToken(foreign, keys, entra)).rejects.toMatchObject({
      message: expect.stringContaining('(iss)') as string,
    });
  });
});

describe('principal', () => {
  it('takes the standard claims, and `sub` and `iat` where others are missing', () => {
    expect(toPrincipal({ ...claims, iat: 100 }, ['issue'])).toEqual({
      subject: 'person',
      issuer: claims.iss,
      username: 'person',
      displayName: 'person',
      groups: [],
      roles: [],
      authenticationMethods: [],
      authenticatedAt: 100_000,
      scopes: ['issue'],
    });
    const full = {
      ...claims,
      iat: 100,
      auth_time: 90,
      preferred_username: 'p',
      name: 'P',
      email: 'p@example',
      roles: ['r'],
      groups: ['g'],
      amr: ['pwd'],
      tid: 't',
    };
    expect(toPrincipal(full, [])).toMatchObject({
      username: 'p',
      displayName: 'P',
      authenticatedAt: 90_000,
      tenant: 't',
      roles: ['r'],
    });
  });

  it.each([
    { roles: 'admin' },
    { _claim_names: { roles: 'src1' } },
    { groups: [1] },
    { sub: '' },
    { roles: Array.from({ length: 201 }, String) },
  ])('refuses %j', (odd) => {
    expect(() => toPrincipal({ ...claims, iat: 1, ...odd }, [])).toThrow(
      expect.objectContaining({ code: 'identity_unavailable' }),
    );
  });

  it('marks groups that the provider left out, and has the expiry and the UPN', () => {
    const overage = {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://graph.example' } },
    };
    expect(toPrincipal({ ...claims, iat: 1, exp: 2, upn: 'p@example', ...overage }, [])).toMatchObject({
      groups: [],
      groupsOverage: true,
      username: 'p@example',
      expiresAt: 2000,
    });
    expect(toPrincipal({ ...claims, iat: 1, hasgroups: true }, []).groupsOverage).toBe(true);
    expect(toPrincipal({ ...claims, iat: 1, hasgroups: false, groups: ['g'] }, [])).not.toHaveProperty('groupsOverage');
  });
});

describe('the clock', () => {
  it.each([
    ['exp', { ...claims, iat: nowSeconds() - 4000, exp: nowSeconds() - 3600 }, 'ahead of'],
    ['iat', { ...claims, iat: nowSeconds() + 120, exp: nowSeconds() + 300 }, 'behind'],
    ['nbf', { ...claims, nbf: nowSeconds() + 120 }, 'behind'],
  ])('wrong by more than the skew is said, with the mend (%s)', async (what, payload, direction) => {
    await expect(validateIdToken(await signed(payload), keys, expected)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`\\(${what}\\).*clock says .*${direction}.*Set the clock`)) as string,
    });
  });

  it('wrong by less is no matter', async () => {
    for (const payload of [
      { ...claims, iat: nowSeconds() + 50 },
      { ...claims, nbf: nowSeconds() + 50 },
      { ...claims, exp: nowSeconds() - 50 },
    ])
      await expect(validateIdToken(await signed(payload), keys, expected)).resolves.toMatchObject({ sub: 'person' });
  });
});

describe('a sign-in that must be new', () => {
  it.each([
    [{ auth_time: nowSeconds() - 100 }, true],
    [{ auth_time: nowSeconds() - 1000 }, false],
    [{}, false],
    [{ auth_time: 'now' }, false],
  ])('with %j passes: %s', async (more, passes) => {
    const answer = validateIdToken(await signed({ ...claims, ...more }), keys, { ...expected, maxAgeSeconds: 300 });
    if (passes) await expect(answer).resolves.toBeDefined();
    else await expect(answer).rejects.toMatchObject({ message: expect.stringContaining('(auth_time)') as string });
  });
});
