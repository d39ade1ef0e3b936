import { expect, it } from 'vitest';
import { alice, inboundView } from '../../../test/samples/pipeline.ts';
import type { InboundView } from '../stage.ts';
import { createAdmit } from './admit.ts';

const gateOf = (consent: 'allowed' | 'denied' | 'unknown', paused = false): InboundView['gate'] => ({
  paused,
  consentTo: () => consent,
});

it('admits a signed-in person’s call from an allowed program', () => {
  expect(createAdmit().check(inboundView())).toEqual({ pass: true });
});

it.each<[string, Partial<InboundView>, string]>([
  ['all is paused', { gate: gateOf('allowed', true) }, 'paused'],
  ['the program has no consent', { gate: gateOf('unknown') }, 'agent_not_allowed'],
  ['the person denied the program', { gate: gateOf('denied') }, 'agent_not_allowed'],
  ['nobody is signed in', { identity: { principal: null, validUntil: null, waiting: [] } }, 'not_signed_in'],
  ['the person was not confirmed in time', { nowMs: 2001 }, 'access_ended'],
  ['there is no such tool', { tool: null }, 'unknown_tool'],
  [
    'its connector waits',
    { identity: { principal: alice, validUntil: 2000, waiting: ['probe'] } },
    'reauthentication_required',
  ],
])('refuses when %s', (_when, more, code) => {
  expect(createAdmit().check(inboundView(more))).toMatchObject({ pass: false, refusal: { code } });
});

it('does not tell an unknown program which tools exist', () => {
  const view = inboundView({ gate: gateOf('unknown'), tool: null });
  expect(createAdmit().check(view)).toMatchObject({ refusal: { code: 'agent_not_allowed' } });
});

it('lets an unknown program try again once it was allowed, and a denied one not', () => {
  const retryOf = (gate: InboundView['gate']): unknown => createAdmit().check(inboundView({ gate }));
  expect(retryOf(gateOf('denied'))).toMatchObject({ refusal: { retry: 'never' } });
  // The code's own answer: after_approval.
  expect(retryOf(gateOf('unknown'))).not.toHaveProperty('refusal.retry');
});
