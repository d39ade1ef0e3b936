import { expect, it } from 'vitest';
import { createDecisionCache } from './decision-cache.ts';

it('forgets what was used least recently, and counts', () => {
  const cache = createDecisionCache<{ readonly key: string }>(2);
  const made: string[] = [];
  const get = (key: string) =>
    cache.get(key, () => {
      made.push(key);
      return { key };
    });
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(get(key)).toEqual({ key });
  expect(made).toEqual(['a', 'b', 'c', 'b']);
  expect(cache.counts).toEqual({ hits: 2, misses: 4 });
});

it('keeps nothing of what threw', () => {
  const cache = createDecisionCache<object>(2);
  const broken = () => {
    throw new TypeError('broken');
  };
  expect(() => cache.get('a', broken)).toThrow('broken');
  expect(cache.get('a', () => ({ now: true }))).toEqual({ now: true });
});
