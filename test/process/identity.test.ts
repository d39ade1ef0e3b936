import http from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { codeOf, startVault, until, type VaultSettings, type VaultUnderTest } from './vault-under-test.ts';

let lab: RunningLab;
const vaults: VaultUnderTest[] = [];

beforeAll(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await Promise.all(vaults.splice(0).map((vault) => vault.stop()));
});
afterAll(async () => {
  await lab.stop();
});

async function vaultOf(identity: VaultSettings['identity'] = {}): Promise<VaultUnderTest> {
  const vault = await startVault({ config: lab.config, identity });
  vaults.push(vault);
  return vault;
}

const longMs = { timeoutMs: 60_000 };

async function signIn(vault: VaultUnderTest, user: string) {
  const answer = vault.shell.request('sign-in', { forceLogin: false }, longMs);
  answer.catch(() => undefined);
  const driven = await lab.signInDriver(await vault.nextUrl(), user);
  expect(driven).toEqual({ done: true });
  return (await answer).principal;
}

describe('sign-in', () => {
  it.each([
    ['alice', 'analyst', ['pwd']],
    ['bob', 'support', ['pwd']],
    ['carol', 'admin', ['pwd', 'otp', 'mfa']],
  ])('signs %s in through the real form, with role %s', async (user, role, methods) => {
    const vault = await vaultOf();
    const principal = await signIn(vault, user);
    expect(principal).toMatchObject({
      username: user,
      roles: [role],
      authenticationMethods: methods,
      issuer: lab.config.identity.authority,
    });
    await until(() => vault.identities.some(({ principal: told }) => told?.username === user));
    expect(vault.records.map((record) => (record.event === 'lifecycle' ? record.what : record.event))).toEqual([
      'signed-in',
    ]);
    // The first poll of events, too, ends by itself.
    await until(async () => (await vault.shell.request('status', {})).exchanges.length === 0);
  });

  it('asks with PKCE S256, state and nonce, of the configured authority only', async () => {
    const vault = await vaultOf();
    const answer = codeOf(vault.shell.request('sign-in', { forceLogin: true }, longMs));
    const url = new URL(await vault.nextUrl());
    expect(url.origin).toBe(new URL(lab.config.identity.authority).origin);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      prompt: 'login',
    });
    expect(url.searchParams.get('nonce')).toMatch(/^[\w-]{43}$/);
    expect(url.searchParams.get('state')).not.toBeNull();
    expect(url.searchParams.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    await vault.shell.request('cancel-sign-in', {});
    expect(await answer).toBe('not_signed_in');
  });

  it('refuses mallory in the provider’s words; the sign-in then ends as not_permitted', async () => {
    const vault = await vaultOf();
    const answer = codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
    const url = await vault.nextUrl();
    expect(await lab.signInDriver(url, 'mallory')).toEqual({
      refused: 'This account is disabled. Ask your administrator to enable it.',
    });
    // The person gives up: the provider sends access_denied to the loopback redirect.
    const { searchParams } = new URL(url);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: 'The person cancelled the sign-in.',
      state: searchParams.get('state') ?? '',
      iss: lab.config.identity.authority,
    }).toString();
    await fetch(back);
    expect(await answer).toBe('not_permitted');
    expect(vault.said).toEqual(['The person cancelled the sign-in.']);
    expect((await vault.shell.request('status', {})).principal).toBeNull();
    expect(vault.records).toMatchObject([{ what: 'sign-in-failed', detail: 'not_permitted' }]);
  });

  it('takes one answer from the browser, at its own address, and shuts the door behind it', async () => {
    const vault = await vaultOf();
    const answer = codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
    const { searchParams } = new URL(await vault.nextUrl());
    const redirect = searchParams.get('redirect_uri') ?? '';
    const port = Number(new URL(redirect).port);
    const request = (options: http.RequestOptions) =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = http.request({ host: '127.0.0.1', port, path: '/callback?code=x', ...options }, (res) => {
          res.resume();
          resolve(res.statusCode);
        });
        asked.once('error', reject).end();
      });
    expect(await request({ headers: { host: `rebound.example:${port}` } })).toBe(400);
    expect(await request({ path: '/other' })).toBe(404);
    expect(await request({ method: 'POST' })).toBe(405);
    await expect(request({ path: `/callback?${'x'.repeat(20_000)}` })).resolves.toBe(431);
    expect((await vault.shell.request('status', {})).exchanges).toHaveLength(1);
    expect(await request({ path: '/callback?code=x&state=forged' })).toBe(200);
    expect(await answer).toBe('identity_unavailable');
    await expect(fetch(redirect)).rejects.toThrow();
    expect(vault.records).toMatchObject([{ what: 'sign-in-failed' }]);
  });

  it('ends by cancel, by time-out, and by a newer sign-in, and no exchange process stays', async () => {
    const vault = await vaultOf({ signInTimeoutMinutes: 0.1 });
    const first = codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
    await vault.nextUrl();
    const second = codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
    expect(await first).toBe('not_signed_in');
    const { exchanges } = await vault.shell.request('status', {});
    expect(exchanges).toHaveLength(1);
    expect(await second).toBe('not_signed_in');
    for (const pid of exchanges) await until(() => !isAlive(pid));
    expect((await vault.shell.request('status', {})).exchanges).toEqual([]);
  });

  it('says backend_unreachable or backend_certificate when the provider is not reached or not trusted', async () => {
    const unreachable = await vaultOf({ authority: 'https://localhost:1' });
    expect(await codeOf(unreachable.shell.request('sign-in', { forceLogin: false }, longMs))).toBe(
      'backend_unreachable',
    );
    const config = { ...lab.config, egress: { authorities: [] } };
    const untrusting = await startVault({ config });
    vaults.push(untrusting);
    expect(await codeOf(untrusting.shell.request('sign-in', { forceLogin: false }, longMs))).toBe(
      'backend_certificate',
    );
  });
});

