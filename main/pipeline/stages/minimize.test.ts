import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createMinimize } from './minimize.ts';

it('passes by a rule that it names', () => {
  const stage = createMinimize();
  const value = { text: 'x' };
  expect(stage.apply({ cleared: clearedCall(), tool: offeredTool(), value, labels: null })).toEqual({
    pass: true,
    value,
  });
  expect(stage.report).toMatchObject({ stage: 'minimize', mode: 'by_rule' });
});
