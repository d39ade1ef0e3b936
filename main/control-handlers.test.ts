import { expect, it, vi } from 'vitest';
import { createConsent } from './connectors/consent.ts';
import type { Shell } from './connectors/shell.ts';
import { controlMethods, type Program } from './contract/control.ts';
import { referenceRequests } from './contract/reference.ts';
import { createControlHandlers } from './control-handlers.ts';

async function socket({ hasWindow = true } = {}) {
  const consent = createConsent({ epochMs: () => 1, onAnswers: () => Promise.resolve(), onChange: () => undefined });
  for (const key of ['waiting', 'allowed', 'denied']) consent.seen({ key, program: key, executable: null, pid: null });
  await consent.decide('allowed', 'allow');
  await consent.decide('denied', 'deny');
  const show = vi.fn();
  const resume = vi.fn();
  const shell = { resume } as unknown as Shell;
  const handlers = createControlHandlers(
    { show: hasWindow ? show : undefined, stop: () => undefined },
    { shell, consent },
  );
  const listed = (): Program['decision'][] => consent.programs().map(({ decision }) => decision);
  return { handlers, resume, show, listed };
}
const asker = { signal: new AbortController().signal, event: () => undefined };

it('forgets what waits or was allowed', async () => {
  const { handlers, listed } = await socket();
  for (const key of ['waiting', 'allowed']) await handlers['forget-agent']({ key }, asker);
  expect(listed()).toEqual(['denied']);
});

it.each([
  [true, 'forget it in the window'],
  [false, 'start it again'],
])('a denied program cannot make itself ask again (window: %s)', async (hasWindow, mend) => {
  const { handlers, listed } = await socket({ hasWindow });
  await expect(handlers['forget-agent']({ key: 'denied' }, asker)).rejects.toMatchObject({
    code: 'not_permitted',
    message: expect.stringContaining(mend),
  });
  expect(listed()).toContain('denied');
});

it('only shows the window where something would widen', async () => {
  const { handlers, resume, show, listed } = await socket();
  await handlers['allow-agent']({ key: 'waiting' }, asker);
  await handlers.resume({}, asker);
  expect(show.mock.calls).toEqual([['programs'], ['overview']]);
  expect(resume).not.toHaveBeenCalled();
  expect(listed()).toContain('waiting');
});

it('refuses the same where there is no window', async () => {
  const { handlers } = await socket({ hasWindow: false });
  await expect(handlers['allow-agent']({ key: 'waiting' }, asker)).rejects.toMatchObject({ code: 'not_permitted' });
  await expect(handlers.resume({}, asker)).rejects.toMatchObject({ code: 'not_permitted' });
});

it('has no way to kept rows: any program of this user could take it', async () => {
  const { handlers } = await socket();
  expect(Object.keys(handlers).sort()).toEqual(Object.keys(controlMethods).sort());
  const ofWindow = [...Object.keys(referenceRequests), 'openRows', 'rows', 'saveRows', 'cancelSave'];
  expect(ofWindow.filter((method) => Object.hasOwn(controlMethods, method))).toEqual([]);
});
