import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { auditRecordSchema, type AuditRecord } from './contract/audit.ts';
import type { Code } from './contract/errors.ts';
import { createRefusalFold } from './refusal-fold.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nobody = { person: null, tool: 'probe_echo' };
const callId = (number: number): string => `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`;

function intent(number: number): AuditRecord {
  const about = { operation: 'read', classification: 'internal', argumentShape: {}, policy: null } as const;
  return { event: 'call-intent', callId: callId(number), program: 'a', ...nobody, ...about };
}

function outcome(number: number, program = 'a', code: Code | null = 'not_signed_in'): AuditRecord {
  const sizes = { rows: null, resultBytes: 0, backendBytes: 0, durationMs: 1 };
  const how = { decision: 'refused', code, stage: 'admit', policy: null } as const;
  return { event: 'call-outcome', callId: callId(number), program, ...nobody, ...how, ...sizes };
}

function bench() {
  const written: AuditRecord[] = [];
  const append = (record: AuditRecord): void => void written.push(auditRecordSchema.parse(record));
  const fold = createRefusalFold({ append, appendDurably: async (record) => append(record) });
  const folded = () => written.filter((record) => record.event === 'refusals-folded');
  return { fold, written, folded };
}

it('writes a hundred refusals of a program, counts the rest by kind, and loses none', () => {
  const { fold, written, folded } = bench();
  for (let number = 0; number < 10_000; number += 1) fold.append(outcome(number));
  for (let number = 0; number < 50; number += 1) fold.append(outcome(number, 'a', null));
  for (let number = 0; number < 50; number += 1) fold.append(outcome(number, 'b'));
  expect(written).toHaveLength(150);
  vi.advanceTimersByTime(1000);
  expect(folded()).toEqual([
    { event: 'refusals-folded', program: 'a', person: null, code: 'not_signed_in', count: 9900 },
    { event: 'refusals-folded', program: 'a', person: null, code: null, count: 50 },
  ]);
  vi.advanceTimersByTime(1000);
  fold.append(outcome(1));
  expect(written.at(-1)).toMatchObject({ event: 'call-outcome', program: 'a' });
});

it('holds also for a program that calls itself something else each time', () => {
  const { fold, written, folded } = bench();
  for (let number = 0; number < 20_000; number += 1) fold.append(outcome(number, `name ${number}`));
  fold.flush();
  expect(written.length).toBeLessThan(350);
  expect(folded().reduce((sum, { count }) => sum + count, written.length - folded().length)).toBe(20_000);
});

it('always writes the outcome of a call that has an intent', async () => {
  const { fold, written } = bench();
  for (let number = 0; number < 1000; number += 1) fold.append(outcome(number));
  const before = written.length;
  await fold.appendDurably(intent(2000));
  fold.append(outcome(2000));
  fold.append({ event: 'lifecycle', what: 'paused', person: null, subject: 'sallyport', detail: '' });
  expect(written.slice(before)).toMatchObject([{ event: 'call-intent' }, { callId: callId(2000) }, { what: 'paused' }]);
});
