import { describe, expect, it } from 'vitest';
import type { Ledger } from '../contract/credentials.ts';
import { createRotationLedger, refuseTooOld } from './rotation-ledger.ts';

const dayMs = 86_400_000;
const start = 1_000 * dayMs;

function ledgerOf(entries: Ledger = []) {
  let now = start;
  const kept: unknown[] = [];
  const ledger = createRotationLedger({ changed: (each) => kept.push(each), now: () => now });
  ledger.load(entries);
  return { ledger, kept, pass: (days: number) => (now += days * dayMs) };
}

describe('the rotation ledger', () => {
  it('counts from the version’s own time, and tells whoever keeps it', () => {
    const { ledger, kept } = ledgerOf();
    expect(ledger.note('a', { number: 1, createdAt: start - 10 * dayMs })).toBe(10);
    expect(ledger.note('a', { number: 1, createdAt: start - 10 * dayMs })).toBe(10);
    expect(kept).toEqual([[{ name: 'a', version: 1, since: start - 10 * dayMs }]]);
  });

  it('lets no server make a version younger than it was', () => {
    const { ledger, pass } = ledgerOf();
    ledger.note('a', { number: 1, createdAt: start });
    pass(80);
    expect(ledger.note('a', { number: 1, createdAt: start + 80 * dayMs })).toBe(80);
    expect(ledger.note('a', { number: 2, createdAt: start + 80 * dayMs })).toBe(0);
  });

  it('counts a time ahead of the clock as now', () => {
    expect(ledgerOf().ledger.note('a', { number: 1, createdAt: start + dayMs })).toBe(0);
  });

  it('refuses an older version than was used, and takes a first one made anew', () => {
    const { ledger } = ledgerOf([{ name: 'a', version: 3, since: start - dayMs }]);
    expect(() => ledger.note('a', { number: 2, createdAt: start - 5 * dayMs })).toThrow(
      expect.objectContaining({ code: 'backend_refused' }),
    );
    expect(ledger.note('a', { number: 1, createdAt: start })).toBe(0);
  });

  it('knows nothing where it cannot be believed', () => {
    expect(() => ledgerOf(null).ledger.note('a', { number: 1, createdAt: start })).toThrow(
      expect.objectContaining({ code: 'protection_missing' }),
    );
  });

  it('lets a rotation be tried once an hour', () => {
    const { ledger, pass } = ledgerOf();
    expect([ledger.mayRotate('a'), ledger.mayRotate('a'), ledger.mayRotate('b')]).toEqual([true, false, true]);
    pass(1);
    expect(ledger.mayRotate('a')).toBe(true);
  });

  it('refuses past 90 days', () => {
    refuseTooOld('a', 90);
    expect(() => {
      refuseTooOld('a', 91);
    }).toThrow(expect.objectContaining({ code: 'protection_missing' }));
  });
});
