import { expect, it } from 'vitest';
import { destinationConfigSchema } from '../../contract/config.ts';
import { interceptedProblem } from './intercepted.ts';

it('a wrapped server’s destinations have names, and each a place of its own', () => {
  const at = (changes: object) => destinationConfigSchema.parse({ host: 'a.example.com', port: 443, ...changes });
  const problem = (changes: object) => interceptedProblem('two', { one: at({}), two: at(changes) })?.key[0];
  expect(problem({})).toBe('port');
  expect(problem({ port: 8443 })).toBeUndefined();
  expect(problem({ host: 'b.example.com' })).toBeUndefined();
  for (const host of ['192.0.2.7', '::1', 'fd00::1']) expect(problem({ host })).toBe('host');
});
