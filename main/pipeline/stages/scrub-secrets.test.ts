import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { createScrubSecrets } from './scrub-secrets.ts';

it('passes by a rule that it names', () => {
  const stage = createScrubSecrets();
  const value = { text: 'x' };
  expect(stage.apply({ cleared: clearedCall(), tool: offeredTool(), value, labels: null })).toEqual({
    pass: true,
    value,
  });
  expect(stage.report).toMatchObject({ stage: 'scrub-secrets', mode: 'by_rule' });
});
