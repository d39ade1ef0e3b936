import { describe, expect, it } from 'vitest';
import { alice, forbids, offeredTable, offeredTool, permits, toolCall } from '../../test/samples/pipeline.ts';
import type { AuditRecord } from '../contract/audit.ts';
import { Fault } from '../contract/errors.ts';
import type { CallReport } from './account.ts';
import { createFlowLabels } from './flow.ts';
import { createPipeline, type Dispatched, type PipelineDeps } from './pipeline.ts';
import type { Terms } from './stage.ts';

function bench(more: Partial<PipelineDeps> = {}) {
  const records: AuditRecord[] = [];
  const reports: CallReport[] = [];
  const dispatched: string[] = [];
  const tool = offeredTool();
  const pipeline = createPipeline({
    tools: () => [tool],
    findTool: (name) => (name === tool.name ? tool : null),
    identity: () => ({ principal: alice, validUntil: null, waiting: [] }),
    gate: () => ({ paused: false, consentTo: () => 'allowed' }),
    authorizer: { decide: () => permits },
    audit: {
      appendDurably: (record) => {
        records.push(record);
        return Promise.resolve();
      },
      append: (record) => {
        records.push(record);
      },
    },
    quotas: { reserve: () => null, settle: () => undefined },
    approvals: { ask: () => Promise.resolve('denied') },
    flows: createFlowLabels(),
    dispatch: ({ call }) => {
      dispatched.push(call.callId);
      return Promise.resolve({ ok: true, value: { text: 'x', rows: [1, 2] }, resultBytes: 10, backendBytes: 20 });
    },
    clock: { epochMs: () => 1, monotonicMs: () => 1 },
    report: (report) => reports.push(report),
    keepRows: () => ({ push: () => undefined, finish: () => Promise.resolve(null), abandon: () => undefined }),
    pseudonym: (text) => `#${text.length}`,
    ...more,
  });
  return { pipeline, records, reports, dispatched };
}

const got = (value: unknown): Dispatched => ({ ok: true, value, resultBytes: 1, backendBytes: 1 });

