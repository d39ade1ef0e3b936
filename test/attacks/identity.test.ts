/** Hostile answers to a sign-in and a refresh, over real TLS, through both libraries: refused with a code, and on record. */
import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { IdentityConfig } from '../../main/contract/config.ts';
import { startHostileProvider, type Bent, type HostileProvider } from './hostile-provider.ts';
import { faultOf, startVaultInProcess, type VaultInProcess } from './vault-in-process.ts';

interface Case {
  readonly bent?: Bent;
  /** In place of the person's browser. */
  readonly browse?: (vault: VaultInProcess, provider: HostileProvider) => Promise<unknown>;
  readonly code: string;
  readonly says?: RegExp;
  readonly only?: IdentityConfig['kind'];
  readonly timeoutMs?: number;
}

const stranger = await generateKeyPair('ES256');
const nowSeconds = () => Math.floor(Date.now() / 1000);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const never = () => undefined;
const nowhere = () => Promise.resolve();

const cases: Readonly<Record<string, Case>> = {
  'a code of an earlier sign-in': {
    browse: async (vault, provider) => {
      const address = await vault.nextUrl();
      const asked = new URL(address).searchParams;
      const earlier = new URLSearchParams(asked);
      earlier.set('code_challenge', 'of-another-verifier');
      const back = provider.authorize(earlier);
      await provider.browse(address, back);
    },
    code: 'not_signed_in',
    says: /invalid_grant/,
  },
  'a wrong state': {
    bent: { redirect: (back) => back.set('state', 'x') },
    code: 'identity_unavailable',
    says: /\(state\)/,
    only: 'oidc',
  },
  'no state': {
    bent: { redirect: (back) => back.delete('state') },
    code: 'identity_unavailable',
    says: /\(state\)/,
    only: 'oidc',
  },
  // MSAL turns it away and goes on waiting: whoever forged it gained nothing, and the person's own answer, or the time-out, ends it.
  'a wrong state (MSAL)': {
    browse: async (vault, provider) => {
      const address = await vault.nextUrl();
      const back = provider.authorize(new URL(address).searchParams);
      back.set('state', 'x');
      expect(await provider.browse(address, back)).toBeGreaterThanOrEqual(400);
      vault.state.cancelSignIn();
    },
    code: 'not_signed_in',
    only: 'entra',
  },
  'a wrong nonce': { bent: { claims: { nonce: 'x' } }, code: 'identity_unavailable', says: /nonce/ },
  'an ID token that another key signed': {
    bent: { idToken: (claims) => signedBy(claims) },
    code: 'identity_unavailable',
    says: /\(signature\)/,
  },
  'an ID token that nobody signed': {
    bent: { idToken: (claims) => `${part({ alg: 'none' })}.${part(claims)}.` },
    code: 'identity_unavailable',
    says: /\(alg\)/,
  },
  'a key that is published no more': {
    bent: { at: { '/keys': () => ({ body: { keys: [] } }) } },
    code: 'identity_unavailable',
    says: /\(signature\)/,
  },
  'an ID token for another audience': {
    bent: { claims: { aud: 'other' } },
    code: 'identity_unavailable',
    says: /\(aud\)/,
  },
  'an ID token of another issuer': {
    bent: { claims: { iss: 'https://elsewhere.example' } },
    code: 'identity_unavailable',
    says: /\(iss\)/,
  },
  'an expired ID token': {
    bent: { claims: { iat: nowSeconds() - 7200, exp: nowSeconds() - 3600 } },
    code: 'identity_unavailable',
    says: /Set the clock/,
  },
  'an ID token of the future': {
    bent: { claims: { iat: nowSeconds() + 3600, exp: nowSeconds() + 7200 } },
    code: 'identity_unavailable',
    says: /Set the clock/,
  },
  'an answer of another issuer (mix-up)': {
    bent: { redirect: (back) => back.set('iss', 'https://elsewhere.example') },
    code: 'identity_unavailable',
    says: /\(iss\)/,
    only: 'oidc',
  },
  'an answer without the issuer that the provider promised': {
    bent: { redirect: (back) => back.delete('iss') },
    code: 'identity_unavailable',
    says: /\(iss\)/,
    only: 'oidc',
  },
  'a discovery document of another issuer': {
    bent: { discovery: { issuer: 'https://elsewhere.example' } },
    browse: nowhere,
    code: 'destination_not_allowed',
  },
  'a sign-in page without TLS': {
    bent: { discovery: { authorization_endpoint: 'http://localhost/authorize' } },
    browse: nowhere,
    code: 'identity_unavailable',
  },
  'a token endpoint without TLS': {
    bent: { discovery: { token_endpoint: 'http://localhost/token' } },
    browse: nowhere,
    code: 'identity_unavailable',
  },
  'a token endpoint that redirects to plain HTTP': {
    bent: { at: { '/token': () => ({ status: 307, headers: { location: 'http://localhost:1/token' } }) } },
    code: 'identity_unavailable',
  },
  'a token endpoint that never answers': {
    bent: { at: { '/token': never } },
    code: 'backend_unreachable',
    timeoutMs: 500,
  },
  'a token endpoint that answers without end': {
    bent: {
      at: {
        '/token': (_, res) => {
          const more = (): void => {
            while (!res.destroyed && res.write('x'.repeat(65_536)));
            if (!res.destroyed) res.once('drain', more);
          };
          res.writeHead(200, { 'content-type': 'application/json' });
          more();
          return undefined;
        },
      },
    },
    code: 'backend_refused',
  },
  'no ID token': { bent: { idToken: () => '' }, code: 'identity_unavailable' },
  'the provider’s no': {
    bent: {
      redirect: (back) => {
        back.delete('code');
        back.set('error', 'access_denied');
        back.set('error_description', 'Your device is not on the <b>company</b> network: see https://evil.example/x');
      },
    },
    code: 'not_permitted',
    says: /^(?!.*(company|evil)).*access_denied/,
  },
};
const signedBy = (claims: object) => signWith(claims);
let signWith: (claims: object) => Promise<string>;

