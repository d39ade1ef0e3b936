import fc from 'fast-check';
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { ColumnProfile, newBudget } from './column-profile.ts';
import { csvRecords, type CsvOptions } from './csv-records.ts';
import { compareValues, exactNumber, NumberColumn } from './exact-number.ts';
import { filterOf } from './filter.ts';
import { jsonLines } from './json-lines.ts';
import { createFinder } from './search.ts';
import type { Shape } from './shape.ts';

const cuts = fc.array(fc.nat({ max: 300 }), { maxLength: 10 });

/** As a network would: in pieces of any size. */
async function* pieces(bytes: Buffer, at: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const to of [...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (to > from) yield bytes.subarray(from, to);
    from = Math.max(from, to);
  }
}

async function rowsOf(shape: Shape): Promise<{ columns: readonly string[]; rows: unknown[] }> {
  const rows: unknown[] = [];
  for await (const batch of shape.rows) rows.push(...batch);
  return { columns: shape.columns, rows };
}

const options: CsvOptions = { encoding: 'utf-8', delimiter: ',', header: true };
const csv = async (text: string | Buffer, more: Partial<CsvOptions> = {}, at: readonly number[] = []) => {
  const shape = await csvRecords(pieces(Buffer.from(text), at), { ...options, ...more });
  return { ...(await rowsOf(shape)), told: shape.told };
};
const jsonl = async (text: string, at: readonly number[] = []) => {
  const shape = await jsonLines(pieces(Buffer.from(text), at));
  return { ...(await rowsOf(shape)), told: shape.told };
};

describe('CSV', () => {
  it('is what was written, wherever a piece ends', async () => {
    const field = fc.string({ unit: fc.constantFrom(...Array.from('ab ,"\n;é漢🙂')), minLength: 1, maxLength: 6 });
    const record = fc.array(field, { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 8 }),
        fc.constantFrom('\n', '\r\n'),
        cuts,
        async (records, newline, at) => {
          const text = Papa.unparse([['a', 'b', 'c'], ...records], { newline, quotes: true });
          const { columns, rows } = await csv(`${text}${newline}`, {}, at);
          expect(columns).toEqual(['a', 'b', 'c']);
          expect(rows).toEqual(records);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('without quotes takes the fast way, with the same result', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }), cuts, async (records, at) => {
        const text = ['a,b', ...records.map((record) => record.join(','))].join('\n');
        expect((await csv(text, {}, at)).rows).toEqual(records.map((record) => record.map(String)));
      }),
    );
  });

  it('has names for all columns, and says which records are uneven', async () => {
    expect(await csv('a,a,,a_2\n1,2\n1,2,3,4,5\n')).toEqual({
      columns: ['a', 'a_2', 'column_3', 'a_2_2'],
      rows: [
        ['1', '2', null, null],
        ['1', '2', '3', '4'],
      ],
      told: { records: 2, uneven: 2 },
    });
    expect(await csv('1;2\n3;4', { delimiter: ';', header: false })).toMatchObject({
      columns: ['column_1', 'column_2'],
      rows: [
        ['1', '2'],
        ['3', '4'],
      ],
    });
    expect(await csv('')).toMatchObject({ columns: [], rows: [] });
    expect(await csv('\ufeffa\n\n1\n')).toMatchObject({ columns: ['a'], rows: [['1']] });
    expect(await csv(Buffer.from([0x61, 0x0a, 0x80, 0x92]), { encoding: 'windows-1252' })).toMatchObject({
      rows: [['€’']],
    });
  });
});

describe('JSON lines', () => {
  it('are what was written, wherever a piece ends', async () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null));
    const member = fc.record({ a: value, 'b"\\é': value });
    await fc.assert(
      fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 10 }), cuts, async (members, at) => {
        const text = members.map((each) => JSON.stringify(each)).join('\n');
        const { columns, rows } = await jsonl(text, at);
        expect(
          rows.map((row) => Object.fromEntries(columns.map((name, column) => [name, (row as unknown[])[column]]))),
        ).toEqual(members);
      }),
    );
  });

  it('keep numbers and names as they are written', async () => {
    const text = '{"a":12345678901234567890,"b":0.1,"c":1e400,"d":1.50}\n{"a":1,"\\u0062":2,"__proto__":3}\n';
    expect(await jsonl(text)).toMatchObject({
      columns: ['a', 'b', 'c', 'd', '__proto__'],
      rows: [
        ['12345678901234567890', 0.1, `1${'0'.repeat(400)}`, 1.5, null],
        [1, 2, null, null, 3],
      ],
    });
  });

  it('name a member as it is, though V8 took it for another', async () => {
    const { columns, rows } = await jsonl('{"only":1,"\\\\":2}\n{"only":1,"\\"":2}\n');
    expect([columns, rows]).toEqual([
      ['only', '\\', '"'],
      [
        [1, 2, null],
        [1, null, 2],
      ],
    ]);
  });
});

