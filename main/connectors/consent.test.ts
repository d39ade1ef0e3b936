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

async function decided(decision: 'allow' | 'deny', number: number) {
  const opened = desk();
  for (let at = 0; at < number; at += 1) {
    opened.see(`p${at}`);
    await opened.consent.decide(`p${at}`, decision);
  }
  opened.see('one more');
  return opened;
}

it('one more than a thousand cannot be allowed, but can be denied', async () => {
  const { consent, see, sent } = await decided('allow', 1000);
  await expect(consent.decide('one more', 'allow')).rejects.toThrow('forget some');
  await consent.decide('one more', 'deny');
  await consent.decide('p0', 'allow');
  expect(sent.at(-1)).toMatchObject({ allowed: { length: 1000 }, denied: ['one more'] });
  see('another');
  await consent.decide('p0', 'deny');
  await consent.decide('another', 'allow');
  expect(sent.at(-1)?.allowed).toHaveLength(1000);
});

it('a person can always deny: the denial that is oldest makes room, and the gateway never gets more than it takes', async () => {
  const { consent, sent, listed } = await decided('deny', 1000);
  await consent.decide('p0', 'deny');
  await consent.decide('one more', 'deny');
  expect(sent.at(-1)?.denied).toHaveLength(1000);
  expect(listed()).toContain('one more denied');
  expect(listed()).toContain('p0 denied');
  expect(listed()).not.toContain('p1 denied');
});
