import { expect, it } from 'vitest';
import { inboundView } from '../../../test/samples/pipeline.ts';
import type { QuotaTaker } from '../quotas.ts';
import { createLimitRate } from './limit-rate.ts';

it('asks for the person and the tool, and for nothing that a program can choose', () => {
  const takers: QuotaTaker[] = [];
  const stage = createLimitRate({
    reserve: (_call, taker) => {
      takers.push(taker);
      return null;
    },
  });
  expect(stage.check(inboundView())).toEqual({ pass: true });
  expect(takers).toEqual([
    { issuer: 'https://localhost:1', subject: 'alice-subject', toolName: 'probe_echo', maxResultBytes: 1_000_000 },
  ]);
  expect(stage.report.mode).toBe('enforced');
});

it('says what is used up, how long to wait, and what to do', () => {
  const check = (code: 'rate_limited' | 'quota_exhausted', retryAfterMs: number) =>
    createLimitRate({ reserve: () => ({ code, what: 'calls', retryAfterMs }) }).check(inboundView());
  expect(check('rate_limited', 1500)).toEqual({
    pass: false,
    refusal: {
      code: 'rate_limited',
      say: 'The limit of calls is reached. Wait 2 s, and make fewer calls then.',
      retryAfterMs: 1500,
    },
  });
  expect(check('quota_exhausted', 600_000)).toMatchObject({
    refusal: { say: expect.stringContaining('Wait 10 min, and ask for fewer rows') as unknown },
  });
});

it('refuses without a tool or a person', () => {
  const stage = createLimitRate({ reserve: () => null });
  expect(stage.check(inboundView({ tool: null }))).toMatchObject({ refusal: { code: 'unknown_tool' } });
  const identity = { principal: null, validUntil: null, waiting: [] };
  expect(stage.check(inboundView({ identity }))).toMatchObject({ refusal: { code: 'not_signed_in' } });
});
