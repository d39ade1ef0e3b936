import { expect, it } from 'vitest';
import type { Caller } from './contract/call.ts';
import type { ProgramSeen } from './contract/shell-channels.ts';
import { createAgentConsent } from './agent-consent.ts';

const caller = (key: string): Caller => ({ key, program: key, executable: `/usr/bin/${key}`, pid: 1 });

function consentWith(mode: 'ask' | 'allow') {
  const told: ProgramSeen[] = [];
  let nowMs = 0;
  const consent = createAgentConsent({
    mode,
    onUnknown: (program) => void told.push(program),
    monotonicMs: () => nowMs,
  });
  return { consent, told, wait: (ms: number) => (nowMs += ms) };
}

it('knows nobody, and tells once', () => {
  const { consent, told } = consentWith('ask');
  expect([consent.of(caller('a')), consent.of(caller('a')), consent.of(caller('b'))]).toEqual(Array(3).fill('unknown'));
  expect(told.map(({ key }) => key)).toEqual(['a', 'b']);
});

it('tells again of one that still asks, in case the shell lost it', () => {
  const { consent, told, wait } = consentWith('ask');
  consent.of(caller('a'));
  wait(10_000);
  consent.of(caller('a'));
  expect(told).toHaveLength(2);
});

it('answers as the person said, and forgets what they took back', () => {
  const { consent, told } = consentWith('ask');
  consent.replace({ allowed: ['a'], denied: ['b'] });
  expect([consent.of(caller('a')), consent.of(caller('b'))]).toEqual(['allowed', 'denied']);
  expect(told).toEqual([]);
  consent.replace({ allowed: [], denied: [] });
  expect(consent.of(caller('a'))).toBe('unknown');
  expect(told).toHaveLength(1);
});

it('a flood of names reaches the shell at a bounded rate, and none of them is allowed', () => {
  const { consent, told } = consentWith('ask');
  const answers = Array.from({ length: 5000 }, (_, at) => consent.of(caller(`name-${at}`)));
  expect(new Set(answers)).toEqual(new Set(['unknown']));
  expect(told.length).toBeLessThan(100);
});

it('without asking, a denial still counts', () => {
  const { consent } = consentWith('allow');
  consent.replace({ allowed: [], denied: ['b'] });
  expect([consent.of(caller('a')), consent.of(caller('b'))]).toEqual(['allowed', 'denied']);
});
