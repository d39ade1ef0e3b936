/** Our `entra` exchanges in MSAL's own mode, against an authority shaped as Microsoft's documents say; Entra itself is not verified here. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityConfigSchema, type IdentityConfig } from '../../main/contract/config.ts';
import { refresh } from '../../main/identity/refresh.ts';
import { ProviderRefusal } from '../../main/identity/provider-refusal.ts';
import { signIn, type SignInRequest } from '../../main/identity/sign-in.ts';
import { createHttpsDialler } from '../../main/outbound/https-request.ts';
import type { EntraErrorName } from '../lab/entra-documents.ts';
import { entraApi, entraPerson, entraTenant } from '../lab/entra-grants.ts';
import { startEntraShaped, type EntraShaped } from '../lab/entra-shaped.ts';
import { faultOf, startVaultInProcess } from './vault-in-process.ts';

let entra: EntraShaped;
let identity: IdentityConfig;
beforeAll(async () => {
  entra = await startEntraShaped();
  identity = identityConfigSchema.parse(entra.config);
});
beforeEach(() => {
  for (const member of Object.keys(entra.state)) Reflect.deleteProperty(entra.state, member);
  entra.requests.length = 0;
});
afterAll(() => {
  entra.close();
});

const dial = () => createHttpsDialler({ authorities: [entra.certificate] });
const signInNow = (more: Partial<SignInRequest> = {}) =>
  signIn({ identity, forceLogin: false, openUrl: (url) => void entra.browse(url), ...more }, dial());
const refreshed = async (request: Parameters<typeof refresh>[0]) => {
  const renewed = await refresh(request, dial());
  if ('challenge' in renewed) throw new Error('it asks for another sign-in');
  return renewed;
};
const lastOf = (path: string) => entra.requests.findLast((request) => request.path.endsWith(path))?.form;
const payloadOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const reasonOf = (fault: unknown) => (fault instanceof ProviderRefusal ? fault.reason : undefined);
const accessTokenClaims = (form: URLSearchParams | undefined) =>
  (JSON.parse(form?.get('claims') ?? '{}') as { access_token?: unknown }).access_token;

describe('sign-in and refresh', () => {
  it('form_post to the loopback, PKCE, cp1, a validated ID token; a refresh rotates', async () => {
    const first = await signInNow();
    const asked = lastOf('/authorize');
    expect(asked?.get('response_mode')).toBe('form_post');
    expect(asked?.get('code_challenge_method')).toBe('S256');
    expect(asked?.get('redirect_uri')).toMatch(/^http:\/\/localhost:\d+\/?$/);
    expect(first.principal).toMatchObject({
      tenant: entraTenant,
      username: entraPerson.upn,
      displayName: entraPerson.name,
      groups: ['group-0', 'group-1'],
    });
    expect(first.principal.groupsOverage).toBeUndefined();
    expect(first.scopes).toContain(`${entraApi}/read`);
    expect(payloadOf(first.accessToken)).toMatchObject({ aud: entraApi, xms_cc: ['cp1'] });
    const { scopes } = identity;
    const second = await refreshed({ identity, scopes, refreshToken: first.refreshToken });
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(second.principal?.subject).toBe(first.principal.subject);
    expect(payloadOf(second.accessToken)).toMatchObject({ xms_cc: ['cp1'] });
    // The rotated one is dead: whoever kept a copy has nothing.
    const again = await faultOf(refresh({ identity, scopes, refreshToken: first.refreshToken }, dial()));
    expect(again.code).toBe('access_ended');
  });

  it('a challenge is carried as `claims`, beside cp1', async () => {
    await signInNow({ challenge: { claims: '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}' } });
    expect(accessTokenClaims(lastOf('/authorize'))).toEqual({
      acrs: { essential: true, value: 'c1' },
      xms_cc: { values: ['cp1'] },
    });
  });

  it('too many groups for a token are marked as such', async () => {
    entra.state.groups = 201;
    expect((await signInNow()).principal).toMatchObject({ groups: [], groupsOverage: true });
  });
});

describe('another tenant', () => {
  const other = '99999999-2222-3333-4444-555555555555';

  it('that signs is refused', async () => {
    const authority = identity.authority.replace(entraTenant, other);
    entra.state.claims = { iss: `${authority}/v2.0`, tid: other };
    expect(await faultOf(signInNow())).toMatchObject({
      code: 'identity_unavailable',
      message: expect.stringContaining('(iss)') as string,
    });
  });

  it('that the claims name beside the right issuer is refused', async () => {
    entra.state.claims = { tid: other };
    expect(await faultOf(signInNow())).toMatchObject({
      code: 'identity_unavailable',
      message: expect.stringContaining('(tid)') as string,
    });
  });

  it('that the configuration names has no authority here', async () => {
    const elsewhere = { ...identity, authority: identity.authority.replace(entraTenant, other) };
    expect((await faultOf(signInNow({ identity: elsewhere }))).code).toBe('identity_unavailable');
    expect(lastOf('/authorize')).toBeUndefined();
  });
});

interface Refused {
  readonly error: EntraErrorName;
  readonly atSignIn: string;
  readonly atRefresh: string;
  readonly says: RegExp;
  readonly reason: string;
}

describe('its error numbers', () => {
  it.each<Refused>([
    {
      error: 'disabled',
      atSignIn: 'not_permitted',
      atRefresh: 'access_ended',
      says: /^This account is disabled\..*\(AADSTS50057\)$/,
      reason: 'AADSTS50057: The user account is disabled.',
    },
    {
      error: 'network',
      atSignIn: 'not_permitted',
      atRefresh: 'not_permitted',
      says: /Use a network and a device that it allows, then sign in again\. \(AADSTS53003\)$/,
      reason: 'AADSTS53003: Access has been blocked by Conditional Access policies.',
    },
    {
      error: 'factor',
      atSignIn: 'reauthentication_required',
      atRefresh: 'reauthentication_required',
      says: /second factor.*\(AADSTS50076\)$/,
      reason: 'AADSTS50076: You must use multi-factor authentication to access this resource.',
    },
    {
      error: 'dulled',
      atSignIn: 'not_signed_in',
      atRefresh: 'access_ended',
      says: /\(invalid_grant\)/,
      reason: 'AADSTS700082: The refresh token has expired due to inactivity.',
    },
    {
      error: 'unlisted',
      atSignIn: 'not_permitted',
      atRefresh: 'not_permitted',
      says: /\(invalid_client\)/,
      reason: 'AADSTS7999999: Something that nobody listed.',
    },
  ])('$error: $atSignIn at a sign-in, $atRefresh at a refresh', async (expected) => {
    const { error, atSignIn, atRefresh, says, reason } = expected;
    const { refreshToken } = await signInNow();
    entra.state.refuses = error;
    const work = [signInNow(), refresh({ identity, scopes: identity.scopes, refreshToken }, dial())];
    const [first, second] = await Promise.all(work.map(faultOf));
    expect([first?.code, second?.code]).toEqual([atSignIn, atRefresh]);
    for (const fault of [first, second]) {
      expect(fault?.message).toMatch(says);
      expect(reasonOf(fault)).toBe(reason);
    }
  });

  it('with claims, at a refresh: they are a challenge, which the next sign-in carries', async () => {
    const { refreshToken } = await signInNow();
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c2"}}}';
    entra.state.refuses = 'factor';
    entra.state.refusesWithClaims = claims;
    expect(await refresh({ identity, scopes: identity.scopes, refreshToken }, dial())).toEqual({
      challenge: { claims },
    });
    entra.state.refusesWithClaims = 'no JSON';
    expect((await faultOf(refresh({ identity, scopes: identity.scopes, refreshToken }, dial()))).code).toBe(
      'reauthentication_required',
    );
  });

  it('in what the browser brings back', async () => {
    entra.state.denies = 'declined';
    const fault = await faultOf(signInNow());
    expect([fault.code, reasonOf(fault)]).toEqual([
      'not_permitted',
      'AADSTS65004: User declined to consent to access the app.',
    ]);
    expect(entra.requests.some(({ path }) => path.endsWith('/token'))).toBe(false);
  });
});

describe('through the vault', () => {
  const scope = `${entraApi}/read`;
  const start = () => startVaultInProcess({ identity, certificate: entra.certificate, issuer: entra.apiUrl, scope });
  const enter = async (vault: ReturnType<typeof start>) => {
    const answer = vault.state.signIn({ forceLogin: false });
    await entra.browse(await vault.nextUrl());
    await answer;
  };

  it('a claims challenge of the API (CAE) ends access at once; the next sign-in carries it and serves', async () => {
    const vault = start();
    await enter(vault);
    const { credential, revoked } = vault.attach();
    await expect(credential()).resolves.toMatchObject({ role: 'ada' });
    const issuedAt = Math.floor(Date.now() / 1000);
    entra.state.revokedAt = issuedAt + 1;
    expect((await faultOf(credential())).code).toBe('access_ended');
    expect([vault.state.status().principal, revoked]).toEqual([null, ['access_ended']]);
    // The API's clock, not ours: a token of the second of the event counts.
    entra.state.revokedAt = issuedAt;
    await enter(vault);
    expect(accessTokenClaims(lastOf('/authorize'))).toEqual({
      nbf: { essential: true, value: String(issuedAt + 1) },
      xms_cc: { values: ['cp1'] },
    });
    await expect(credential()).resolves.toMatchObject({ role: 'ada' });
  });

  it.each([
    ['disabled', 'access_ended'],
    ['network', 'not_permitted'],
    ['factor', 'reauthentication_required'],
  ] as const)('a refresh refused as %s ends access, is %s, and is not tried again', async (error, code) => {
    entra.state.seconds = 30;
    const vault = start();
    await enter(vault);
    const { credential, revoked } = vault.attach();
    entra.state.refuses = error;
    expect((await faultOf(credential())).code).toBe(code);
    expect([vault.state.status().principal, revoked]).toEqual([null, ['access_ended']]);
    expect(vault.secrets.filter(({ wiped }) => !wiped)).toEqual([]);
    expect((await faultOf(credential())).code).toBe('not_signed_in');
    expect(vault.started).toEqual(['sign-in', 'refresh']);
  });
});
