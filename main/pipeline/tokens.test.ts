import { expect, it } from 'vitest';
import { estimateTokens } from './tokens.ts';

/** What the vocabulary o200k_base or cl100k_base needed for them, the larger one: estimates stay above. */
it.each([
  ['', 0],
  ['[12,"north",3.75,null]', 10],
  ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', 27],
  ['The quick brown fox jumps over the lazy dog.', 10],
  ['北京市朝阳区建国路八十八号现代城', 18],
])('of %j is at least %i', (text, tokens) => {
  expect(estimateTokens(text)).toBeGreaterThanOrEqual(tokens);
});

it('grows with the text, and by each of its parts', () => {
  expect(estimateTokens('abc abc abc')).toBe(5);
  expect(estimateTokens('aB3-é')).toBe(6);
});
