import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createClassify } from './classify.ts';

it('gives the labels of the tool to the stages after it', () => {
  const stage = createClassify();
  const value = { text: 'x' };
  const tool = offeredTool();
  expect(stage.apply({ cleared: clearedCall(), tool, value, labels: null })).toEqual({
    pass: true,
    value,
    labels: tool.labels,
  });
});
