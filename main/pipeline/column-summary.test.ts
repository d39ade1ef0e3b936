import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createColumnCounter, createSummaryBudget, summaryBounds } from './column-summary.ts';

const column = { name: 'a', type: 'text' };
function summaryOf(values: Iterable<unknown>, hidden = false) {
  const counter = createColumnCounter(column, hidden, createSummaryBudget());
  for (const value of values) counter.add(value);
  return counter.summary(3);
}

describe('the summary of a column', () => {
  it('is exact whatever the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(null), fc.integer({ min: -5, max: 5 })), { maxLength: 200 }),
        (values) => {
          const numbers = values.filter((value) => value !== null);
          const { nulls = 0, distinct, min, max, top = [] } = summaryOf(values);
          expect([nulls, distinct]).toEqual([values.length - numbers.length, new Set(numbers).size]);
          if (numbers.length > 0) expect([min, max]).toEqual([Math.min(...numbers), Math.max(...numbers)]);
          for (const [value, count] of top) expect(numbers.filter((each) => each === value)).toHaveLength(count);
        },
      ),
    );
  });
  it('names the most frequent, the most frequent first', () => {
    expect(summaryOf(['b', 'a', 'b', 'c', 'b', 'a', 'd'])).toEqual({
      name: 'a',
      distinct: 4,
      top: [
        ['b', 3],
        ['a', 2],
        ['c', 1],
      ],
    });
  });
  it('says "more than" beyond its bound, and no most frequent', () => {
    const many = Array.from({ length: summaryBounds.distinct + 1 }, (_, n) => n);
    expect(summaryOf([...many, 7])).toEqual({ name: 'a', distinctOver: summaryBounds.distinct, min: 0, max: 1000 });
    expect(summaryOf(['x', 'x', 'y'.repeat(201)])).toEqual({ name: 'a', distinctOver: 1 });
    expect(summaryOf([[1], [1]])).toEqual({ name: 'a', distinctOver: 0 });
  });
  it('of many columns together holds no more than its budget', () => {
    const budget = createSummaryBudget();
    const counters = Array.from({ length: 200 }, () => createColumnCounter(column, false, budget));
    for (let n = 0; n < 900; n += 1) for (const counter of counters) counter.add(`${n}`.padStart(200, 'x'));
    expect(budget.characters).toBeGreaterThanOrEqual(0);
    const told = counters.map((counter) => counter.summary(1));
    expect(told.some(({ distinct }) => distinct === 900)).toBe(true);
    expect(told.some(({ distinctOver }) => distinctOver !== undefined && distinctOver < 900)).toBe(true);
  });
  it('orders dates and moments, and mixes nothing', () => {
    expect(summaryOf(['2026-01-02', '2025-12-31'])).toMatchObject({ min: '2025-12-31', max: '2026-01-02' });
    expect(summaryOf(['2026-01-01T10:00:00.5Z', '2026-01-01T10:00:00Z'])).toMatchObject({
      min: '2026-01-01T10:00:00Z',
      max: '2026-01-01T10:00:00.5Z',
    });
    expect(summaryOf([1, '9007199254740993'])).not.toHaveProperty('min');
    expect(summaryOf(['2026-01-01', 'soon'])).not.toHaveProperty('min');
  });
  it('counts nothing where the values are hidden, not the nulls', () => {
    expect(summaryOf(['a', null, 5], true)).toEqual({ name: 'a' });
  });
});
