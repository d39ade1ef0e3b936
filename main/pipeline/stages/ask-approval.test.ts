import { expect, it } from 'vitest';
import { inboundView, offeredTool } from '../../../test/samples/pipeline.ts';
import { createAskApproval } from './ask-approval.ts';

it('passes reads and refuses what would need an approval', () => {
  const stage = createAskApproval();
  expect(stage.check(inboundView())).toEqual({ pass: true });
  for (const operation of ['write', 'admin'] as const) {
    const verdict = stage.check(inboundView({ tool: offeredTool({ operation }) }));
    expect(verdict).toMatchObject({ pass: false, refusal: { code: 'approval_denied' } });
  }
  expect(stage.check(inboundView({ tool: null }))).toMatchObject({ pass: false });
});
