import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, createAggregate, isConnectorRefusal, line, paginate, type Page } from './sdk.ts';

const pages = (...all: Page<number, number>[]) => {
  const asked: (number | undefined)[] = [];
  const read = (cursor: number | undefined): Promise<Page<number, number>> => {
    asked.push(cursor);
    return Promise.resolve(all[cursor ?? 0] ?? { items: [] });
  };
  return { asked, read };
};
const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (isConnectorRefusal(error) ? error.code : 'other'),
  );

describe('paginate', () => {
  it('follows cursors to the last page', async () => {
    const { asked, read } = pages({ items: [1, 2], next: 1 }, { items: [], next: 2 }, { items: [3], next: null });
    expect(await collect(paginate(read), 10)).toEqual({ items: [1, 2, 3], truncated: false });
    expect(asked).toEqual([undefined, 1, 2]);
  });

  it('asks for no page that nobody wants', async () => {
    const { asked, read } = pages({ items: [1, 2], next: 1 }, { items: [3, 4], next: 2 }, { items: [5] });
    expect(await collect(paginate(read), 2)).toEqual({ items: [1, 2], truncated: true });
    expect(asked).toEqual([undefined, 1]);
  });

  it('ends where a backend turns in circles, or has no end', async () => {
    const { read } = pages({ items: [1], next: 1 }, { items: [2], next: 1 });
    expect(await codeOf(collect(paginate(read), 10))).toBe('backend_refused');
    const endless = (cursor = 0) => Promise.resolve({ items: [cursor], next: cursor + 1 });
    expect(await codeOf(collect(paginate(endless, { maxPages: 5 }), 100))).toBe('backend_refused');
  });

  it('stops with the call', async () => {
    const over = new AbortController();
    const { asked, read } = pages({ items: [1], next: 1 }, { items: [2] });
    const items = paginate(read, { signal: over.signal });
    await items.next();
    over.abort();
    await expect(items.next()).rejects.toThrow();
    expect(asked).toEqual([undefined]);
  });
});

describe('an aggregate', () => {
  const over = (values: readonly unknown[]) => {
    const of = (value: unknown) => value;
    const aggregate = createAggregate({
      measures: {
        all: { kind: 'count' },
        count: { kind: 'count', of },
        sum: { kind: 'sum', of },
        avg: { kind: 'avg', of },
        min: { kind: 'min', of },
        max: { kind: 'max', of },
      },
    });
    for (const value of values) aggregate.add(value);
    return aggregate.groups()[0]?.measures;
  };

  it('is exact where floating point is not', () => {
    expect(over([0.1, 0.2, '0.3', null])).toEqual({ all: 4, count: 3, sum: 0.6, avg: 0.2, min: 0.1, max: 0.3 });
    expect(over(['12345678901234567890.12', 1n])?.sum).toBe('12345678901234567891.12');
    expect(over([1e21, '-1e21', '1E-3'])?.sum).toBe(0.001);
    expect(over([1, 1, 2])?.avg).toBe(1.3333333333333333);
    expect(over([null])).toEqual({ all: 1, count: 0, sum: null, avg: null, min: null, max: null });
  });

  it('adds whole numbers as whole numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), { minLength: 1 }), (values) => {
        const sum = values.reduce((total, value) => total + value, 0n);
        expect(BigInt(String(over(values.map(String))?.sum))).toBe(sum);
      }),
    );
  });

  it('groups, and ends the call where groups would fill memory', () => {
    const aggregate = createAggregate<readonly [string, number], 'sum'>({
      measures: { sum: { kind: 'sum', of: ([, amount]) => amount } },
      groupBy: ([region]) => [region],
      maxGroups: 2,
    });
    for (const row of [
      ['a', 1.1],
      ['b', 2],
      ['a', 2.2],
    ] as const)
      aggregate.add(row);
    expect(aggregate.groups()).toEqual([
      { group: ['a'], measures: { sum: 3.3 } },
      { group: ['b'], measures: { sum: 2 } },
    ]);
    expect(() => {
      aggregate.add(['c', 1]);
    }).toThrow('too many groups');
  });

  it.each(['x', 'NaN', Infinity, {}, true, '1e99999', '9'.repeat(2000)])('refuses %s as a number', (value) => {
    expect(() => over([value])).toThrow('no number');
  });
});

it('a line of the log is text of the source and numbers', () => {
  expect(line`listed ${2} of ${3n}, ${true}: ${line`done`}`).toBe('listed 2 of 3, true: done');
});
