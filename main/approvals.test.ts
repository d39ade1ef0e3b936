import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { alice, toolCall } from '../test/samples/pipeline.ts';
import {
  answerMs,
  createApprovals,
  denialMs,
  maxAsked,
  maxAskedAMinute,
  maxAskedByProgram,
  maxDenials,
  useMs,
  waitMs,
} from './approvals.ts';
import type { Approval, ApprovalAnswer } from './contract/approval.ts';
import type { AuditRecord } from './contract/audit.ts';
import type { Progress } from './contract/call.ts';
import type { Classification } from './contract/labels.ts';
import type { Principal } from './contract/principal.ts';
import { canonicalCall, shownCall } from './pipeline/shown-call.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => vi.useRealTimers());

interface Who {
  readonly principal?: Principal;
  readonly program?: string;
  readonly toolName?: string;
  readonly hasRead?: Classification;
  readonly full?: boolean;
}

function bench() {
  const sent: Approval[] = [];
  const answers: ((answer: ApprovalAnswer) => void)[] = [];
  const withdrawn: string[] = [];
  const records: AuditRecord[] = [];
  const approvals = createApprovals({
    send: (approval) => {
      sent.push(approval);
      return new Promise((resolve) => answers.push(resolve));
    },
    withdraw: (id) => withdrawn.push(id),
    record: (record) => records.push(record),
    epochMs: Date.now,
    monotonicMs: () => performance.now(),
  });
  const progress: Progress[] = [];
  let calls = 0;
  const start = (args: Record<string, unknown> = { a: 1 }, who: Who = {}) => {
    const stop = new AbortController();
    const base = toolCall(args, who.toolName ?? 'probe_write');
    const key = who.program ?? 'a-test';
    const call = {
      ...base,
      callId: `00000000-0000-4000-8000-${String((calls += 1)).padStart(12, '0')}`,
      caller: { ...base.caller, key, program: key },
      listener: { progress: (note: Progress) => progress.push(note) },
    };
    const asked = {
      call,
      principal: who.principal ?? alice,
      tool: { title: 'Write', operation: 'write' as const },
      canonical: canonicalCall(call),
      shown: shownCall(call),
      hasRead: who.hasRead ?? null,
      full: who.full ?? false,
    };
    return { stop, outcome: approvals.ask(asked, stop.signal) };
  };
  const ask = async (args?: Record<string, unknown>, who?: Who) => {
    const { outcome } = start(args, who);
    await vi.advanceTimersByTimeAsync(waitMs);
    return outcome;
  };
  const answer = async (what: ApprovalAnswer, at = answers.length - 1) => {
    answers[at]?.(what);
    await vi.advanceTimersByTimeAsync(0);
  };
  const whats = () => records.map((record) => (record.event === 'lifecycle' ? record.what : record.event));
  return { approvals, sent, withdrawn, records, progress, start, ask, answer, whats };
}

const other: Principal = { ...alice, subject: 'bob-subject' };

