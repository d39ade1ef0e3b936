import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { newest } from './rate-gate.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('passes on the first at once and then the newest, never loses the last, and rests between', () => {
  const heard: number[] = [];
  const say = newest<number>(1000, (value) => heard.push(value));
  for (const value of [1, 2, 3]) say(value);
  expect(heard).toEqual([1]);
  vi.advanceTimersByTime(999);
  say(4);
  expect(heard).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(heard).toEqual([1, 4]);
  vi.advanceTimersByTime(5000);
  say(5);
  expect(heard).toEqual([1, 4, 5]);
});
