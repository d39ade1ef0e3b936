import { expect, it } from 'vitest';
import { inboundView } from '../../../test/samples/pipeline.ts';
import { createLimitRate } from './limit-rate.ts';

it('passes by a rule that it names', () => {
  const stage = createLimitRate();
  expect(stage.check(inboundView())).toEqual({ pass: true });
  expect(stage.report).toMatchObject({ stage: 'limit-rate', mode: 'by_rule' });
});
