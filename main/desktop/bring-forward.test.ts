import { expect, it, vi } from 'vitest';
import { bringForward, showIfHidden, showQuietly } from './bring-forward.ts';

function windowThat({ isMinimized = false, isVisible = true } = {}) {
  const does = { restore: vi.fn(), show: vi.fn(), focus: vi.fn(), showInactive: vi.fn(), flashFrame: vi.fn() };
  const called = (): string[] =>
    Object.entries(does).flatMap(([name, { mock }]) => (mock.calls.length === 0 ? [] : [name]));
  return { window: { ...does, isMinimized: () => isMinimized, isVisible: () => isVisible }, called };
}

it('comes to the front with the focus when the person wants it, also from the task bar', () => {
  const { window, called } = windowThat({ isMinimized: true });
  bringForward(window);
  expect(called()).toEqual(['restore', 'show', 'focus']);
});

it.each([
  [false, ['showInactive', 'flashFrame']],
  [true, ['flashFrame']],
])('takes no focus when it wants to be noticed (minimized: %s)', (isMinimized, does) => {
  const { window, called } = windowThat({ isMinimized });
  showQuietly(window);
  expect(called()).toEqual(does);
});

it.each([
  ['hidden', { isVisible: false }, ['showInactive']],
  ['visible', {}, []],
  ['minimized', { isVisible: false, isMinimized: true }, []],
])('where it would be lost it is shown, where it is %s', (_what, is, does) => {
  const { window, called } = windowThat(is);
  showIfHidden(window);
  expect(called()).toEqual(does);
});
