import { expect, it } from 'vitest';
import { outcomeCodeSchema } from '../contract/errors.ts';
import { sayFor } from './outcome-says.ts';

it('has a sentence of its own for every code, short enough for a refusal', () => {
  const says = outcomeCodeSchema.options.map(sayFor);
  expect(new Set(says).size).toBe(says.length);
  for (const say of says) expect(say).toMatch(/^[A-Z].{20,200}\.$/);
});
