import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identityOf } from '../contract/account.ts';
import { identityConfigSchema, type IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Polled, SecurityEvent } from '../contract/security-event.ts';
import { createContinuity } from './continuity.ts';
import type { EventPollDeps } from './event-poll.ts';
import { watchNetwork } from './network-watch.ts';
import { createOutage } from './outage.ts';
import { heedingOutages, retryAfterMs } from './provider-outage.ts';
import type { Session } from './session.ts';
import { createSleepWatch } from './sleep-watch.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const minuteMs = 60_000;
const windowMs = 15 * minuteMs;
const nothing: Polled = { events: [], refused: [], more: false };
const principal = { subject: 's', issuer: 'i', authenticatedAt: 999_999_500 };

/** @param answers of the exchange process, one a poll; the last one again and again */
function opened({ answers = [] as (Polled | Error)[], reached = true, events = true, account = 'default' } = {}) {
  const polls: { acknowledged: string[]; refused: unknown[]; identity: IdentityConfig }[] = [];
  const identity = identityConfigSchema.parse({
    kind: 'oidc',
    authority: 'https://i.example',
    clientId: 'c',
    scopes: ['openid', 'issue'],
    accounts: {
      partner: { authority: 'https://partner.example' },
      own: { authority: 'https://own.example', scopes: ['openid', 'other'], events: { url: 'https://o.example' } },
      work: { loginHint: 'p@work.example' },
    },
    ...(events ? { events: { url: 'https://e.example' } } : {}),
  });
  const session = { principal, identity: identityOf(identity, account) } as Session;
  const scopes: string[] = [];
  const state = { reached, named: undefined as number | undefined, session: session as Session | undefined };
  const end = vi.fn(() => {
    state.session = undefined;
    continuity.stop();
  });
  const record = vi.fn();
  const confirm = vi.fn(() => {
    if (state.reached) continuity.confirmed(Date.now() + windowMs);
    return Promise.resolve(state.reached);
  });
  const exchanges = {
    start: (_: unknown, task: { params: (typeof polls)[number]; onRetryAfter?: (ms: number) => void }) => {
      const answer = answers[Math.min(polls.push(task.params), answers.length) - 1] ?? nothing;
      if (state.named !== undefined) task.onRetryAfter?.(state.named);
      return { done: answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ reply: answer }) };
    },
  };
  const continuity = createContinuity({
    exchanges: exchanges as unknown as EventPollDeps['exchanges'],
    config: () =>
      ({ identity, authorities: [], exchangeCommand: [] }) as unknown as ReturnType<EventPollDeps['config']>,
    session: () => state.session,
    accessToken: (_, scope) => {
      scopes.push(scope);
      return Promise.resolve({} as never);
    },
    end,
    record,
    changed: () => undefined,
    confirm,
    now: Date.now,
    monotonic: Date.now,
    random: () => 0.5,
  });
  continuity.begin(Date.now() + windowMs);
  return { continuity, polls, end, record, confirm, session, state, scopes };
}

const event = (more: Partial<SecurityEvent> = {}): Polled => ({
  ...nothing,
  events: [{ jti: 'j', kind: 'session-revoked', person: { issuer: 'i', subject: 's' }, at: 1_000_000_000, ...more }],
});