describe('credentials', () => {
  it('gives nobody’s login before a sign-in, then a sealed one of this person, and one only for concurrent requests', async () => {
    const vault = await vaultOf();
    const egress = await vault.attachEgress('postgres');
    await egress.hello();
    const ask = () => egress.channel.request('credential', { destination: 'database' }, longMs);
    expect(await codeOf(ask())).toBe('not_signed_in');
    const principal = await signIn(vault, 'alice');
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(one).toEqual(other);
    expect(one.subject).toBe(principal.subject);
    expect(one.expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
    expect(egress.open(one.sealed).length).toBeGreaterThanOrEqual(16);
    const issued = vault.records.filter(
      (record) => record.event === 'lifecycle' && record.what === 'credential-issued',
    );
    expect(issued).toHaveLength(1);
    expect(await codeOf(egress.channel.request('credential', { destination: 'other' }, longMs))).toBe(
      'destination_not_allowed',
    );
  });

  it('needs one browser round for the first connector, and none for the second, which gets a login of its own', async () => {
    const connectors = lab.config.connectors.flatMap((one) => [one, { ...one, name: 'second' }]);
    const vault = await startVault({ config: { ...lab.config, connectors } });
    vaults.push(vault);
    await signIn(vault, 'alice');
    const roles: string[] = [];
    for (const connector of ['postgres', 'second']) {
      const egress = await vault.attachEgress(connector);
      await egress.hello();
      roles.push((await egress.channel.request('credential', { destination: 'database' }, longMs)).role);
    }
    expect(new Set(roles).size).toBe(2);
    expect(vault.urlsWaiting()).toBe(0);
  });

  it('needs no second sign-in for a pair that comes back after the person signed in', async () => {
    const vault = await vaultOf();
    const before = await vault.attachEgress('postgres');
    await before.hello();
    await signIn(vault, 'alice');
    before.channel.close();
    await signIn(vault, 'alice');
    const later = await vault.attachEgress('postgres');
    await later.hello();
    expect((await later.channel.request('credential', { destination: 'database' }, longMs)).role).not.toBe('');
  });

  it('refuses before hello and after a second hello', async () => {
    const vault = await vaultOf();
    const egress = await vault.attachEgress('postgres');
    expect(await codeOf(egress.channel.request('credential', { destination: 'database' }))).toBe('malformed');
    await egress.hello();
    expect(await codeOf(egress.hello())).toBe('malformed');
  });

  it('lets a restarted pair wait for a new sign-in, and cuts the old end', async () => {
    const vault = await vaultOf();
    const before = await vault.attachEgress('postgres');
    await before.hello();
    await signIn(vault, 'alice');
    const restarted = await vault.attachEgress('postgres');
    await restarted.hello();
    const ask = () => restarted.channel.request('credential', { destination: 'database' }, longMs);
    expect(await codeOf(ask())).toBe('reauthentication_required');
    expect(await codeOf(before.channel.request('credential', { destination: 'database' }))).toBe(
      'reauthentication_required',
    );
    expect((await vault.shell.request('status', {})).waiting).toEqual(['postgres']);
    expect(vault.identities.at(-1)?.waiting).toEqual(['postgres']);
    await signIn(vault, 'alice');
    expect((await vault.shell.request('status', {})).waiting).toEqual([]);
    expect((await ask()).role).not.toBe('');
    expect(restarted.revoked).toEqual([]);
  });
});

describe('the end of access', () => {
  it('wipes and tells every egress worker at sign-out, and when another person signs in', async () => {
    const vault = await vaultOf();
    const egress = await vault.attachEgress('postgres');
    await egress.hello();
    await signIn(vault, 'alice');
    await signIn(vault, 'bob');
    expect(egress.revoked).toEqual(['person_changed']);
    await vault.shell.request('sign-out', {});
    await until(() => egress.revoked.length === 2);
    expect(egress.revoked).toEqual(['person_changed', 'signed_out']);
    expect(await codeOf(egress.channel.request('credential', { destination: 'database' }))).toBe('not_signed_in');
    expect((await vault.shell.request('status', {})).principal).toBeNull();
  });

  it('lets no browser session bring the person back after a sign-out, whatever the caller asks for', async () => {
    const vault = await vaultOf();
    const promptOf = async (): Promise<string | null> => {
      const answer = codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
      const { searchParams } = new URL(await vault.nextUrl());
      await vault.shell.request('cancel-sign-in', {});
      expect(await answer).toBe('not_signed_in');
      return searchParams.get('prompt');
    };
    await signIn(vault, 'alice');
    expect(await promptOf()).not.toBe('login');
    await vault.shell.request('sign-out', {});
    expect(await promptOf()).toBe('login');
    // Still: the one before was not completed.
    await signIn(vault, 'alice');
    expect(await promptOf()).not.toBe('login');
  });

  it('refreshes within the window, and ends access after the person was disabled', async () => {
    const vault = await vaultOf({ policyWindowMinutes: 0.12 });
    const egress = await vault.attachEgress('postgres');
    await egress.hello();
    await signIn(vault, 'bob');
    const { validUntil } = await vault.shell.request('status', {});
    await until(async () => ((await vault.shell.request('status', {})).validUntil ?? 0) > (validUntil ?? 0));
    await lab.disable('bob');
    try {
      await until(() => egress.revoked.length > 0);
      expect(egress.revoked).toEqual(['access_ended']);
      expect((await vault.shell.request('status', {})).principal).toBeNull();
      expect(vault.records.at(-1)).toMatchObject({ what: 'access-ended', person: { username: 'bob' } });
    } finally {
      await lab.enable('bob');
    }
  });

  it('ends it from a network that is not listed, in the provider’s own words', async () => {
    const vault = await vaultOf({ policyWindowMinutes: 0.12 });
    await signIn(vault, 'alice');
    await lab.setNetworks(['192.0.2.0/24']);
    try {
      await until(async () => (await vault.shell.request('status', {})).ended !== null);
    } finally {
      await lab.setNetworks(['127.0.0.0/8']);
    }
    expect((await vault.shell.request('status', {})).ended).toBe('provider-refused');
    expect(vault.said).toEqual(['Your organization does not allow a sign-in from this network.']);
    expect(vault.urlsWaiting()).toBe(0);
  });

  it('ends with the gateway, and with the shell, and takes its exchange processes along', async () => {
    const vault = await vaultOf();
    void codeOf(vault.shell.request('sign-in', { forceLogin: false }, longMs));
    await vault.nextUrl();
    const { exchanges } = await vault.shell.request('status', {});
    vault.closeGateway();
    await vault.ended;
    for (const pid of exchanges) await until(() => !isAlive(pid));
    expect(exchanges).toHaveLength(1);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
