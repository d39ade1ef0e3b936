import { expect, it } from 'vitest';
import { isSimplePattern } from './plain-keywords.ts';

it.each([
  ['^[a-z]{1,5}$', true],
  ['^\\d+\\.csv$', true],
  ['[', false],
  ['(a+)+', false],
  ['a*a*', false],
  ['(.)\\1', false],
  ['a|b', false],
])('the pattern %j is taken: %s', (pattern, isTaken) => {
  expect(isSimplePattern(pattern)).toBe(isTaken);
});