describe('an approval', () => {
  it('while the call waits lets it run; the question has all that runs', async () => {
    const { start, answer, sent, whats, records } = bench();
    const { outcome } = start({ amount: 12 });
    await answer('approve');
    expect(await outcome).toBe('approved');
    expect(sent).toMatchObject([
      { program: 'a-test', executable: '/usr/bin/a-test', person: 'alice', tool: 'probe_write', title: 'Write' },
    ]);
    expect(sent[0]?.shown).toBe('{\n  "amount": 12\n}');
    expect(whats()).toEqual(['approval-asked', 'approval-given']);
    expect(JSON.stringify(records)).toContain(sent[0]?.argumentHash);
    expect(JSON.stringify(records)).not.toContain('amount');
  });

  it('is asked anew each time: it was for one call', async () => {
    const { start, answer, sent } = bench();
    const first = start();
    await answer('approve');
    await first.outcome;
    const second = start();
    await answer('deny');
    expect(await second.outcome).toBe('denied');
    expect(sent).toHaveLength(2);
  });

  it('after the wait lets the same call run once', async () => {
    const { ask, answer, sent } = bench();
    expect(await ask()).toBe('pending');
    await answer('approve');
    expect(await ask()).toBe('approved');
    expect(await ask()).toBe('pending');
    expect(sent).toHaveLength(2);
  });

  it('lets one of two same calls run, not both', async () => {
    const { start, ask, answer } = bench();
    const waiting = start();
    expect(await start().outcome).toBe('pending');
    await answer('approve');
    expect(await waiting.outcome).toBe('approved');
    expect(await ask()).toBe('pending');
  });

  it('lets a call that came back to wait run', async () => {
    const { start, ask, answer, sent } = bench();
    await ask();
    const again = start();
    await answer('approve');
    expect(await again.outcome).toBe('approved');
    expect(sent).toHaveLength(1);
  });

  it.each<[string, Record<string, unknown>, Who]>([
    ['other arguments', { a: 2 }, {}],
    ['more arguments', { a: 1, b: 1 }, {}],
    ['the same number as text', { a: '1' }, {}],
    ['another person', { a: 1 }, { principal: other }],
    ['the same subject of another issuer', { a: 1 }, { principal: { ...alice, issuer: 'https://other' } }],
    ['another program', { a: 1 }, { program: 'another' }],
    ['another tool', { a: 1 }, { toolName: 'probe_delete' }],
  ])('is not for %s', async (_what, args, who) => {
    const { ask, answer } = bench();
    await ask({ a: 1 });
    await answer('approve');
    expect(await ask(args, who)).toBe('pending');
    expect(await ask({ a: 1 })).toBe('approved');
  });

  it('runs out when it is not used, says so once, and is asked for anew', async () => {
    const { ask, answer, sent } = bench();
    await ask();
    await answer('approve');
    await vi.advanceTimersByTimeAsync(useMs);
    expect(await ask()).toBe('expired');
    expect(await ask()).toBe('pending');
    expect(sent).toHaveLength(2);
  });

  it('given after its time is none', async () => {
    const { ask, answer, withdrawn, sent, whats } = bench();
    await ask();
    await vi.advanceTimersByTimeAsync(answerMs);
    expect(withdrawn).toEqual([sent[0]?.id]);
    await answer('approve');
    expect(await ask()).toBe('expired');
    expect(whats()).toEqual(['approval-asked', 'approval-over']);
  });
});

describe('no answer, and a no', () => {
  it('tells the program that it waits, each time more', async () => {
    const { ask, progress } = bench();
    await ask();
    expect(progress.length).toBeGreaterThan(5);
    expect(progress.every(({ progress: now }, at) => at === 0 || now > (progress[at - 1]?.progress ?? 0))).toBe(true);
    expect(progress.every(({ progress: now }) => now > 0 && now < 1)).toBe(true);
  });

  it('a denial holds for a while', async () => {
    const { start, ask, answer, sent } = bench();
    const first = start();
    await answer('deny');
    expect(await first.outcome).toBe('denied');
    expect(await ask()).toBe('denied');
    await vi.advanceTimersByTimeAsync(denialMs - 2 * waitMs);
    expect(await ask()).toBe('denied');
    await vi.advanceTimersByTimeAsync(2 * waitMs);
    expect(await ask()).toBe('pending');
    expect(sent).toHaveLength(2);
  });

  it('a program that is denied again and again cannot nag with other arguments; another program is heard', async () => {
    const { start, ask, answer, sent } = bench();
    for (let at = 0; at < maxDenials; at += 1) {
      const { outcome } = start({ at });
      await answer('deny');
      await outcome;
    }
    expect(await ask({ at: 'new' })).toBe('denied');
    expect(sent).toHaveLength(maxDenials);
    expect(await ask({ at: 'new' }, { program: 'another' })).toBe('pending');
    await vi.advanceTimersByTimeAsync(denialMs);
    expect(await ask({ at: 'new' })).toBe('pending');
  });

  it('no window is no approval, and nothing is kept of it', async () => {
    const { start, answer, sent } = bench();
    const first = start();
    await answer('unavailable');
    expect(await first.outcome).toBe('unavailable');
    start();
    expect(sent).toHaveLength(2);
  });

  it('a shell that is gone is no window', async () => {
    const approvals = createApprovals({
      send: () => Promise.reject(new TypeError('closed')),
      withdraw: () => undefined,
      record: () => undefined,
      epochMs: Date.now,
      monotonicMs: () => performance.now(),
    });
    const call = toolCall();
    const asked = {
      call,
      principal: alice,
      tool: { title: 'W', operation: 'write' as const },
      canonical: '',
      shown: '',
      hasRead: null,
      full: false,
    };
    expect(await approvals.ask(asked, new AbortController().signal)).toBe('unavailable');
  });

  it('tells what the program has read, and is no approval for a call of which the person was told less', async () => {
    const { start, answer, sent, ask } = bench();
    expect(await ask({ a: 1 })).toBe('pending');
    await answer('approve');
    expect(await ask({ a: 1 }, { hasRead: 'sensitive' })).toBe('pending');
    expect(await ask({ a: 1 }, { full: true })).toBe('pending');
    expect(sent.map(({ hasRead, full }) => [hasRead, full])).toEqual([
      [undefined, undefined],
      ['sensitive', undefined],
      [undefined, true],
    ]);
    expect(await start({ a: 1 }).outcome).toBe('approved');
  });

  it('a call that nobody waits for is not asked about any more', async () => {
    const { start, answer, withdrawn, sent, ask } = bench();
    const { stop, outcome } = start();
    stop.abort('cancelled');
    expect(await outcome).toBe('stopped');
    expect(withdrawn).toEqual([sent[0]?.id]);
    await answer('approve');
    expect(await ask()).toBe('pending');
  });
});

