import { expect, it } from 'vitest';
import { redactScalar } from './redaction.ts';

const pseudonym = (text: string): string => `#${text.length}`;

it.each([
  [null, 'a secret', '***'],
  [null, 5, undefined],
  [null, true, undefined],
  [null, null, null],
  ['mask', 5, '***'],
  ['drop', 'a secret', undefined],
  ['hash', 'a secret', '#8'],
  ['hash', 123, '#3'],
  ['generalize', 1987, 1000],
  ['generalize', -0.042, -0.04],
  ['generalize', 0, 0],
  ['generalize', '1984-05-17', '1984'],
  ['generalize', '1984-05-17T10:00:00Z', '1984'],
  ['generalize', 'ada@example.org', '***@example.org'],
  ['generalize', 'Ada Lovelace', '***'],
  ['generalize', true, undefined],
  ['generalize', Infinity, undefined],
] as const)('%s of %j is %j', (rule, value, left) => {
  expect(redactScalar(value, rule, pseudonym)).toEqual(left);
});
