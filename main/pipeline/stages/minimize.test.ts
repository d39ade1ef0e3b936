import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createMinimize } from './minimize.ts';

it('passes values that are no rows: their byte limit held before', () => {
  const value = { text: 'x' };
  const view = { cleared: clearedCall(), tool: offeredTool(), value, labels: null };
  expect(createMinimize().apply(view)).toEqual({ pass: true, value });
});
