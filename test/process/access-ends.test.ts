/** What ends a person's access while they are signed in, in a real vault with real exchange processes. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTroubledProvider, type TroubledProvider } from './troubled-provider.ts';
import { codeOf, startVault, until, type EgressUnderTest, type VaultUnderTest } from './vault-under-test.ts';

let provider: TroubledProvider;
let vault: VaultUnderTest;
let egress: EgressUnderTest;
beforeAll(async () => {
  provider = await startTroubledProvider();
});
afterEach(async () => {
  provider.trouble = undefined;
  provider.disabled = false;
  await vault.stop();
});
afterAll(() => provider.stop());

const longMs = { timeoutMs: 60_000 };
const ask = (): Promise<{ role: string }> => egress.channel.request('credential', { destination: 'database' }, longMs);
const statusNow = () => vault.shell.request('status', {});
const recorded = (what: string): boolean =>
  vault.records.some((record) => record.event === 'lifecycle' && record.what === what);

async function signIn(): Promise<void> {
  const answer = vault.shell.request('sign-in', { forceLogin: false }, longMs);
  answer.catch(() => undefined);
  await provider.signIn(await vault.nextUrl());
  await answer;
}
/** @param window minutes; without security events where one is given */
async function signedIn(window?: number): Promise<void> {
  const { config } = provider;
  const { events: _, ...quiet } = config.identity;
  const identity = window === undefined ? config.identity : { ...quiet, policyWindowMinutes: window };
  vault = await startVault({ config: { ...config, identity } });
  egress = await vault.attachEgress('postgres');
  await egress.hello();
  await signIn();
  expect((await ask()).role).toBe('alice');
}
/** Nobody opened a browser: that takes the person's click. */
const noBrowser = (): void => expect(vault.urlsWaiting()).toBe(0);

describe('a security event', () => {
  it('ends access at once, and only the access of whom it is about', async () => {
    await signedIn();
    const others = await provider.emit('session-revoked', { subject: 'bob' });
    await until(() => provider.acknowledged.has(others));
    expect(egress.revoked).toEqual([]);
    expect((await ask()).role).toBe('alice');
    const own = await provider.emit('session-revoked');
    await until(() => egress.revoked.length > 0);
    expect(egress.revoked).toEqual(['access_ended']);
    expect(await codeOf(ask())).toBe('not_signed_in');
    expect(await statusNow()).toMatchObject({ principal: null, ended: 'session-revoked' });
    expect(recorded('security-event')).toBe(true);
    noBrowser();
    // The person comes back: the same event is acknowledged, and ends nothing more.
    await signIn();
    await until(() => provider.acknowledged.has(own));
    expect((await statusNow()).ended).toBeNull();
    expect((await ask()).role).toBe('alice');
  });

  it('that somebody forged ends nothing, and goes on record', async () => {
    await signedIn();
    const forged = await provider.emit('account-disabled', { forged: true });
    await until(() => provider.refused.has(forged));
    expect(provider.refused.get(forged)).toBe('authentication_failed');
    await until(() => recorded('security-event-refused'));
    expect((await ask()).role).toBe('alice');
    await provider.emit('account-disabled');
    await until(async () => (await statusNow()).ended === 'account-disabled');
    expect(egress.revoked).toEqual(['access_ended']);
  });
});

describe('a provider in trouble', () => {
  it.each([{ status: 503, retryAfter: '600' }, { status: 429 }])(
    'fails closed with a code, is not stormed, and ends access with the window: %j',
    async (trouble) => {
      await signedIn(0.1);
      provider.trouble = trouble;
      // The access token at hand is used up first.
      await until(async () => (await codeOf(ask())) === 'identity_unavailable');
      const before = provider.asked.length;
      const codes = new Set<unknown>();
      for (let call = 0; call < 30; call += 1) codes.add(await codeOf(ask()));
      expect(codes).toEqual(new Set(['identity_unavailable']));
      await until(() => egress.revoked.length > 0);
      expect(await statusNow()).toMatchObject({ principal: null, ended: 'not-confirmed' });
      // Thirty calls, and the rest of the window: with a named time none asked, else with a growing pause between.
      expect(provider.asked.length - before).toBeLessThanOrEqual(trouble.retryAfter === undefined ? 6 : 0);
      noBrowser();
    },
  );

  it('that comes back costs the person nothing', async () => {
    await signedIn(15);
    const { validUntil } = await statusNow();
    provider.trouble = { status: 500 };
    await until(async () => (await codeOf(ask())) === 'identity_unavailable');
    provider.trouble = undefined;
    await until(async () => (await codeOf(ask())) === undefined);
    expect((await statusNow()).validUntil).toBeGreaterThan(validUntil ?? Infinity);
    expect(egress.revoked).toEqual([]);
    noBrowser();
  });

  it('whose events cannot be fetched is shown, and asked less', async () => {
    await signedIn();
    provider.trouble = { status: 503, retryAfter: '600' };
    await until(async () => (await statusNow()).eventsFailing !== null);
    expect((await statusNow()).eventsFailing).toContain('HTTP 503');
  });
});

describe('a dead grant', () => {
  it('is wiped at the next question, with a reason and no browser', async () => {
    await signedIn();
    provider.disabled = true;
    await until(async () => (await codeOf(ask())) === 'access_ended');
    expect(egress.revoked).toEqual(['access_ended']);
    expect(await statusNow()).toMatchObject({ principal: null, ended: 'provider-refused' });
    expect(await codeOf(ask())).toBe('not_signed_in');
    noBrowser();
  });
});
