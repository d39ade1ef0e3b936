import { expect, it, vi } from 'vitest';
import { Fault } from '../contract/errors.ts';
import { windowMethods, windowPage, type WindowHandlers, type WindowMethod } from '../contract/window.ts';
import { answerWindow } from './messages.ts';

const page = { isMainFrame: true, url: windowPage };

function handlersThat(answer: () => Promise<unknown>) {
  const called = vi.fn(answer);
  const names = Object.keys(windowMethods) as WindowMethod[];
  return { called, handlers: Object.fromEntries(names.map((name) => [name, called])) as unknown as WindowHandlers };
}

it('answers the window’s own page', async () => {
  const { called, handlers } = handlersThat(() => Promise.resolve({}));
  expect(await answerWindow(handlers, page, { method: 'pause', params: {} })).toEqual({ ok: true, result: {} });
  expect(called).toHaveBeenCalledWith({});
});

it.each([
  ['a frame inside the page', { ...page, isMainFrame: false }],
  ['another page', { ...page, url: 'https://evil.example/' }],
  ['another page of the scheme', { ...page, url: `${windowPage}?x` }],
  ['a page that is gone', { ...page, url: '' }],
])('%s reaches nothing', async (_who, sender) => {
  const { called, handlers } = handlersThat(() => Promise.resolve({}));
  expect(await answerWindow(handlers, sender, { method: 'resume', params: {} })).toMatchObject({ ok: false });
  expect(called).not.toHaveBeenCalled();
});

it.each([
  ['a method that is not in the table', { method: 'status', params: {} }],
  ['a method of every object', { method: 'constructor', params: {} }],
  ['no method', {}],
  ['nothing', undefined],
  ['undeclared parameters', { method: 'pause', params: { more: 1 } }],
  ['another decision', { method: 'decide', params: { key: 'k', decision: 'always' } }],
])('%s reaches no handler', async (_what, message) => {
  const { called, handlers } = handlersThat(() => Promise.resolve({}));
  expect(await answerWindow(handlers, page, message)).toMatchObject({ ok: false });
  expect(called).not.toHaveBeenCalled();
});

it('says a refusal in words, and nothing of a fault', async () => {
  const refusing = handlersThat(() => Promise.reject(new Fault('rate_limited', 'Wait a moment.')));
  expect(await answerWindow(refusing.handlers, page, { method: 'signIn', params: {} })).toEqual({
    ok: false,
    say: 'Wait a moment.',
  });
  const broken = handlersThat(() => Promise.reject(new TypeError('at /home/me/secret.ts:1')));
  expect(JSON.stringify(await answerWindow(broken.handlers, page, { method: 'signIn', params: {} }))).not.toContain(
    'secret',
  );
});

it('lets out what the table declares, and nothing else', async () => {
  const idle = { step: 'idle' };
  const rows = { kept: [], save: idle };
  const state = { status: null, signIn: idle, approvals: [], ...rows, protection: null, tray: true, failure: null };
  const declared = handlersThat(() => Promise.resolve(state));
  expect(await answerWindow(declared.handlers, page, { method: 'state', params: {} })).toEqual({
    ok: true,
    result: state,
  });
  const more = handlersThat(() => Promise.resolve({ ...state, token: 'secret' }));
  for (const method of ['state', 'pause'])
    expect(await answerWindow(more.handlers, page, { method, params: {} })).toEqual({
      ok: false,
      say: expect.stringContaining('Something broke'),
    });
});
