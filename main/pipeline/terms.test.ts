import { describe, expect, it } from 'vitest';
import { alice, offeredTable, offeredTool, permits, toolCall } from '../../test/samples/pipeline.ts';
import { bench, got } from '../../test/samples/runner.ts';
import type { Terms } from './stage.ts';

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
      approvals: { ask: () => Promise.resolve('approved') },
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
      'policy says so only since the person was asked: they were not told',
      { approval: 'required' },
      { full: 'approved', approval: 'required' },
      50,
    ],
    [
      'policy said so before the person was asked only',
      { full: 'approved', approval: 'required' },
      { approval: 'required' },
      50,
    ],
  ])('where %s', async (...[, first, again, rows]) => {
    expect(await seen(first, again)).toBe(rows);
  });
});
