import { describe, expect, it } from 'vitest';
import { clearedCall, offeredTable } from '../../test/samples/pipeline.ts';
import type { Classification } from '../contract/labels.ts';
import { createCheckContract } from './stages/check-contract.ts';
import { createClassify } from './stages/classify.ts';
import { caps, createMinimize } from './stages/minimize.ts';
import { createRedact } from './stages/redact.ts';
import { createTable } from './table.ts';
import { estimateTokens } from './tokens.ts';

const stages = {
  checkContract: createCheckContract(),
  classify: createClassify(),
  redact: createRedact((text) => `#${text.length}`),
  minimize: createMinimize(),
};
const columns = [
  { name: 'id', type: 'integer' },
  { name: 'region', type: 'text', source: 'shop.orders.region' },
  { name: 'email', type: 'text', source: 'shop.people.email' },
  { name: 'name', type: 'text', source: 'shop.people.name' },
];
const labels = {
  'shop.orders.region': { label: 'public', rule: null },
  'shop.people.email': { label: 'sensitive', rule: 'generalize' },
  'shop.people.name': { label: 'sensitive', rule: 'drop' },
} as const;

const fullTool = offeredTable({ limits: { timeoutMs: 1000, maxBackendBytes: 1_000_000, maxResultBytes: 100_000 } });
/** The tool's bytes: 100,000. */
async function inFull(rows: readonly unknown[]) {
  const table = createTable({ stages, keep: null }, clearedCall('sensitive', true), fullTool);
  await table.open({ columns })?.take(rows);
  return table.finish({ truncated: false });
}

async function through(
  rows: Iterable<unknown>,
  exposure: Classification = 'sensitive',
  rest: Record<string, unknown> = { truncated: false },
) {
  const tool = { ...offeredTable(), columnLabels: new Map(Object.entries(labels)) };
  const table = createTable({ stages, keep: null }, clearedCall(exposure), tool);
  const sink = table.open({ columns });
  let went = sink !== null;
  for (const row of rows) went &&= (await sink?.take([row])) ?? false;
  return { went, table, got: await table.finish(rest) };
}
const row = (id: number) => [id, ['north', 'south', 'west'][id % 3], `p${id}@example.org`, `Person ${id}`];
const many = (count: number) => Array.from({ length: count }, (_, id) => row(id));
const valueOf = (got: Awaited<ReturnType<typeof through>>['got']): Record<string, unknown> =>
  got.pass ? { ...got.value } : expect.unreachable(got.refusal.say);

describe('rows that policy and the person let go in full', () => {
  it('are all there, without a summary', async () => {
    const value = valueOf(await inFull(many(1000)));
    expect(value['rows']).toEqual(many(1000));
    expect(value).not.toHaveProperty('summary');
  });

  it('end at the bytes of the tool, and the rest is summarized', async () => {
    const value = valueOf(await inFull(many(5000)));
    const kept = value['rows'] as unknown[];
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept).toEqual(many(kept.length));
    expect(JSON.stringify(kept).length).toBeLessThan(110_000);
    expect(value).toMatchObject({ rowCount: 5000, summary: { rows: 5000 } });
  });
});

