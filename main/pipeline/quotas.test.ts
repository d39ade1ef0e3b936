import { describe, expect, it } from 'vitest';
import { toolCall } from '../../test/samples/pipeline.ts';
import type { Quota } from '../contract/config.ts';
import { createQuotas, maxLevels, slotMs, type KeptQuotas, type QuotasDeps } from './quotas.ts';

const quota: Quota = { callsPerMinute: 60, burst: 10, rowsPerHour: 1000, bytesPerHour: 100_000 };
const wide: Quota = { callsPerMinute: 1e6, burst: 1e6, rowsPerHour: 1e9, bytesPerHour: 1e12 };
const nothing: KeptQuotas = { forgot: false, levels: {} };

function bench(more: Partial<QuotasDeps> = {}) {
  const clock = { ms: 0 };
  let changes = 0;
  const quotas = createQuotas({
    limits: { person: quota, tool: wide },
    monotonicMs: () => clock.ms,
    hash: (text) => text,
    kept: { quotas: nothing, agoMs: 0 },
    onChange: () => (changes += 1),
    ...more,
  });
  const reserve = (subject = 'alice', toolName = 'probe_echo', issuer = 'i') => {
    const call = toolCall();
    return { call, refused: quotas.reserve(call, { issuer, subject, toolName, maxResultBytes: 1000 }) };
  };
  const use = (cost: { rows?: number; bytes?: number }, subject?: string) => {
    const { call, refused } = reserve(subject);
    quotas.settle(call, { rows: 0, bytes: 0, ...cost });
    return refused;
  };
  return { clock, quotas, reserve, use, changes: () => changes };
}

const passes = (number: number, one: () => unknown): number =>
  Array.from({ length: number }, one).filter((refused) => refused === null).length;

describe('calls', () => {
  it('a burst at once, then at the sustained rate', () => {
    const { clock, use } = bench();
    expect(passes(20, () => use({}))).toBe(10);
    expect(use({})).toMatchObject({ code: 'rate_limited', retryAfterMs: 1000 });
    clock.ms += 999;
    expect(use({})).not.toBeNull();
    clock.ms += 1;
    expect(use({})).toBeNull();
    clock.ms += 3_600_000;
    expect(passes(20, () => use({}))).toBe(10);
  });

  it('one person does not use up another’s, nor one of the same name of another issuer; a tool has its own', () => {
    const { use, reserve } = bench();
    passes(20, () => use({}));
    expect(use({}, 'bob')).toBeNull();
    expect(reserve('alice', 'probe_echo', 'other').refused).toBeNull();
    const tools = bench({ limits: { person: wide, tool: quota } });
    passes(20, () => tools.use({}));
    expect(tools.use({})).toMatchObject({ what: expect.stringContaining('this tool') as unknown });
    expect(tools.reserve('alice', 'probe_other').refused).toBeNull();
  });

  it('what is refused is not counted', () => {
    const { clock, use } = bench();
    passes(1000, () => use({}));
    clock.ms += 1000;
    expect(use({})).toBeNull();
  });
});

describe('rows and bytes', () => {
  it('no more in any hour, but for what the last call brought beyond', () => {
    const { clock, use } = bench();
    expect(use({ rows: 900 })).toBeNull();
    expect(use({ rows: 900 })).toBeNull();
    expect(use({ rows: 1 })).toMatchObject({ code: 'quota_exhausted' });
    clock.ms += 60 * 60_000 - 1;
    expect(use({ rows: 1 })).not.toBeNull();
    clock.ms += slotMs + 1;
    expect(use({ rows: 1 })).toBeNull();
  });

  it('says how long', () => {
    const { clock, use } = bench();
    use({ bytes: 50_000 });
    clock.ms += 30 * 60_000;
    use({ bytes: 60_000 });
    const refused = use({});
    expect(refused?.code).toBe('quota_exhausted');
    clock.ms += refused?.retryAfterMs ?? 0;
    expect(use({})).toBeNull();
    expect(refused?.retryAfterMs).toBeLessThan(40 * 60_000);
  });

  it('sets aside what calls in flight may bring: they cannot together pass what one may not', () => {
    const { reserve, quotas } = bench({ limits: { person: { ...wide, bytesPerHour: 64_000 }, tool: wide } });
    const running = Array.from({ length: 100 }, () => reserve());
    expect(running.filter(({ refused }) => refused === null)).toHaveLength(64);
    expect(running.at(-1)?.refused).toMatchObject({ code: 'rate_limited', retryAfterMs: 1000 });
    // Nothing came of them: nothing is used.
    for (const { call } of running) quotas.settle(call, { rows: 0, bytes: 0 });
    expect(reserve().refused).toBeNull();
  });

  it('settles a call once', () => {
    const { reserve, quotas } = bench();
    const { call } = reserve();
    quotas.settle(call, { rows: 10, bytes: 10 });
    quotas.settle(call, { rows: 990, bytes: 10 });
    expect(reserve().refused).toBeNull();
  });
});

