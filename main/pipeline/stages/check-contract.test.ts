import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createCheckContract } from './check-contract.ts';

const apply = (value: unknown) =>
  createCheckContract().apply({ cleared: clearedCall(), tool: offeredTool(), value, labels: null });

it('passes declared fields as they are', () => {
  const value = { text: 'x', rows: [1, 2] };
  expect(apply(value)).toEqual({ pass: true, value });
});

it.each([{ text: 'x', salary: 1 }, { text: 7 }, { rows: ['x'] }, null, 'text', []])(
  'withholds %j without saying it',
  (value) => {
    const verdict = apply(value);
    expect(verdict).toMatchObject({ pass: false, refusal: { code: 'output_not_allowed' } });
    expect(JSON.stringify(verdict)).not.toContain('salary');
  },
);
