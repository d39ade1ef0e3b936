/** A service that wants a stronger sign-in, through vault, provider and back: on the person's click only, and in no loop. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startHostileProvider, type Grant, type HostileProvider } from './hostile-provider.ts';
import { faultOf, startVaultInProcess, type VaultInProcess } from './vault-in-process.ts';

const unauthorized = (challenge: string) => ({ status: 401, headers: { 'www-authenticate': challenge } });
const insufficientClaims = (claims: object) =>
  unauthorized(
    `Bearer error="insufficient_claims", claims="${Buffer.from(JSON.stringify(claims)).toString('base64')}"`,
  );
const acrs = { access_token: { acrs: { essential: true, value: 'c1' } } };
const claimsOf = ({ asked }: Grant) => JSON.parse(asked.get('claims') ?? '{}') as { access_token?: { acrs?: unknown } };

describe.each(['oidc', 'entra'] as const)('%s', (kind) => {
  let provider: HostileProvider;
  beforeAll(async () => {
    provider = await startHostileProvider(kind);
  });
  beforeEach(() => {
    provider.bend({});
  });
  afterAll(() => {
    provider.close();
  });
  const start = (identity = provider.config): VaultInProcess =>
    startVaultInProcess({ identity, certificate: provider.certificate, issuer: `${provider.url}/credentials` });
  const signIn = async (vault: VaultInProcess, account?: string): Promise<URLSearchParams> => {
    const answer = vault.state.signIn({ forceLogin: false, account });
    const address = await vault.nextUrl();
    await provider.browse(address);
    await answer;
    return new URL(address).searchParams;
  };

  it('step-up (RFC 9470): waits, is carried by the next sign-in, and then serves', async () => {
    provider.bend({
      issuer: ({ asked }) =>
        asked.get('acr_values') === 'mfa'
          ? undefined
          : unauthorized('Bearer error="insufficient_user_authentication", acr_values="mfa", max_age="60"'),
    });
    const vault = start();
    expect((await signIn(vault)).has('acr_values')).toBe(false);
    const { credential, revoked } = vault.attach();
    expect((await faultOf(credential())).code).toBe('reauthentication_required');
    expect((await faultOf(credential())).code).toBe('reauthentication_required');
    expect([vault.state.status().waiting, vault.urls, revoked]).toEqual([['postgres'], [], []]);
    expect(vault.started).toEqual(['sign-in', 'issue-postgres']);
    expect(vault.records.at(-1)?.what).toBe('reauthentication-required');
    const asked = await signIn(vault);
    expect([asked.get('acr_values'), asked.get('max_age')]).toEqual(['mfa', '60']);
    await expect(credential()).resolves.toMatchObject({ role: 'r' });
    expect((await signIn(vault)).has('acr_values')).toBe(false);
  });

  it('a claims challenge: carried as `claims`; one that comes back at once is not_permitted, and nobody is asked again', async () => {
    provider.bend({ issuer: () => insufficientClaims(acrs) });
    const vault = start();
    await signIn(vault);
    const { credential } = vault.attach();
    expect((await faultOf(credential())).code).toBe('reauthentication_required');
    const asked = await signIn(vault);
    expect(claimsOf({ asked, at: 0 }).access_token?.acrs).toEqual(acrs.access_token.acrs);
    expect((await faultOf(credential())).code).toBe('not_permitted');
    expect((await faultOf(credential())).code).toBe('not_permitted');
    expect([vault.state.status().waiting, vault.urls]).toEqual([[], []]);
    expect((await signIn(vault)).get('claims') ?? '').not.toContain('acrs');
  });

  it('tokens of before count no more (CAE): access ends at once, the next sign-in carries it', async () => {
    const revokedAt = Date.now();
    const nbf = { access_token: { nbf: { essential: true, value: String(Math.floor(revokedAt / 1000)) } } };
    const vault = start();
    await signIn(vault);
    const { credential, revoked } = vault.attach();
    await credential();
    const from = Date.now() + 1;
    provider.bend({ issuer: ({ at }) => (at >= from ? undefined : insufficientClaims(nbf)) });
    expect((await faultOf(credential())).code).toBe('access_ended');
    expect([vault.state.status().principal, revoked]).toEqual([null, ['access_ended']]);
    expect(vault.secrets.filter(({ wiped }) => !wiped)).toEqual([]);
    expect(vault.records.at(-1)).toMatchObject({ what: 'access-ended' });
    expect((await faultOf(credential())).code).toBe('not_signed_in');
    const asked = await signIn(vault);
    expect(asked.get('claims')).toContain('nbf');
    await expect(credential()).resolves.toMatchObject({ role: 'r' });
  });

  it('a sign-in that is not as new as asked is refused', async () => {
    provider.bend({ issuer: () => unauthorized('Bearer error="insufficient_user_authentication", max_age="60"') });
    const vault = start();
    await signIn(vault);
    await faultOf(vault.attach().credential());
    provider.bend({ claims: { auth_time: Math.floor(Date.now() / 1000) - 3600 } });
    const refused = faultOf(vault.state.signIn({ forceLogin: false }));
    await provider.browse(await vault.nextUrl());
    expect((await refused).message).toContain('(auth_time)');
  });

  it('what a service asks of one account is not told to the provider of another', async () => {
    const vault = start({ ...provider.config, accounts: { work: { loginHint: 'p@work.example' } } });
    await signIn(vault);
    provider.bend({ issuer: () => insufficientClaims(acrs) });
    expect((await faultOf(vault.attach().credential())).code).toBe('reauthentication_required');
    expect((await signIn(vault, 'work')).get('claims') ?? '').not.toContain('acrs');
    expect((await signIn(vault)).get('claims') ?? '').not.toContain('acrs');
  });

  it('several accounts: one at a time, each with its own hint; a switch asks for the password and wipes all', async () => {
    const vault = start({
      ...provider.config,
      accounts: { work: { loginHint: 'p@work.example', scopes: ['openid', 'issue', 'more'] } },
    });
    await signIn(vault);
    const { credential, revoked } = vault.attach();
    await credential();
    const before = [...vault.secrets];
    const asked = await signIn(vault, 'work');
    expect([asked.get('login_hint'), asked.get('prompt')]).toEqual(['p@work.example', 'login']);
    expect(asked.get('scope')?.split(' ')).toContain('more');
    // The same person by another account is another access.
    expect(revoked).toEqual(['person_changed']);
    expect(before.every(({ wiped }) => wiped)).toBe(true);
    // Who is signed in signs in again by the same account.
    expect((await signIn(vault)).get('login_hint')).toBe('p@work.example');
    vault.state.signOut();
    expect((await signIn(vault)).has('login_hint')).toBe(false);
    expect((await faultOf(vault.state.signIn({ forceLogin: false, account: 'nobody' }))).code).toBe('malformed');
    expect(vault.state.status().principal).not.toBeNull();
  });
});
