import { describe, expect, it } from 'vitest';
import { alice, forbids, offeredTool, permits, toolCall } from '../../test/samples/pipeline.ts';
import { fromTemplate } from '../../test/samples/secrets.ts';
import { bench, got } from '../../test/samples/runner.ts';
import { Fault } from '../contract/errors.ts';
import type { PipelineDeps } from './pipeline.ts';

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

it('no credential leaves in a connector’s own words', async () => {
  const { text } = fromTemplate('glpat-{w20}', 3);
  const sizes = { resultBytes: 0, backendBytes: 0 };
  const says = { ...sizes, ok: false, refusal: { code: 'connector_failed', say: `no: ${text}` } } as const;
  const requests = { name: { kind: 'elicitation', params: { message: text } } } as const;
  const asks = { ...sizes, ok: 'asks', asks: { requests, state: text } } as const;
  for (const [dispatched, tool] of [
    [says, offeredTool()],
    [asks, offeredTool({ asks: ['elicitation'] })],
  ] as const) {
    const { pipeline } = bench({ findTool: () => tool, dispatch: () => Promise.resolve(dispatched) });
    const outcome = await pipeline.run(toolCall());
    const left = outcome.kind === 'asked' ? outcome.asks.requests : outcome;
    expect(JSON.stringify(left)).toContain('[redacted: GitLab token]');
    expect(JSON.stringify(left)).not.toContain(text);
  }
});