describe('over restarts', () => {
  const exhausted = (): KeptQuotas => {
    const before = bench();
    passes(20, () => before.use({ rows: 200 }));
    before.reserve('running');
    return before.quotas.state();
  };

  it('what was used stays used, and what was in flight counts', () => {
    const kept = exhausted();
    const { use } = bench({ kept: { quotas: kept, agoMs: 0 } });
    expect(use({})).toMatchObject({ code: 'quota_exhausted' });
    expect(Object.values(kept.levels).some(({ bytes }) => bytes[0] === 1000)).toBe(true);
  });

  it('gives back what passed, and no more', () => {
    const kept = exhausted();
    const after = (agoMs: number) => bench({ kept: { quotas: kept, agoMs } });
    expect(after(30 * 60_000).use({})).toMatchObject({ code: 'quota_exhausted' });
    expect(after(66 * 60_000).use({})).toBeNull();
    expect(passes(20, () => after(66 * 60_000).use({}))).toBe(20);
  });

  it('a missing or damaged state is a burst used: a tenth, then the sustained rate', () => {
    const { clock, use } = bench({ kept: null });
    expect(passes(20, () => use({}))).toBe(1);
    clock.ms += 1000;
    expect(use({})).toBeNull();
    const rows = bench({ kept: null });
    rows.use({ rows: 100 });
    rows.clock.ms += 1000;
    expect(rows.use({})).toMatchObject({ code: 'quota_exhausted' });
    rows.clock.ms += 2 * slotMs;
    expect(rows.use({})).toBeNull();
    // And it is remembered for whoever comes after the next start.
    expect(rows.quotas.state().forgot).toBe(true);
  });

  it('and after an hour, whoever is new then is new', () => {
    const { clock, use, quotas } = bench({ kept: null });
    clock.ms += 65 * 60_000;
    expect(passes(20, () => use({}))).toBe(10);
    expect(quotas.state().forgot).toBe(false);
  });

  it('who was not here in a run is kept', () => {
    const kept = exhausted();
    const { quotas, use } = bench({ kept: { quotas: kept, agoMs: 1000 } });
    use({}, 'bob');
    const again = bench({ kept: { quotas: quotas.state(), agoMs: 1000 } });
    expect(again.use({})).toMatchObject({ code: 'quota_exhausted' });
  });

  it('a limit that was narrowed meanwhile holds', () => {
    const before = bench({ limits: { person: wide, tool: wide } });
    before.use({});
    const { use } = bench({ kept: { quotas: before.quotas.state(), agoMs: 0 } });
    expect(passes(20, () => use({}))).toBe(10);
  });
});

it('a flood of names is bounded, and frees nobody who used something', () => {
  const { use, reserve, quotas } = bench();
  passes(20, () => use({}));
  for (let at = 0; at < 3 * maxLevels; at += 1) reserve(`someone ${at}`);
  expect(Object.keys(quotas.state().levels).length).toBeLessThanOrEqual(maxLevels);
  // Forgotten, and so not new.
  expect(passes(20, () => use({}))).toBeLessThanOrEqual(1);
});

it('a clock that goes back gives nothing and breaks nothing', () => {
  const { clock, use } = bench();
  clock.ms = 10 * 60_000;
  passes(20, () => use({}));
  clock.ms = 0;
  expect(use({})).not.toBeNull();
});
