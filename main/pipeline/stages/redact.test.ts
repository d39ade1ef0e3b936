import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createRedact } from './redact.ts';

it('passes by a rule that it names', () => {
  const stage = createRedact();
  const value = { text: 'x' };
  expect(stage.apply({ cleared: clearedCall(), tool: offeredTool(), value })).toEqual({ pass: true, value });
  expect(stage.report).toMatchObject({ stage: 'redact', mode: 'by_rule' });
});
