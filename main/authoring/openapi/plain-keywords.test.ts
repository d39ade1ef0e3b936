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
  ['\\d{4}-\\d{2}-\\d{2}', true],
  ['a?a?a?aaa', false],
  ['a{0,50}a{0,50}b', false],
])('the pattern %j is taken: %s', (pattern, isTaken) => {
  expect(isSimplePattern(pattern)).toBe(isTaken);
});
