import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createClassify } from './classify.ts';

it('passes by a rule that it names', () => {
  const stage = createClassify();
  const value = { text: 'x' };
  expect(stage.apply({ cleared: clearedCall(), tool: offeredTool(), value })).toEqual({ pass: true, value });
  expect(stage.report).toMatchObject({ stage: 'classify', mode: 'by_rule' });
});
