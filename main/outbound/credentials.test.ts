import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGuardedMemory } from '../secrets/guarded-memory.ts';
import { createCredentials, type Credentials, type IssuedCredential } from './credentials.ts';

const memory = createGuardedMemory();
const minute = 60_000;
let subject: string;
let lifetimeMs: number;
let password: string;
let asked: number;
let answer: Promise<void>;
let credentials: Credentials;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000 });
  subject = 'alice';
  lifetimeMs = 15 * minute;
  password = 'a password of at least 16 bytes';
  asked = 0;
  answer = Promise.resolve();
  credentials = createCredentials({
    memory,
    // Stands for the vault and its sealed box: the process test uses the real ones.
    openSealed: (bytes) => memory.seal(Uint8Array.from(bytes)),
    request: async (): Promise<IssuedCredential> => {
      asked += 1;
      await answer;
      return {
        subject,
        role: 'role',
        sealed: Buffer.from(password).toString('base64'),
        expiresAt: Date.now() + lifetimeMs,
      };
    },
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const obtain = (deadlineMs: number, who = 'alice') =>
  credentials.obtain('database', { subject: who, until: Date.now() + deadlineMs });
const ended = { code: 'access_ended' };

describe('credentials', () => {
  it('are reused while they cover the call, and renewed first when they do not', async () => {
    const first = await obtain(minute);
    expect(await obtain(5 * minute)).toBe(first);
    vi.advanceTimersByTime(12 * minute);
    const second = await obtain(5 * minute);
    expect(second).not.toBe(first);
    expect([first.password.wiped, second.password.wiped]).toEqual([true, false]);
    expect(asked).toBe(2);
  });

  it('are kept for those who hold them, and wiped with the last', async () => {
    const first = await obtain(minute);
    const releases = [first.hold(), first.hold()];
    vi.advanceTimersByTime(12 * minute);
    await obtain(5 * minute);
    releases[0]!();
    releases[0]!();
    expect(first.needles[0]?.list.wiped).toBe(false);
    releases[1]!();
    expect([first.password.wiped, first.needles[0]?.list.wiped]).toEqual([true, true]);
  });

  it('are not asked for again and again where the issuer gives less time than calls may take', async () => {
    lifetimeMs = minute;
    const first = await obtain(5 * minute);
    expect(await obtain(5 * minute)).toBe(first);
    vi.advanceTimersByTime(31_000);
    expect(await obtain(5 * minute)).not.toBe(first);
  });

  it('never live longer than they say, nor than 60 minutes', async () => {
    lifetimeMs = 24 * 60 * minute;
    const credential = await obtain(minute);
    expect(credential.validUntil).toBe(Date.now() + 60 * minute);
    vi.advanceTimersByTime(60 * minute);
    expect(credential.password.wiped).toBe(true);
    expect(credentials.validUntil).toBeNull();
  });

  it('of another person are never handed out', async () => {
    await expect(obtain(minute, 'bob')).rejects.toMatchObject(ended);
    subject = 'bob';
    expect((await obtain(minute, 'bob')).subject).toBe('bob');
    await expect(obtain(minute, 'alice')).rejects.toMatchObject(ended);
  });

  it('are asked for once by many at the same time', async () => {
    const many = await Promise.all([obtain(minute), obtain(minute), obtain(minute)]);
    expect(new Set(many).size).toBe(1);
    expect(asked).toBe(1);
  });

  it('under way when everything is wiped are worth nothing', async () => {
    let letGo = (): void => undefined;
    answer = new Promise((resolve) => (letGo = resolve));
    const pending = obtain(minute);
    credentials.wipe();
    letGo();
    await expect(pending).rejects.toMatchObject(ended);
    expect(credentials.validUntil).toBeNull();
  });

  it('are wiped at once, held or not', async () => {
    const credential = await obtain(minute);
    credential.hold();
    credentials.wipe();
    expect([credential.password.wiped, credential.needles[0]?.list.wiped]).toEqual([true, true]);
    expect(() => credential.password.use(() => 0)).toThrow(expect.objectContaining(ended));
  });

  it.each([
    ['an expired one', () => (lifetimeMs = 0)],
    ['a short password', () => (password = 'fifteen letters')],
    ['an endless password', () => (password = 'x'.repeat(1025))],
  ])('are refused: %s', async (_what, change) => {
    change();
    await expect(obtain(minute)).rejects.toMatchObject({ code: 'backend_refused' });
    expect(credentials.validUntil).toBeNull();
  });
});
