import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchTray } from './tray-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(hasHost: boolean) {
  const host = { is: hasHost };
  const asked = vi.fn(() => Promise.resolve(host.is));
  const onChange = vi.fn();
  return { host, asked, onChange, watch: watchTray({ hasHost: asked, onChange }) };
}
const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(10_000);

it('is not known before it was looked for', async () => {
  const { watch, onChange } = watched(false);
  expect(watch.hasTray()).toBeNull();
  await vi.advanceTimersByTimeAsync(0);
  expect(watch.hasTray()).toBe(false);
  expect(onChange.mock.calls).toEqual([[false]]);
});

it('tells when the panel goes and comes back, and nothing in between', async () => {
  const { host, watch, onChange } = watched(true);
  await turn();
  host.is = false;
  await turn();
  await turn();
  host.is = true;
  await turn();
  expect(onChange.mock.calls).toEqual([[true], [false], [true]]);
  expect(watch.hasTray()).toBe(true);
});

it('looks at once when it is asked', async () => {
  const { host, watch, onChange } = watched(true);
  await vi.advanceTimersByTimeAsync(0);
  host.is = false;
  expect(await watch.look()).toBe(false);
  expect(onChange).toHaveBeenLastCalledWith(false);
});

it('ends, also for an answer that is on its way', async () => {
  const { host, watch, asked, onChange } = watched(true);
  watch.stop();
  host.is = false;
  await turn();
  expect(asked).toHaveBeenCalledOnce();
  expect(onChange).not.toHaveBeenCalled();
});
