import { describe, expect, it } from 'vitest';
import { alice, inboundView, offeredTool, terms, toolCall } from '../../../test/samples/pipeline.ts';
import { maxShownCharacters } from '../../contract/approval.ts';
import type { Classification } from '../../contract/labels.ts';
import { createAskApproval, type ApprovalOutcome, type AskedApproval } from './ask-approval.ts';

const { signal } = new AbortController();
const write = offeredTool({ operation: 'write', inputSchema: { type: 'object', additionalProperties: false } });

function stageWith(outcome: ApprovalOutcome, label: () => Classification = () => 'public') {
  const asked: AskedApproval[] = [];
  const ask = (one: AskedApproval) => {
    asked.push(one);
    return Promise.resolve(outcome);
  };
  const stage = createAskApproval({ ask }, { of: label });
  return { stage, asked };
}

describe('who is asked about', () => {
  it('reads are not, unless policy says so', async () => {
    const { stage, asked } = stageWith('approved');
    expect(stage.check(inboundView(), signal)).toEqual({ pass: true });
    expect(stage.check(inboundView({ terms }), signal)).toEqual({ pass: true });
    expect(asked).toEqual([]);
    expect(await stage.check(inboundView({ terms: { ...terms, approval: 'required' } }), signal)).toEqual({
      pass: true,
    });
    expect(asked).toHaveLength(1);
  });

  it.each(['write', 'admin'] as const)('%s is, whatever policy says', async (operation) => {
    const { stage, asked } = stageWith('approved');
    for (const approval of ['none', 'required'] as const)
      await stage.check(inboundView({ tool: offeredTool({ operation }), terms: { ...terms, approval } }), signal);
    await stage.check(inboundView({ tool: offeredTool({ operation }) }), signal);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toMatchObject({ principal: alice, tool: { title: 'Echo', operation } });
  });

  it('not without a tool, a person, or arguments that a person can read', () => {
    const { stage, asked } = stageWith('approved');
    const nobody = { principal: null, validUntil: null, waiting: [] };
    expect(stage.check(inboundView({ tool: null }), signal)).toMatchObject({ refusal: { code: 'unknown_tool' } });
    expect(stage.check(inboundView({ tool: write, identity: nobody }), signal)).toMatchObject({
      refusal: { code: 'not_signed_in' },
    });
    const long = toolCall({ text: 'x'.repeat(maxShownCharacters) });
    expect(stage.check(inboundView({ tool: write, call: long }), signal)).toMatchObject({
      refusal: { code: 'invalid_arguments' },
    });
    expect(asked).toEqual([]);
  });
});

it.each<[ApprovalOutcome, string]>([
  ['pending', 'approval_pending'],
  ['denied', 'approval_denied'],
  ['unavailable', 'approval_denied'],
  ['expired', 'approval_expired'],
  ['stopped', 'approval_expired'],
  ['crowded', 'rate_limited'],
])('%s is %s', async (outcome, code) => {
  const { stage } = stageWith(outcome);
  const verdict = await stage.check(inboundView({ tool: write }), signal);
  expect(verdict).toMatchObject({ pass: false, refusal: { code } });
});

describe('what a program has read', () => {
  const flow = (rule: 'refuse' | 'approve') => inboundView({ tool: write, terms: { ...terms, flow: rule } });

  it('goes nowhere that may receive less, and nobody is asked', () => {
    for (const label of ['internal', 'sensitive'] as const) {
      const { stage, asked } = stageWith('approved', () => label);
      for (const view of [flow('refuse'), inboundView({ tool: write })])
        expect(stage.check(view, signal)).toMatchObject({ pass: false, refusal: { code: 'flow_not_allowed' } });
      expect(asked).toEqual([]);
    }
  });

  it('is told to the person where policy lets them decide', async () => {
    const { stage, asked } = stageWith('approved', () => 'sensitive');
    expect(await stage.check(flow('approve'), signal)).toEqual({ pass: true });
    expect(asked).toMatchObject([{ hasRead: 'sensitive', full: false }]);
  });

  it('while they were asked ends the call: they were told less', async () => {
    let label: Classification = 'internal';
    const { stage } = stageWith('approved', () => label);
    const asking = stage.check(flow('approve'), signal);
    label = 'sensitive';
    expect(await asking).toMatchObject({ pass: false, refusal: { code: 'approval_expired' } });
  });

  it('does not stop what reads, nor what may receive it', async () => {
    const { stage, asked } = stageWith('approved', () => 'sensitive');
    expect(stage.check(inboundView({ terms }), signal)).toEqual({ pass: true });
    const view = inboundView({ tool: { ...write, receives: 'sensitive' } });
    expect(await stage.check(view, signal)).toEqual({ pass: true });
    expect(asked).toMatchObject([{ hasRead: null }]);
  });
});