describe('numbers', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat({ max: 6 }))
    .map(([units, scale]) => ({ units, scale }));
  const written = ({ units, scale }: { units: bigint; scale: number }): string => {
    const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
    const whole = digits.slice(0, digits.length - scale);
    return `${units < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
  };
  const millionths = ({ units, scale }: { units: bigint; scale: number }): bigint => units * 10n ** BigInt(6 - scale);

  it('are added and compared exactly', () => {
    fc.assert(
      fc.property(fc.array(decimal, { minLength: 1, maxLength: 50 }), (numbers) => {
        const column = new NumberColumn();
        for (const each of numbers) expect(column.add(written(each))).toBe(true);
        const sum = numbers.reduce((total, each) => total + millionths(each), 0n);
        expect(column.sum).toEqual(exactNumber(written({ units: sum, scale: 6 })));
        const sorted = numbers.map(millionths).sort((a, b) => (a < b ? -1 : 1));
        expect(column.min).toEqual(exactNumber(written({ units: sorted[0] ?? 0n, scale: 6 })));
        expect(column.max).toEqual(exactNumber(written({ units: sorted.at(-1) ?? 0n, scale: 6 })));
      }),
    );
  });

  it('stay exact over many that a float would round', () => {
    const column = new NumberColumn();
    for (let at = 0; at < 100_000; at += 1) column.add('0.1');
    column.add('999999999999999');
    column.add('999999999999999.9');
    expect(column.sum).toBe('2000000000009998.9');
  });

  it.each(['007', '+1', '1.', '.5', '1e', '', ' 1', '0x1', '1_000', 'NaN', '1,5', '--1', '1.2.3'])(
    '%j is none',
    (text) => {
      expect(new NumberColumn().add(text)).toBe(false);
    },
  );

  it('are compared as numbers where both are, else as text', () => {
    expect(compareValues('10', '9')).toBeGreaterThan(0);
    expect(compareValues('10a', '9')).toBeLessThan(0);
    expect(compareValues('12345678901234567891', '12345678901234567890')).toBeGreaterThan(0);
    expect(compareValues('1.50', '1.5')).toBe(0);
  });
});

describe('a profile of a column', () => {
  const profileOf = (...values: unknown[]) => {
    const column = new ColumnProfile(newBudget());
    for (const value of values) column.add(value);
    return column.profile();
  };

  it('says what was counted and nothing more', () => {
    expect(profileOf('1', null, '2')).toEqual(['number', 2, 1, 2, 1, 2, 3, 1.5]);
    expect(profileOf('1', 'x')).toEqual(['text', 2, 0, 2, '1', 'x', null, null]);
    expect(profileOf(true, false)).toEqual(['boolean', 2, 0, 2, 'false', 'true', null, null]);
    expect(profileOf({ a: 1 }, [1])).toEqual(['json', 2, 0, 2, null, null, null, null]);
    expect(profileOf()).toEqual(['empty', 0, 0, 0, null, null, null, null]);
    expect(profileOf('x'.repeat(201))).toEqual(['text', 1, 0, null, null, null, null, null]);
    expect(profileOf(...Array.from({ length: 1001 }, (_, at) => `v${at}`))[3]).toBe(null);
  });
});

describe('conditions', () => {
  const keeps = (condition: Parameters<typeof filterOf>[1]) => filterOf(['a', 'b'], condition);
  it('hold for what they say, and null for none', () => {
    expect(keeps([{ column: 'a', operator: '>=', value: 10 }])(['10.0', null])).toBe(true);
    expect(keeps([{ column: 'a', operator: '<>', value: 10 }])([null, null])).toBe(false);
    expect(keeps([{ column: 'b', operator: 'is_null' }])(['1', null])).toBe(true);
    expect(keeps([{ column: 'a', operator: 'contains', value: 'x' }])(['axb', null])).toBe(true);
    expect(() => keeps([{ column: 'a', operator: '=' }])).toThrow('needs a value');
    expect(() => keeps([{ column: 'c', operator: 'is_null' }])).toThrow('no such column');
  });
});

it('a search finds each place once, wherever a piece ends', async () => {
  const unit = fc.constantFrom(...Array.from('ab\né'));
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit, maxLength: 600 }),
      fc.string({ unit, minLength: 1, maxLength: 3 }),
      cuts,
      async (text, needle, at) => {
        const finder = createFinder({ text: needle, ignoreCase: false, offset: 0 });
        const found: number[] = [];
        const lines: number[] = [];
        const take = ({ offset, line }: { offset: number; line: number }): void => {
          found.push(offset);
          lines.push(line);
        };
        for await (const piece of pieces(Buffer.from(text), at)) for (const match of finder.push(piece)) take(match);
        for (const match of finder.end()) take(match);
        const bytes = Buffer.from(text);
        const expected: number[] = [];
        for (
          let from = bytes.indexOf(needle);
          from !== -1;
          from = bytes.indexOf(needle, from + Buffer.byteLength(needle))
        )
          expected.push(from);
        expect(found).toEqual(expected);
        expect(lines).toEqual(expected.map((offset) => bytes.subarray(0, offset).toString().split('\n').length));
      },
    ),
  );
});
