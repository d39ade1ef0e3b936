import { expect, it, vi } from 'vitest';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { createSignIn } from './sign-in.ts';
import type { Supervisor } from './supervisor.ts';

const authority = 'https://id.example';
const identity: IdentityConfig = {
  kind: 'oidc',
  authority,
  clientId: 'c',
  scopes: ['openid'],
  policyWindowMinutes: 15,
  signInTimeoutMinutes: 1,
  accounts: { other: { authority: 'https://other.example' } },
};
const address = `${authority}/authorize?state=1`;

/** Each sign-in that the vault was asked for, to be ended by the test. */
function desk({ opens = () => Promise.resolve(true), passes = true } = {}) {
  const asked: PromiseWithResolvers<object>[] = [];
  const orders: unknown[] = [];
  const request = (name: string, order: unknown): Promise<object> => {
    orders.push(order);
    if (name !== 'sign-in') return Promise.resolve({});
    const answer = Promise.withResolvers<object>();
    asked.push(answer);
    return answer.promise;
  };
  const vault = { control: { request } };
  const supervisor = { core: () => ({ vault }), liftSuspensions: () => Promise.resolve() };
  const signIn = createSignIn({
    supervisor: supervisor as unknown as Supervisor,
    identity,
    openBrowser: opens,
    unfinished: { passes: () => passes },
    onChange: () => undefined,
  });
  const begin = (open = true, account?: string) => {
    const event = vi.fn();
    const { ended } = signIn.begin(
      { open, forceLogin: false, account },
      { signal: new AbortController().signal, event },
    );
    ended.catch(() => undefined);
    return { ended, event };
  };
  return { signIn, asked, orders, begin };
}

const settled = (): Promise<void> => new Promise(setImmediate);

it('shows how far it is, and why it failed', async () => {
  const { signIn, asked, begin } = desk();
  const { ended, event } = begin();
  expect(signIn.progress()).toMatchObject({ step: 'browser' });
  signIn.onUrl(address);
  await settled();
  expect(event).toHaveBeenCalledWith({ event: 'opened' });
  asked[0]!.reject(new Fault('not_signed_in', 'You closed it.'));
  await expect(ended).rejects.toThrow('You closed it.');
  expect(signIn.progress()).toEqual({ step: 'failed', say: 'You closed it.' });
});

it('shows the address where no browser could be opened', async () => {
  const { signIn, begin } = desk({ opens: () => Promise.resolve(false) });
  const { event } = begin();
  signIn.onUrl(address);
  await settled();
  expect(event).toHaveBeenCalledWith({ event: 'url', url: address });
  expect(signIn.progress()).toMatchObject({ step: 'browser', url: address });
});

it('does not say that no browser could be opened where the command opens it', async () => {
  const { signIn, begin } = desk();
  const { event } = begin(false);
  signIn.onUrl(address);
  await settled();
  expect(event).toHaveBeenCalledWith({ event: 'url', url: address });
  expect(signIn.progress()).not.toHaveProperty('url');
});

it('keeps a late answer of the browser out of a newer sign-in', async () => {
  const opening = Promise.withResolvers<boolean>();
  const { signIn, begin } = desk({ opens: () => opening.promise });
  begin();
  signIn.onUrl(address);
  begin();
  opening.resolve(false);
  await settled();
  expect(signIn.progress()).not.toHaveProperty('url');
});

it('says that there were too many, and leaves one that is open alone', async () => {
  const { signIn, asked, begin } = desk({ passes: false });
  const { ended } = begin();
  expect(() => begin()).toThrow('Too many sign-ins');
  expect(signIn.progress()).toMatchObject({ step: 'browser' });
  asked[0]!.reject(new Fault('not_signed_in', 'You closed it.'));
  await expect(ended).rejects.toThrow();
  expect(() => begin()).toThrow('Too many sign-ins');
  expect(signIn.progress()).toMatchObject({ step: 'failed', say: expect.stringContaining('Too many sign-ins') });
});

it('opens nothing that is not the authority’s', async () => {
  const opens = vi.fn(() => Promise.resolve(true));
  const { signIn, begin } = desk({ opens });
  begin();
  for (const url of ['https://evil.example/', 'http://id.example/', 'https://x@id.example/']) signIn.onUrl(url);
  await settled();
  expect(opens).not.toHaveBeenCalled();
});

it('signs in to a named account, at its authority, and to no unknown one', async () => {
  const opens = vi.fn(() => Promise.resolve(true));
  const { signIn, orders, begin } = desk({ opens });
  expect(() => begin(true, 'nobody')).toThrow('There are: default, other');
  expect(signIn.progress()).toEqual({ step: 'idle' });
  begin(true, 'other');
  signIn.onUrl('https://other.example/authorize');
  await settled();
  expect(opens).toHaveBeenCalledTimes(1);
  expect(orders).toEqual([{ forceLogin: false, account: 'other' }]);
});

it('shows the provider’s words in the window, and leaves them out of what it throws', async () => {
  const { signIn, asked, begin } = desk();
  const { ended } = begin();
  signIn.onSaid('Your device is not on the company network.');
  asked[0]!.reject(new Fault('not_permitted', 'Refused.'));
  await expect(ended).rejects.toThrow(/^Refused\.$/);
  const reason = 'Your device is not on the company network.';
  expect(signIn.progress()).toEqual({ step: 'failed', say: 'Refused.', reason });
  begin().ended.catch(() => undefined);
  asked[1]!.reject(new Fault('not_signed_in', 'Cancelled.'));
  await settled();
  expect(signIn.progress()).toEqual({ step: 'failed', say: 'Cancelled.' });
  signIn.onSaid('This account is disabled.');
  // Of a renewal: no sign-in failed, and the window says it beside the end of access.
  expect(signIn.progress()).toEqual({ step: 'idle', reason: 'This account is disabled.' });
});