describe('the runner', () => {
  it('writes the intent before it dispatches and one outcome after', async () => {
    const order: string[] = [];
    const { pipeline, records, reports } = bench({
      audit: {
        appendDurably: (record) => {
          order.push(record.event);
          return Promise.resolve();
        },
        append: (record) => {
          order.push(record.event);
          records.push(record);
        },
      },
      dispatch: () => {
        order.push('dispatch');
        return Promise.resolve(got({ text: 'x', rows: [1, 2] }));
      },
    });
    const outcome = await pipeline.run(toolCall());
    expect(outcome).toMatchObject({
      kind: 'released',
      result: { value: { text: 'x' }, text: '{"text":"x","rows":[1,2]}' },
    });
    expect(order).toEqual(['call-intent', 'dispatch', 'call-outcome']);
    expect(records[0]).toMatchObject({ decision: 'released', rows: 2, policy: 'p', stage: null });
    expect(reports).toMatchObject([{ outcome: 'released', person: alice.username }]);
  });

  it('refuses before dispatch when the log cannot be written', async () => {
    const { pipeline, dispatched } = bench({
      audit: { appendDurably: () => Promise.reject(new Fault('audit_unavailable', 'full')), append: () => undefined },
    });
    expect(await pipeline.run(toolCall())).toMatchObject({ refusal: { code: 'audit_unavailable' } });
    expect(dispatched).toEqual([]);
  });

  it('dispatches nothing that a stage refused, and says which', async () => {
    const { pipeline, dispatched, records } = bench({
      authorizer: { decide: () => forbids },
    });
    expect(await pipeline.run(toolCall())).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
    expect(dispatched).toEqual([]);
    expect(records).toMatchObject([{ event: 'call-outcome', decision: 'refused', stage: 'authorize', policy: 'no' }]);
  });

  it.each<[string, Partial<PipelineDeps>]>([
    [
      'the authorizer',
      {
        authorizer: {
          decide: () => {
            throw new TypeError('secret detail');
          },
        },
      },
    ],
    ['the dispatcher', { dispatch: () => Promise.reject(new TypeError('secret detail')) }],
    [
      'the identity',
      {
        identity: () => {
          throw new TypeError('secret detail');
        },
      },
    ],
    [
      'the result',
      {
        dispatch: () =>
          Promise.resolve(
            got({
              get text(): string {
                throw new TypeError('secret detail');
              },
            }),
          ),
      },
    ],
  ])('turns a throw in %s into a refusal without its words', async (_where, more) => {
    const { pipeline, records } = bench(more);
    const outcome = await pipeline.run(toolCall());
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { code: 'internal' } });
    expect(JSON.stringify([outcome, records])).not.toContain('secret detail');
    expect(records.at(-1)).toMatchObject({ event: 'call-outcome', decision: 'failed', code: 'internal' });
  });

  it('releases nothing that an outbound stage refused', async () => {
    const { pipeline, records } = bench({ dispatch: () => Promise.resolve(got({ text: 'x', salary: 1 })) });
    expect(await pipeline.run(toolCall())).toMatchObject({ refusal: { code: 'output_not_allowed' } });
    expect(records.at(-1)).toMatchObject({ stage: 'check-contract', resultBytes: 1 });
  });

  it.each(['access_ended', 'paused'] as const)('stops what runs as %s, even when a result comes', async (code) => {
    const { pipeline } = bench({
      dispatch: async (_cleared, signal) => {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        return got({ text: 'too late' });
      },
    });
    const running = pipeline.run(toolCall());
    await Promise.resolve();
    pipeline.stopAll(code);
    expect(await running).toMatchObject({ kind: 'refused', refusal: { code } });
    await pipeline.idle();
  });

  it('stops between intent and dispatch', async () => {
    let pause = (): void => undefined;
    const { pipeline, dispatched } = bench({
      audit: {
        appendDurably: () => {
          pause();
          return Promise.resolve();
        },
        append: () => undefined,
      },
    });
    pause = () => {
      pipeline.stopAll('paused');
    };
    expect(await pipeline.run(toolCall())).toMatchObject({ refusal: { code: 'paused' } });
    expect(dispatched).toEqual([]);
  });

  it('gives a cancelled call no answer, and writes it down', async () => {
    const controller = new AbortController();
    controller.abort();
    const { pipeline, records, reports, dispatched } = bench();
    expect(await pipeline.run({ ...toolCall(), signal: controller.signal })).toEqual({ kind: 'cancelled' });
    expect(dispatched).toEqual([]);
    expect(records.at(-1)).toMatchObject({ decision: 'interrupted', code: null });
    expect(reports).toEqual([]);
  });

  it('lists by the same stages', () => {
    const { caller } = toolCall();
    expect(bench().pipeline.visible(caller)).toHaveLength(1);
    expect(bench({ gate: () => ({ paused: true, consentTo: () => 'allowed' }) }).pipeline.visible(caller)).toEqual([]);
    expect(bench({ authorizer: { decide: () => ({ ...forbids, policy: null }) } }).pipeline.visible(caller)).toEqual(
      [],
    );
  });

  it('has every stage of the design, in order', () => {
    expect(bench().pipeline.stages.map(({ stage }) => stage)).toEqual([
      'admit',
      'check-arguments',
      'authorize',
      'limit-rate',
      'ask-approval',
      'check-contract',
      'classify',
      'redact',
      'minimize',
      'scrub-secrets',
    ]);
  });
});

describe('what a call cost', () => {
  const costs = async (more: Partial<PipelineDeps>) => {
    const settled: unknown[] = [];
    const { pipeline } = bench({
      quotas: { reserve: () => null, settle: (_call, cost) => settled.push(cost) },
      ...more,
    });
    await pipeline.run(toolCall());
    return settled;
  };

  it('is settled once, with our own count of what was released', async () => {
    expect(await costs({})).toEqual([{ rows: 2, bytes: '{"text":"x","rows":[1,2]}'.length }]);
  });

  it.each<[string, Partial<PipelineDeps>]>([
    ['withheld', { dispatch: () => Promise.resolve(got({ salary: 1 })) }],
    ['a failure', { dispatch: () => Promise.reject(new TypeError('x')) }],
    ['refused by a stage', { authorizer: { decide: () => forbids } }],
  ])('is nothing but the call where it was %s', async (_how, more) => {
    expect(await costs(more)).toEqual([{ rows: 0, bytes: 0 }]);
  });

  it('beyond the limit it does not run', async () => {
    const refused = { code: 'quota_exhausted', what: 'rows', retryAfterMs: 1 } as const;
    const { pipeline, dispatched } = bench({ quotas: { reserve: () => refused, settle: () => undefined } });
    expect(await pipeline.run(toolCall())).toMatchObject({ refusal: { code: 'quota_exhausted', retryAfterMs: 1 } });
    expect(dispatched).toEqual([]);
  });
});