describe('security events', () => {
  it('are asked for at once, and then every minute', async () => {
    const { polls } = opened();
    await vi.advanceTimersByTimeAsync(0);
    expect(polls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(polls).toHaveLength(11);
  });

  it.each([
    ['default', 'https://e.example', 'issue'],
    ['work', 'https://e.example', 'issue'],
    ['own', 'https://o.example', 'other'],
  ])('of the account %s are asked of its own transmitter, with its own token', async (account, url, scope) => {
    const { polls, scopes } = opened({ account });
    await vi.advanceTimersByTimeAsync(0);
    expect(polls.map(({ identity }) => identity.events?.url)).toEqual([url]);
    expect(scopes).toEqual([scope]);
  });

  it('of an account at another authority are asked of nobody: its token is not shown to ours', async () => {
    const { polls } = opened({ account: 'partner' });
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(polls).toEqual([]);
  });

  it.each([
    ['session-revoked', 'session-revoked'],
    ['account-disabled', 'account-disabled'],
  ] as const)('end access at once: %s', async (kind, cause) => {
    const { end, record, polls } = opened({ answers: [nothing, event({ kind })] });
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(end).toHaveBeenCalledExactlyOnceWith(cause, kind);
    expect(record).toHaveBeenCalledExactlyOnceWith('security-event', 'vault', kind);
    // Nobody is signed in: nobody asks.
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(polls).toHaveLength(2);
  });

  it.each<[string, Partial<SecurityEvent>]>([
    ['of another person', { person: { issuer: 'i', subject: 'x' } }],
    ['of another issuer', { person: { issuer: 'x', subject: 's' } }],
    ['of nobody', { person: null }],
    ['of another kind', { kind: 'other' }],
    ['from before the person authenticated', { at: 999_998_000 }],
  ])('%s do nothing, and are acknowledged at once', async (_, more) => {
    const { end, polls } = opened({ answers: [event(more), nothing] });
    await vi.advanceTimersByTimeAsync(1);
    expect(end).not.toHaveBeenCalled();
    expect(polls.map(({ acknowledged }) => acknowledged)).toEqual([[], ['j']]);
  });

  it('count once: the same again, which the transmitter forgot, ends no later access', async () => {
    const { continuity, end, session, state } = opened({ answers: [event()] });
    await vi.advanceTimersByTimeAsync(1);
    expect(end).toHaveBeenCalledTimes(1);
    state.session = session;
    continuity.begin(Date.now() + windowMs);
    await vi.advanceTimersByTimeAsync(5 * minuteMs);
    expect(end).toHaveBeenCalledTimes(1);
  });

  it('that came for somebody who signed in again meanwhile are not acknowledged: they come again, and count', async () => {
    const { end, polls, session, state } = opened({ answers: [event(), event()] });
    // The poll is under way when the person signs in again.
    const again = { ...session };
    state.session = session;
    vi.advanceTimersByTime(0);
    state.session = again;
    await vi.advanceTimersByTimeAsync(0);
    expect([end.mock.calls.length, polls.length]).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(minuteMs * 2);
    expect(polls[1]?.acknowledged).toEqual([]);
    expect(end).toHaveBeenCalledTimes(1);
  });

  it('that are not believed end nothing, go on record, and are told to the transmitter', async () => {
    const refused = { ...nothing, refused: [{ jti: 'f', err: 'invalid_key' as const, why: 'alg' }] };
    const { end, record, polls } = opened({ answers: [refused, nothing] });
    await vi.advanceTimersByTimeAsync(1);
    expect(end).not.toHaveBeenCalled();
    expect(record).toHaveBeenCalledExactlyOnceWith('security-event-refused', 'vault', '1 not believed: alg');
    expect(polls[1]?.refused).toEqual([{ jti: 'f', err: 'invalid_key' }]);
  });

  it('a transmitter that always has more is asked ten times, then every minute', async () => {
    const { polls } = opened({ answers: [{ ...nothing, more: true }] });
    await vi.advanceTimersByTimeAsync(minuteMs - 1);
    expect(polls).toHaveLength(11);
  });

  it('a transmitter in trouble is asked less and less, and that shows', async () => {
    const { polls, continuity, state } = opened({ answers: [new Fault('identity_unavailable', 'Down.')] });
    await vi.advanceTimersByTimeAsync(60 * minuteMs);
    expect(polls.length).toBeLessThan(9);
    expect(continuity.eventsFailing()).toBe('Down.');
    state.session = undefined;
    continuity.stop();
    expect(continuity.eventsFailing()).toBeNull();
  });

  it('a transmitter that names a time is left alone so long', async () => {
    const { polls, state } = opened({ answers: [new Fault('identity_unavailable', 'Down.')] });
    state.named = 50 * minuteMs;
    await vi.advanceTimersByTimeAsync(49 * minuteMs);
    expect(polls).toHaveLength(1);
  });

  it('are not asked for where none are configured', async () => {
    const { polls } = opened({ events: false });
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(polls).toEqual([]);
  });
});

describe('sleep', () => {
  it('a long one ends access, a short one asks the provider at once', async () => {
    const { continuity, end, confirm } = opened();
    continuity.woke(10 * minuteMs);
    await vi.advanceTimersByTimeAsync(0);
    expect(end).not.toHaveBeenCalled();
    expect(confirm).toHaveBeenCalledTimes(1);
    continuity.woke(10 * minuteMs + 1);
    expect(end).toHaveBeenCalledExactlyOnceWith('slept', 'the computer slept 600 s');
    continuity.woke(60 * minuteMs);
    expect(end).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['stands still', 0],
    ['goes on', 3_600_000],
  ])('is noticed before any timer, where the monotonic clock %s', (_, steadyMs) => {
    const clock = { wall: 0, steady: 0 };
    const woke = vi.fn();
    const watch = createSleepWatch({ now: () => clock.wall, monotonic: () => clock.steady, woke });
    clock.wall += 3_600_000;
    clock.steady += steadyMs;
    watch.look();
    expect(woke).toHaveBeenCalledExactlyOnceWith(3_599_000);
    watch.look();
    expect(woke).toHaveBeenCalledTimes(1);
    watch.close();
  });

  it('an awake computer is not asleep', () => {
    const woke = vi.fn();
    const watch = createSleepWatch({ now: Date.now, monotonic: Date.now, woke });
    vi.advanceTimersByTime(60 * minuteMs);
    expect(woke).not.toHaveBeenCalled();
    watch.close();
  });
});

describe('an outage', () => {
  it('a network that comes back is used at once, and a flapping one no more than every 10 s', async () => {
    const state = { addresses: '10.0.0.1' };
    const changed = vi.fn();
    const stop = watchNetwork({ addresses: () => state.addresses, changed });
    state.addresses = '';
    await vi.advanceTimersByTimeAsync(minuteMs);
    expect(changed).not.toHaveBeenCalled();
    state.addresses = '10.0.0.1';
    await vi.advanceTimersByTimeAsync(2000);
    expect(changed).toHaveBeenCalledTimes(1);
    for (let flap = 0; flap < 60; flap += 1) {
      state.addresses = `10.0.0.${String(flap % 3)}`;
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(changed.mock.calls.length).toBeLessThan(8);
    stop();
  });

  it('re-validates when the network is back, and access goes on when the provider answers', async () => {
    const { continuity, confirm, end, state } = opened({ reached: false });
    await vi.advanceTimersByTimeAsync((windowMs * 2) / 3 + minuteMs);
    const before = confirm.mock.calls.length;
    state.reached = true;
    continuity.networkChanged();
    await vi.advanceTimersByTimeAsync(0);
    expect(confirm).toHaveBeenCalledTimes(before + 1);
    await vi.advanceTimersByTimeAsync(windowMs / 2);
    expect(end).not.toHaveBeenCalled();
  });

  it('ends access with the window when nobody answers', async () => {
    const { end } = opened({ reached: false });
    await vi.advanceTimersByTimeAsync(windowMs);
    expect(end).toHaveBeenCalledExactlyOnceWith('not-confirmed', expect.any(String));
  });

  it('keeps a thousand calls from asking a provider in trouble more than a few times', async () => {
    const outage = createOutage({ now: Date.now, random: () => 1 });
    let asked = 0;
    for (let call = 0; call < 1000; call += 1) {
      try {
        outage.check();
        asked += 1;
        outage.failed(new Fault('identity_unavailable', 'x'));
      } catch (error) {
        expect(error).toMatchObject({ code: 'identity_unavailable' });
      }
      await vi.advanceTimersByTimeAsync(600);
    }
    // Ten minutes: 1, 2, 4 … 32 s, then once a minute.
    expect(asked).toBeLessThan(18);
  });

  it('is no refusal: what is refused to one destination, or cancelled, holds nobody back', () => {
    const outage = createOutage({ now: Date.now, random: () => 1 });
    for (const code of ['not_permitted', 'access_ended', 'reauthentication_required', 'internal'] as const)
      expect(outage.failed(new Fault(code, 'x'))).toMatchObject({ code });
    outage.check();
  });

  it('a named time holds also on another network; a success ends it', () => {
    const outage = createOutage({ now: Date.now, random: () => 0 });
    const isClosed = () => {
      expect(() => {
        outage.check();
      }).toThrow(expect.objectContaining({ code: 'identity_unavailable' }));
    };
    outage.retryAfter(30_000);
    outage.forget();
    isClosed();
    vi.advanceTimersByTime(29_999);
    isClosed();
    vi.advanceTimersByTime(1);
    outage.check();
    outage.failed(new Fault('backend_unreachable', 'x'));
    isClosed();
    outage.recovered();
    outage.check();
  });

  it('says identity_unavailable where the provider is not reached, and keeps other reasons', () => {
    const outage = createOutage({ now: Date.now, random: () => 0 });
    expect(outage.failed(new Fault('backend_unreachable', 'x'))).toMatchObject({ code: 'identity_unavailable' });
    expect(outage.failed(new Fault('backend_certificate', 'x'))).toMatchObject({ code: 'backend_certificate' });
  });

  it.each([
    [503, '30', 30_000],
    [429, 'Thu, 01 Jan 1970 00:00:10 GMT', 0],
    [500, undefined, undefined],
    [500, 'soon', undefined],
  ])('HTTP %d with Retry-After %s is told on', async (status, header, ms) => {
    const told = vi.fn();
    const headers: Record<string, string> = header === undefined ? {} : { 'retry-after': header };
    const dial = heedingOutages(() => () => Promise.resolve({ status, headers, body: '' }), told);
    await expect(dial([])({ method: 'GET', url: 'https://i.example' })).rejects.toMatchObject({
      code: 'identity_unavailable',
    });
    expect(told.mock.calls).toEqual(ms === undefined ? [] : [[ms]]);
  });

  it('a time is never longer than an hour', () => {
    expect(retryAfterMs('999999', 0)).toBe(3_600_000);
    expect(retryAfterMs('-5', 0)).toBeUndefined();
  });
});