it('asking and taking back, again and again, is bounded', async () => {
  const { start, sent } = bench();
  const outcomes: string[] = [];
  for (let at = 0; at < 2 * maxAskedAMinute; at += 1) {
    const { stop, outcome } = start({ at });
    stop.abort('cancelled');
    outcomes.push(await outcome);
  }
  expect(sent).toHaveLength(maxAskedAMinute);
  expect(outcomes.slice(maxAskedAMinute)).toEqual(Array.from({ length: maxAskedAMinute }, () => 'crowded'));
  await vi.advanceTimersByTimeAsync(60_000);
  start({ at: 'later' });
  expect(sent).toHaveLength(maxAskedAMinute + 1);
});

describe('what is kept', () => {
  it('is gone when the person leaves, changes or pauses', async () => {
    const { approvals, start, ask, answer, withdrawn, sent } = bench();
    await ask({ approved: 1 });
    await answer('approve');
    await ask({ denied: 1 });
    await answer('deny');
    await ask({ asked: 1 });
    const waiting = start({ waiting: 1 });
    await vi.advanceTimersByTimeAsync(0);
    approvals.clear();
    expect(await waiting.outcome).toBe('stopped');
    expect(withdrawn).toEqual([sent[2]?.id, sent[3]?.id]);
    // Both come too late.
    await answer('approve', 2);
    await answer('approve', 3);
    for (const args of [{ approved: 1 }, { denied: 1 }, { asked: 1 }, { waiting: 1 }])
      expect(await ask(args)).toBe('pending');
  });

  it('of one program is gone with its consent', async () => {
    const { approvals, ask, answer } = bench();
    await ask();
    await answer('approve');
    await ask({ a: 1 }, { program: 'another' });
    await answer('approve');
    approvals.clear(({ key }) => key === 'a-test');
    expect(await ask()).toBe('pending');
    expect(await ask({ a: 1 }, { program: 'another' })).toBe('approved');
  });

  it('is bounded: for each program, and for all', async () => {
    const { start, ask, sent } = bench();
    for (let at = 0; at < maxAskedByProgram; at += 1) start({ at });
    expect(await start({ at: 'more' }).outcome).toBe('crowded');
    for (let at = maxAskedByProgram; at < maxAsked; at += 1) start({ at }, { program: `program ${at}` });
    expect(await start({ at: 'more' }, { program: 'one more' }).outcome).toBe('crowded');
    expect(sent.length).toBe(maxAsked);
    // The same call is still found among them.
    expect(await ask({ at: 0 })).toBe('pending');
  });
});