describe('a call that waits for the person', () => {
  const write = offeredTool({ operation: 'write' });
  const waiting = (more: Partial<PipelineDeps> = {}) => {
    let answer = (_outcome: 'approved' | 'denied'): void => undefined;
    const now = { principal: alice, paused: false, permitted: true };
    const made = bench({
      findTool: () => write,
      identity: () => ({ principal: now.principal, validUntil: null, waiting: [] }),
      gate: () => ({ paused: now.paused, consentTo: () => 'allowed' }),
      authorizer: { decide: () => (now.permitted ? permits : forbids) },
      approvals: {
        ask: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
      ...more,
    });
    return { ...made, now, answer: (outcome: 'approved' | 'denied') => answer(outcome) };
  };

  it('runs after it was approved, and has its intent then', async () => {
    const { pipeline, records, dispatched, answer } = waiting();
    const running = pipeline.run(toolCall());
    expect([records, dispatched]).toEqual([[], []]);
    answer('approved');
    expect(await running).toMatchObject({ kind: 'released' });
    expect(records.map(({ event }) => event)).toEqual(['call-intent', 'call-outcome']);
  });

  it('does not run when it was denied', async () => {
    const { pipeline, records, dispatched, answer } = waiting();
    const running = pipeline.run(toolCall());
    answer('denied');
    expect(await running).toMatchObject({ refusal: { code: 'approval_denied' } });
    expect(dispatched).toEqual([]);
    expect(records).toMatchObject([{ event: 'call-outcome', stage: 'ask-approval', policy: 'p' }]);
  });

  it.each<[string, (now: { principal: typeof alice; paused: boolean; permitted: boolean }) => void, string]>([
    ['the person paused', (now) => (now.paused = true), 'paused'],
    ['policy changed', (now) => (now.permitted = false), 'not_permitted'],
    ['the person changed', (now) => (now.principal = { ...alice, subject: 'other' }), 'access_ended'],
    ['the issuer changed', (now) => (now.principal = { ...alice, issuer: 'https://other' }), 'access_ended'],
  ])('does not run, approved, when meanwhile %s', async (_what, change, code) => {
    const { pipeline, dispatched, now, answer } = waiting();
    const running = pipeline.run(toolCall());
    change(now);
    answer('approved');
    expect(await running).toMatchObject({ refusal: { code } });
    expect(dispatched).toEqual([]);
  });

  it('is stopped with the code of what stopped it, even as it is approved', async () => {
    const { pipeline, dispatched, answer } = waiting();
    const running = pipeline.run(toolCall());
    pipeline.stopAll('access_ended');
    answer('approved');
    expect(await running).toMatchObject({ refusal: { code: 'access_ended' } });
    expect(dispatched).toEqual([]);
  });

  it('does not run when asking breaks', async () => {
    const { pipeline, dispatched } = waiting({
      approvals: { ask: () => Promise.reject(new TypeError('secret detail')) },
    });
    expect(await pipeline.run(toolCall())).toMatchObject({ refusal: { code: 'internal' } });
    expect(dispatched).toEqual([]);
  });
});

describe('what a program has read', () => {
  const read = offeredTool({ name: 'look', classification: 'sensitive' });
  const write = offeredTool({ operation: 'write' });
  const scene = (flow: 'refuse' | 'approve' = 'refuse') => {
    let release = (): void => undefined;
    let principal = alice;
    const made = bench({
      findTool: (name) => (name === read.name ? read : write),
      identity: () => ({ principal, validUntil: null, waiting: [] }),
      authorizer: { decide: () => ({ ...permits, exposure: 'sensitive', flow }) },
      approvals: { ask: () => Promise.resolve('approved') },
      dispatch: ({ tool }) =>
        tool.operation === 'write'
          ? Promise.resolve(got({ text: 'written' }))
          : new Promise((resolve) => {
              release = () => {
                resolve(got({ text: 'secret' }));
              };
            }),
    });
    const as = (key: string, toolName: string) => {
      const call = toolCall({ text: 'x' }, toolName);
      return made.pipeline.run({ ...call, caller: { ...call.caller, key } });
    };
    return { ...made, as, release: () => release(), change: (to: typeof alice) => (principal = to) };
  };
  const refused = { kind: 'refused', refusal: { code: 'flow_not_allowed' } };

  it('is refused to a destination that may receive less, from before the answer to the read', async () => {
    const { as, release, records } = scene();
    expect(await as('one', write.name)).toMatchObject({ kind: 'released' });
    const reading = as('one', read.name);
    await new Promise((resolve) => setImmediate(resolve));
    // The read is with its connector: nothing of it was released yet.
    expect(await as('one', write.name)).toMatchObject(refused);
    release();
    await reading;
    expect(await as('one', write.name)).toMatchObject(refused);
    expect(records.at(-1)).toMatchObject({ stage: 'ask-approval', code: 'flow_not_allowed', policy: 'p' });
  });

  it('stays with its program and person', async () => {
    const { as, release, change } = scene();
    const reading = as('one', read.name);
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await reading;
    expect(await as('two', write.name)).toMatchObject({ kind: 'released' });
    change({ ...alice, subject: 'bob' });
    expect(await as('one', write.name)).toMatchObject({ kind: 'released' });
    change(alice);
    expect(await as('one', write.name)).toMatchObject(refused);
  });

  it('goes where the person lets it, when policy lets them decide', async () => {
    const { as, release } = scene('approve');
    const reading = as('one', read.name);
    await new Promise((resolve) => setImmediate(resolve));
    release();
    await reading;
    expect(await as('one', write.name)).toMatchObject({ kind: 'released' });
  });

  it('a read that a stage refused labels nothing', async () => {
    const { as, pipeline } = scene();
    const call = toolCall({ other: 'x' }, read.name);
    expect(await pipeline.run({ ...call, caller: { ...call.caller, key: 'one' } })).toMatchObject({ kind: 'refused' });
    expect(await as('one', write.name)).toMatchObject({ kind: 'released' });
  });
});

describe('all rows of a result', () => {
  const table = offeredTable({ name: 'look' });
  const seen = async (more: Partial<Terms>, again: Partial<Terms> = more) => {
    const decisions = [more, again].map((each) => ({ ...permits, ...each }));
    const { pipeline } = bench({
      findTool: () => table,
      authorizer: { decide: () => decisions.shift() ?? permits },
      approvals: { ask: ({ full }) => Promise.resolve(full ? 'approved' : 'denied') },
      dispatch: async (_cleared, _signal, openTable) => {
        const sink = openTable({ columns: [{ name: 'id', type: 'integer' }] });
        await sink?.take(Array.from({ length: 200 }, (_, id) => [id]));
        return { ok: 'rows', rest: {}, resultBytes: 1, backendBytes: 1 };
      },
    });
    const outcome = await pipeline.run(toolCall({ text: 'x' }, table.name));
    return outcome.kind === 'released' ? (outcome.result.value['rows'] as unknown[]).length : outcome.kind;
  };

  it.each<[string, Partial<Terms>, Partial<Terms> | undefined, number]>([
    ['policy and the person say so', { full: 'approved', approval: 'required' }, undefined, 200],
    ['policy says so, and nobody is asked', { full: 'approved' }, undefined, 50],
    ['policy does not say so', {}, undefined, 50],
    [
      'policy said so before the person was asked only',
      { full: 'approved', approval: 'required' },
      { approval: 'required' },
      50,
    ],
  ])('where %s', async (_where, first, again, rows) => {
    expect(await seen(first, again)).toBe(rows);
  });
});