describe('a result in rows', () => {
  it('that is small leaves as it is', async () => {
    const { got } = await through(many(3));
    expect(valueOf(got)).toEqual({
      truncated: false,
      columns: columns.map(({ name, type }) => ({ name, type })),
      rows: many(3),
      rowCount: 3,
    });
  });

  it.each([51, 1000, 20_000])('of %i rows costs little, and its summary is over all', async (count) => {
    const { got } = await through(many(count));
    const value = valueOf(got);
    const text = JSON.stringify(value);
    expect(estimateTokens(text) + estimateTokens(JSON.stringify(text))).toBeLessThanOrEqual(caps.tokens);
    expect(value['rowCount']).toBe(count);
    const kept = value['rows'] as unknown[];
    expect(kept.length).toBeGreaterThan(5);
    expect(kept).toEqual(many(kept.length));
    const summary = value['summary'] as { rows: number; columns: Record<string, unknown>[] };
    expect(summary.rows).toBe(count);
    expect(summary.columns[0]).toMatchObject({ name: 'id', min: 0, max: count - 1 });
    expect(summary.columns[1]).toMatchObject({ name: 'region', distinct: 3 });
    expect((summary.columns[1]?.['top'] as [string, number][])[0]?.[1]).toBe(Math.ceil(count / 3));
  });

  it('has masked, generalized and withheld columns, in rows and in the summary', async () => {
    const { got } = await through(many(100), 'public');
    const value = valueOf(got);
    expect(value['columns']).toEqual([
      { name: 'id', type: 'integer', redacted: 'mask' },
      { name: 'region', type: 'text' },
      { name: 'email', type: 'text', redacted: 'generalize' },
    ]);
    expect(value['withheld']).toEqual(['name']);
    expect((value['rows'] as unknown[])[0]).toEqual(['***', 'north', '***@example.org']);
    const text = JSON.stringify(value);
    expect(text).not.toContain('Person');
    expect(text).not.toMatch(/p\d+@/);
    const { columns: summed } = value['summary'] as { columns: unknown[] };
    expect(summed[0]).toEqual({ name: 'id' });
    expect(summed[2]).toEqual({ name: 'email' });
  });

  it.each([null, 'mask', 'hash', 'generalize'] as const)(
    'tells nothing by a null where the rule is %s, neither in rows nor in the summary',
    async (rule) => {
      const columnLabels = new Map([['shop.people.email', { label: 'sensitive', rule } as const]]);
      const bits = { name: 'bit', type: 'integer', source: 'shop.people.email' };
      const told = async (value: unknown) => {
        const table = createTable({ stages, keep: null }, clearedCall('public'), { ...offeredTable(), columnLabels });
        await table.open({ columns: [bits] })?.take(Array.from({ length: 60 }, () => [value]));
        return valueOf(await table.finish({ truncated: false }));
      };
      const value = await told(null);
      expect(value['rows']).toEqual(Array.from({ length: 50 }, () => ['***']));
      expect(value['summary']).toEqual({ rows: 60, columns: [{ name: 'bit' }] });
      // A hash shows which values are the same, null among them; a text without domain or date has nothing general.
      if (rule !== 'hash') expect(await told('t')).toEqual(value);
    },
  );

  it('keeps few columns of a summary where there are many, and refuses what cannot be told at all', async () => {
    const wide = async (count: number) => {
      const tool = offeredTable();
      const table = createTable({ stages, keep: null }, clearedCall(), tool);
      const names = Array.from({ length: count }, (_, n) => ({ name: `column_${n}`, type: 'integer' }));
      const sink = table.open({ columns: names });
      await sink?.take(Array.from({ length: 200 }, (_, id) => names.map((_name, at) => id * at)));
      return table.finish({ truncated: false });
    };
    const sixty = valueOf(await wide(60));
    expect((sixty['summary'] as { rows: number }).rows).toBe(200);
    const text = JSON.stringify(sixty);
    expect(estimateTokens(text) + estimateTokens(JSON.stringify(text))).toBeLessThanOrEqual(caps.tokens);
    expect(await wide(1000)).toMatchObject({ pass: false, stage: 'minimize' });
  });
});

describe('is withheld, all of it, where', () => {
  it.each<[string, unknown[]]>([
    ['a row has a value too many', [row(1), [1, 'a', 'b', 'c', 'd']]],
    ['a row has a value too few', [[1]]],
    ['a row is no array', [{ id: 1 }]],
    ['a value is not as declared', [[1, 'a', 'b', { undeclared: 1 }]]],
  ])('%s', async (_what, rows) => {
    const { went, got, table } = await through(rows);
    expect(went).toBe(false);
    expect(got).toMatchObject({ pass: false, stage: 'check-contract', refusal: { code: 'output_not_allowed' } });
    expect(table.refused?.stage).toBe('check-contract');
  });
  it('what stands beside the rows is not declared', async () => {
    const { got } = await through(many(2), 'sensitive', { truncated: false, hidden: 1 });
    expect(got).toMatchObject({ pass: false, stage: 'check-contract' });
  });
  it('the tool does not give rows, or they are opened twice', () => {
    const table = createTable({ stages, keep: null }, clearedCall(), offeredTable());
    expect(table.open({ columns })).not.toBeNull();
    expect(table.open({ columns })).toBeNull();
  });
});
