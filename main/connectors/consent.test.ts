import { expect, it } from 'vitest';
import { createConsent, type ConsentAnswers } from './consent.ts';

function desk() {
  const sent: ConsentAnswers[] = [];
  let nowMs = 0;
  const consent = createConsent({
    epochMs: () => (nowMs += 1),
    onAnswers: (answers) => {
      sent.push(answers);
      return Promise.resolve();
    },
    onChange: () => undefined,
  });
  const see = (key: string): boolean => consent.seen({ key, program: key, executable: null, pid: null });
  const listed = (): string[] => consent.programs().map(({ key, decision }) => `${key} ${decision}`);
  return { consent, sent, see, listed };
}

it('a program waits until the person answers, and the gateway hears every answer', async () => {
  const { consent, sent, see, listed } = desk();
  see('a');
  see('b');
  expect(listed()).toEqual(['b waiting', 'a waiting']);
  await consent.decide('a', 'allow');
  await consent.decide('b', 'deny');
  expect(listed()).toEqual(['b denied', 'a allowed']);
  expect(sent.at(-1)).toEqual({ allowed: ['a'], denied: ['b'] });
});

it('an answer stands when the program shows itself again', async () => {
  const { consent, see, listed } = desk();
  see('a');
  await consent.decide('a', 'deny');
  see('a');
  expect(listed()).toEqual(['a denied']);
});

it('a forgotten program is unknown', async () => {
  const { consent, sent, see, listed } = desk();
  see('a');
  await consent.decide('a', 'allow');
  await consent.forget('a');
  expect(listed()).toEqual([]);
  expect(sent.at(-1)).toEqual({ allowed: [], denied: [] });
});

it('nothing is decided about a program that nobody saw', async () => {
  await expect(desk().consent.decide('ghost', 'allow')).rejects.toThrow('no such program');
});

it('a flood of names pushes out what waits, never an answer', async () => {
  const { consent, see, listed } = desk();
  see('real');
  await consent.decide('real', 'allow');
  for (let at = 0; at < 500; at += 1) see(`flood-${at}`);
  expect(listed()).toContain('real allowed');
  expect(listed().length).toBeLessThanOrEqual(51);
});
