import { expect, it } from 'vitest';
import { forbiddenSwitch } from './debugging.ts';

const given =
  (...names: readonly string[]) =>
  (name: string): boolean =>
    names.includes(name);

it('a package refuses to be debugged', () => {
  expect(forbiddenSwitch(true, given('remote-debugging-port'), undefined)).toBe('remote-debugging-port');
  expect(forbiddenSwitch(true, given('remote-debugging-pipe'), undefined)).toBe('remote-debugging-pipe');
  expect(forbiddenSwitch(true, given('lang'), undefined)).toBeUndefined();
});

it('a checkout, and a test’s copy whose inspector is open, do not', () => {
  expect(forbiddenSwitch(false, given('remote-debugging-port'), undefined)).toBeUndefined();
  expect(forbiddenSwitch(true, given('remote-debugging-port'), 'ws://127.0.0.1:1/x')).toBeUndefined();
});