describe.each(['oidc', 'entra'] as const)('%s: refused and on record', (kind) => {
  let provider: HostileProvider;
  beforeAll(async () => {
    provider = await startHostileProvider(kind);
    signWith = (claims) => provider.sign({ ...claims }, stranger.privateKey);
  });
  beforeEach(() => {
    signWith = (claims) => provider.sign({ ...claims }, stranger.privateKey);
    provider.bend({});
    provider.requests.length = 0;
  });
  afterAll(() => {
    provider.close();
  });
  const start = (timeoutMs?: number): VaultInProcess =>
    startVaultInProcess({
      identity: provider.config,
      certificate: provider.certificate,
      issuer: `${provider.url}/credentials`,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  const signIn = async (vault: VaultInProcess) => {
    const answer = vault.state.signIn({ forceLogin: false });
    answer.catch(() => undefined);
    await provider.browse(await vault.nextUrl());
    return answer;
  };

  it('but an honest answer signs in', async () => {
    const vault = start();
    await expect(signIn(vault)).resolves.toMatchObject({ subject: 'person', issuer: provider.issuer });
    expect(vault.records.map(({ what }) => what)).toEqual(['signed-in']);
  });

  it.each(Object.entries(cases).filter(([, { only }]) => (only ?? kind) === kind))('%s', async (_, each) => {
    const vault = start(each.timeoutMs);
    provider.bend(each.bent ?? {});
    const refused = faultOf(vault.state.signIn({ forceLogin: false }));
    if (each.browse === undefined) await provider.browse(await vault.nextUrl());
    else await each.browse(vault, provider);
    const { code, message } = await refused;
    expect({ code, message }).toMatchObject({ code: each.code, message: expect.stringMatching(each.says ?? /./) });
    expect(vault.state.status().principal).toBeNull();
    expect(vault.records).toEqual([{ what: 'sign-in-failed', detail: each.code }]);
    expect(vault.secrets.filter(({ wiped }) => !wiped)).toEqual([]);
    if (each === cases['the provider’s no'])
      expect(vault.said).toEqual(['Your device is not on the company network: see …']);
  });

  it('a redirect caught by another process: it lacks the verifier, which is in no address', async () => {
    const vault = start();
    const refused = faultOf(vault.state.signIn({ forceLogin: false }));
    const address = await vault.nextUrl();
    const asked = new URL(address).searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    const back = provider.authorize(asked);
    const stolen = { grant_type: 'authorization_code', code: back.get('code') ?? '', client_id: 'client' };
    const redirect_uri = asked.get('redirect_uri') ?? '';
    const tried = await vaultlessPost(provider, {
      ...stolen,
      redirect_uri,
      code_verifier: asked.get('code_challenge') ?? '',
    });
    expect(tried).toMatchObject({ error: 'invalid_grant' });
    // The code is used up: the person’s own sign-in fails too, and says so.
    await provider.browse(address, back);
    expect((await refused).code).toBe('not_signed_in');
    expect(vault.records).toEqual([{ what: 'sign-in-failed', detail: 'not_signed_in' }]);
  });

  it('a dead refresh token: everything wiped, one record, nobody asked in a loop', async () => {
    const vault = start();
    await signIn(vault);
    const { revoked, credential } = vault.attach();
    await credential();
    provider.bend({ at: { '/token': () => ({ status: 400, body: { error: 'invalid_grant' } }) } });
    // The access token is too old to use: the next call needs a refresh.
    const now = Date.now;
    Date.now = () => now() + 570_000;
    try {
      expect((await faultOf(credential())).code).toBe('access_ended');
    } finally {
      Date.now = now;
    }
    for (let again = 0; again < 3; again += 1) expect((await faultOf(credential())).code).toBe('not_signed_in');
    expect(vault.started).toEqual(['sign-in', 'issue-postgres', 'refresh']);
    expect([vault.urls, revoked]).toEqual([[], ['access_ended']]);
    expect(vault.secrets.every(({ wiped }) => wiped)).toBe(true);
    expect(vault.records.filter(({ what }) => what === 'access-ended')).toHaveLength(1);
  });
});

/** Dialled as any program of this user would. */
async function vaultlessPost({ certificate, url }: HostileProvider, form: Record<string, string>): Promise<unknown> {
  const { createHttpsDialler } = await import('../../main/outbound/https-request.ts');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(form).toString();
  const answer = await createHttpsDialler({ authorities: [certificate] })([url])({
    method: 'POST',
    url: `${url}/token`,
    headers,
    body,
  });
  return JSON.parse(answer.body);
}

describe('certificates', () => {
  it.each([
    [-10, /CERT_HAS_EXPIRED.*set the clock/],
    [10, /CERT_NOT_YET_VALID.*set the clock/],
  ])('made %d days from now are refused, and the clock is named', async (days, says) => {
    vi.useFakeTimers({ now: Date.now() + days * 86_400_000, toFake: ['Date'] });
    const other = await startHostileProvider('oidc').finally(() => vi.useRealTimers());
    try {
      const vault = startVaultInProcess({ identity: other.config, certificate: other.certificate, issuer: other.url });
      const { code, message } = await faultOf(vault.state.signIn({ forceLogin: false }));
      expect({ code, message }).toEqual({ code: 'backend_certificate', message: expect.stringMatching(says) });
    } finally {
      other.close();
    }
  });
});
