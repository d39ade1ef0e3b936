import { describe, expect, it } from 'vitest';
import { createCsv, createJsonLines } from './row-text.ts';

describe('CSV', () => {
  const line = (...values: unknown[]): string => createCsv([]).row(values);

  it.each<[string, unknown[], string]>([
    ['plain values', ['a', 1, -1.5, true, null], 'a,1,-1.5,true,\r\n'],
    ['a comma, a quote, line breaks', ['a,b', 'say "x"', 'a\nb', 'a\r\nb'], '"a,b","say ""x""","a\nb","a\r\nb"\r\n'],
    ['nothing apart from empty text', [null, ''], ',""\r\n'],
    ['blanks at the ends', [' a', 'a '], '" a","a "\r\n'],
    ['values that have members', [{ a: [1, 'x'] }], '"{""a"":[1,""x""]}"\r\n'],
  ])('%s', (_what, values, text) => expect(line(...values)).toBe(text));

  it.each([
    '=1+1',
    '+cmd|x',
    '-2+3',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    ' =1',
    '＝1',
    '=HYPERLINK("http://x","y")',
    '\t',
    '-',
  ])('a formula is text: %j', (formula) => {
    const csv = createCsv([]);
    const bare = csv
      .row([formula])
      .replace(/^"/, '')
      .replace(/"?\r\n$/, '');
    expect([bare.startsWith("'"), csv.defused]).toEqual([true, 1]);
  });

  it.each(['-1', '+1.5', '-.5', '-1e10', 'a=b', 'mail@example.com'])('what computes nothing stays: %j', (text) => {
    const csv = createCsv([]);
    expect([csv.row([text]), csv.defused]).toEqual([`${text}\r\n`, 0]);
  });

  it('names of columns are cells too', () => {
    const csv = createCsv(['id', '=cmd', 'a,b']);
    expect([csv.head, csv.defused]).toEqual([`id,'=cmd,"a,b"\r\n`, 1]);
  });
});

describe('JSON Lines', () => {
  it('are objects with values as they are', () => {
    const lines = createJsonLines(['id', 'note']);
    expect(lines.head + lines.row([1, '=1\n']) + lines.row([2, null])).toBe(
      '{"id":1,"note":"=1\\n"}\n{"id":2,"note":null}\n',
    );
  });

  it('have every column once, whatever it is called', () => {
    const text = createJsonLines(['id', 'id', 'id (2)', '__proto__', 'id']).row([1, 2, 3, 4, 5]);
    expect(text).toBe('{"id":1,"id (3)":2,"id (2)":3,"__proto__":4,"id (4)":5}\n');
  });
});
