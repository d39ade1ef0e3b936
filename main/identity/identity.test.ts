import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { destinationConfigSchema, type IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import { isConfiguredIssuer, isSignInUrl } from './configured-issuer.ts';
import { createCredentials, type CredentialDeps } from './credentials.ts';
import { discover, type HttpsAnswer } from './discovery.ts';
import { issuePostgres } from './issue-postgres.ts';
import { createRevalidation } from './revalidation.ts';
import { createSession } from './session.ts';

const identity: IdentityConfig = {
  kind: 'oidc',
  authority: 'https://provider.example',
  clientId: 'client',
  scopes: ['openid', 'issue'],
  policyWindowMinutes: 15,
  signInTimeoutMinutes: 10,
};
const entra = (authority: string): IdentityConfig => ({ ...identity, kind: 'entra', authority });
const tenant = '11111111-2222-3333-4444-555555555555';
const other = '99999999-2222-3333-4444-555555555555';

const codeOf = (code: string): unknown => expect.objectContaining({ code });
const answers = (status: number, body: unknown) => (): Promise<HttpsAnswer> =>
  Promise.resolve({ status, headers: {}, body: JSON.stringify(body) });

function fakeSecret(): Secret {
  let wiped = false;
  return {
    length: 8,
    use: (read) => read(Buffer.from('password')),
    useAsync: (read) => read(Buffer.from('password')),
    wipe: () => {
      wiped = true;
    },
    get wiped() {
      return wiped;
    },
  };
}

describe('configured issuer', () => {
  it.each([
    [identity, 'https://provider.example', true],
    [identity, 'https://provider.example/', true],
    [identity, 'https://provider.example/other', false],
    [identity, 'https://provider.example.evil.example', false],
    [entra(`https://login.example/${tenant}`), `https://login.example/${tenant}/v2.0`, true],
    [entra(`https://login.example/${tenant}`), `https://login.example/${other}/v2.0`, false],
    [entra('https://login.example/contoso.example'), `https://login.example/${other}/v2.0`, true],
    [entra('https://login.example/contoso.example'), `http://login.example/${other}/v2.0`, false],
    [entra('https://login.example/contoso.example'), `https://evil.example/${other}/v2.0`, false],
    [entra('https://login.example/contoso.example'), 'not a url', false],
  ])('%o accepts %s: %s', (config, issuer, accepted) => {
    expect(isConfiguredIssuer(config, issuer)).toBe(accepted);
  });

  it.each([
    ['https://provider.example/authorize?x=1', true],
    ['http://provider.example/authorize', false],
    ['https://provider.example:444/authorize', false],
    ['https://user@provider.example/authorize', false],
    ['https://provider.example.evil.example/', false],
    ['javascript:alert(1)', false],
    ['file:///etc/passwd', false],
  ])('sign-in at %s: %s', (url, shown) => {
    expect(isSignInUrl(identity, url)).toBe(shown);
  });
});

describe('discovery', () => {
  const document = {
    issuer: 'https://provider.example',
    authorization_endpoint: 'https://provider.example/authorize',
    token_endpoint: 'https://tokens.example/token',
    jwks_uri: 'https://keys.example/jwks',
  };
  it('dials the authority first, then only what its document names', async () => {
    const dialled: (readonly string[])[] = [];
    await discover(identity, (origins) => {
      dialled.push(origins);
      return answers(200, document);
    });
    expect(dialled).toEqual([
      ['https://provider.example'],
      ['https://provider.example', 'https://tokens.example', 'https://keys.example'],
    ]);
  });

  it.each([
    ['another issuer', { ...document, issuer: 'https://evil.example' }, 'destination_not_allowed'],
    [
      'a sign-in page elsewhere',
      { ...document, authorization_endpoint: 'https://evil.example/a' },
      'destination_not_allowed',
    ],
    [
      'an endpoint without TLS',
      { ...document, token_endpoint: 'http://provider.example/token' },
      'identity_unavailable',
    ],
    ['nothing of the kind', {}, 'identity_unavailable'],
  ])('refuses %s', async (_, found, code) => {
    await expect(discover(identity, () => answers(200, found))).rejects.toThrow(codeOf(code));
  });
});

describe('issuing a login', () => {
  const login = { role: 'r', password: 'p'.repeat(16), expiresAt: Date.now() + 600_000 };
  const issue = (status: number, body: unknown) =>
    issuePostgres({ url: 'https://issuer.example/c', accessToken: 't' }, answers(status, body));

  it('takes one of at most 60 minutes', async () => {
    await expect(issue(201, login)).resolves.toEqual(login);
  });
  it.each([
    [401, {}, 'reauthentication_required'],
    [403, {}, 'not_permitted'],
    [302, login, 'backend_refused'],
    [503, {}, 'backend_refused'],
    [201, { ...login, expiresAt: Date.now() + 2 * 3_600_000 }, 'backend_refused'],
    [201, { ...login, expiresAt: Date.now() - 1 }, 'backend_refused'],
    [201, { ...login, password: 'short' }, 'backend_refused'],
    [201, { ...login, extra: 1 }, 'backend_refused'],
  ])('answers HTTP %d %j as %s', async (status, body, code) => {
    await expect(issue(status, body)).rejects.toThrow(codeOf(code));
  });
});

describe('session', () => {
  const principal = {
    subject: 's',
    issuer: 'https://provider.example',
    username: 'u',
    displayName: 'U',
    groups: [],
    roles: [],
    authenticationMethods: [],
    authenticatedAt: 0,
  };
  const claims = { principal, audience: 'client', accessTokenExpiresAt: 1_000_000, scopes: ['issue'] };

  it('keeps an access token while it has a minute left, and wipes what a refresh replaces', () => {
    const [access, refresh, newAccess, newRefresh] = [fakeSecret(), fakeSecret(), fakeSecret(), fakeSecret()];
    const session = createSession({ identity, claims, tokens: [access, refresh], nowMs: 0 });
    expect(session.validUntil).toBe(15 * 60_000);
    expect(session.accessToken('issue', 940_000)).toBe(access);
    expect(session.accessToken('issue', 940_001)).toBeUndefined();
    expect(session.accessToken('other', 0)).toBeUndefined();
    session.renew({ ...claims, principal: undefined }, [newAccess, newRefresh], 1000);
    expect([access.wiped, refresh.wiped, newAccess.wiped]).toEqual([true, true, false]);
    session.wipe();
    expect([newAccess.wiped, newRefresh.wiped]).toEqual([true, true]);
  });

  it('gives a connector what the last refresh brought, never a token from before that reaches further', () => {
    const [broad, narrow] = [fakeSecret(), fakeSecret()];
    const both = { ...claims, scopes: ['issue', 'orders'] };
    const session = createSession({ identity, claims: both, tokens: [broad, fakeSecret()], nowMs: 0 });
    session.renew({ ...claims, scopes: ['orders'] }, [narrow, fakeSecret()], 0);
    expect(session.takeNewest('orders', 0)?.token).toBe(narrow);
    session.renew({ ...claims, scopes: ['elsewhere'] }, [fakeSecret(), fakeSecret()], 0);
    expect(session.takeNewest('orders', 0)).toBeUndefined();
    expect(session.accessToken('issue', 0)).toBe(broad);
  });

  it.each([
    ['another client', { ...claims, audience: 'other' }],
    ['another issuer', { ...claims, principal: { ...principal, issuer: 'https://evil.example' } }],
  ])('refuses %s and wipes what came', (_, odd) => {
    const tokens = [fakeSecret(), fakeSecret()];
    expect(() => createSession({ identity, claims: odd, tokens, nowMs: 0 })).toThrow(codeOf('identity_unavailable'));
    expect(tokens.every(({ wiped }) => wiped)).toBe(true);
  });

  it('refuses a refresh that answers for another person', () => {
    const session = createSession({ identity, claims, tokens: [fakeSecret(), fakeSecret()], nowMs: 0 });
    const stranger = { ...claims, principal: { ...principal, subject: 'x' } };
    expect(() => {
      session.renew(stranger, [fakeSecret(), fakeSecret()], 0);
    }).toThrow(codeOf('access_ended'));
    expect(session.principal.subject).toBe('s');
  });
});

describe('re-validation', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const start = (confirm: () => Promise<boolean>, expired = vi.fn()) => {
    const revalidation = createRevalidation({ confirm, expired, now: Date.now, random: () => 1 });
    revalidation.confirmed(900_000);
    return { revalidation, expired };
  };

  it('asks at two thirds of the window, again and again while nobody answers, and then ends access', async () => {
    const confirm = vi.fn(() => Promise.resolve(false));
    const { expired } = start(confirm);
    await vi.advanceTimersByTimeAsync(599_999);
    expect(confirm).toHaveBeenCalledTimes(0);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(confirm.mock.calls.length).toBeGreaterThan(5);
    expect(expired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(expired).toHaveBeenCalledTimes(1);
  });

  it('asks nothing more once stopped', async () => {
    const confirm = vi.fn(() => Promise.resolve(false));
    const { revalidation, expired } = start(confirm);
    revalidation.stop();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(confirm).not.toHaveBeenCalled();
    expect(expired).not.toHaveBeenCalled();
  });
});

describe('credentials', () => {
  const destination = destinationConfigSchema.parse({
    host: 'h',
    port: 1,
    database: 'd',
    issuer: { url: 'https://issuer.example', scope: 'issue' },
  });
  function desks(over: Partial<CredentialDeps> = {}) {
    const waitingChanged = vi.fn();
    const credentials = createCredentials({
      destination: (connector, name) => (connector === 'postgres' && name === 'database' ? destination : undefined),
      issue: () => Promise.resolve({ subject: 's', role: 'r', expiresAt: 1, password: fakeSecret() }),
      challenged: () => new Fault('reauthentication_required', 'x'),
      sealTo: () => Buffer.from('sealed'),
      signedIn: () => true,
      reaches: (connector) => connector === 'postgres',
      issued: vi.fn(),
      waitingChanged,
      ...over,
    });
    return { credentials, waitingChanged };
  }
  const key = Buffer.alloc(32, 1);

  it('wipes the password after sealing it', async () => {
    const password = fakeSecret();
    const { credentials } = desks({
      issue: () => Promise.resolve({ subject: 's', role: 'r', expiresAt: 1, password }),
    });
    const desk = credentials.attach('postgres', vi.fn());
    desk.hello(key);
    await expect(desk.credential('database')).resolves.toMatchObject({
      role: 'r',
      sealed: Buffer.from('sealed').toString('base64'),
    });
    expect(password.wiped).toBe(true);
  });

  it('has one that is restarted wait, where it has a destination', () => {
    const { credentials } = desks();
    for (const connector of ['postgres', 'postgres', 'notes', 'notes']) credentials.attach(connector, vi.fn());
    expect(credentials.waiting()).toEqual(['postgres']);
  });

  it('marks a connector as waiting when the issuer wants a fresh authentication', async () => {
    const { credentials, waitingChanged } = desks({
      issue: () => Promise.reject(new Fault('reauthentication_required', 'x')),
    });
    const desk = credentials.attach('postgres', vi.fn());
    desk.hello(key);
    await expect(desk.credential('database')).rejects.toThrow(codeOf('reauthentication_required'));
    expect(credentials.waiting()).toEqual(['postgres']);
    expect(waitingChanged).toHaveBeenCalledTimes(1);
    credentials.authenticated();
    expect(credentials.waiting()).toEqual([]);
  });

  it('gives nothing to an end that was replaced while its login was being issued', async () => {
    const gate = Promise.withResolvers<undefined>();
    const password = fakeSecret();
    const { credentials } = desks({
      issue: async () => {
        await gate.promise;
        return { subject: 's', role: 'r', expiresAt: 1, password };
      },
    });
    const desk = credentials.attach('postgres', vi.fn());
    desk.hello(key);
    const asked = desk.credential('database');
    credentials.attach('postgres', vi.fn());
    gate.resolve(undefined);
    await expect(asked).rejects.toThrow(codeOf('reauthentication_required'));
    expect(password.wiped).toBe(true);
  });
});
