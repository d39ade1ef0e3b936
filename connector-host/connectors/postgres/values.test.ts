import { expect, it } from 'vitest';
import { maxValueLength, toJson, typeName } from './values.ts';

it.each([
  [16, 't', true],
  [16, 'f', false],
  [23, '-5', -5],
  [20, '9007199254740991', 9007199254740991],
  [20, '9007199254740993', '9007199254740993'],
  [1700, '1.50', 1.5],
  [1700, '100', 100],
  [1700, '0.10000000000000000001', '0.10000000000000000001'],
  [1700, 'NaN', 'NaN'],
  [701, '1e+300', 1e300],
  [701, 'Infinity', 'Infinity'],
  [25, '5', '5'],
  [1082, '2026-11-22', '2026-11-22'],
  [1114, '2026-11-22 10:00:00.5', '2026-11-22T10:00:00.5'],
  [1184, '2026-11-22 10:00:00+00', '2026-11-22T10:00:00Z'],
  [17, '\\x00ff10', { bytes: 3 }],
  [3802, '{"a": [1, 2]}', { a: [1, 2] }],
  [1007, '{1,NULL,{2,3}}', [1, null, [2, 3]]],
  [1009, '{"a,b","c\\"d"}', ['a,b', 'c"d']],
  [99999, 'whatever', 'whatever'],
])('type %i: %s', (oid, text, value) => {
  expect(toJson(oid, text)).toEqual({ value, cut: false });
});

it('null stays null, long texts are cut and say so', () => {
  expect(toJson(23, null)).toEqual({ value: null, cut: false });
  const { value, cut } = toJson(25, 'é'.repeat(maxValueLength + 1));
  expect(cut).toBe(true);
  expect(value).toMatch(/\[cut: 16385 characters\]$/);
});

it('names types', () => {
  expect([typeName(20), typeName(1016), typeName(123456)]).toEqual(['bigint', 'bigint[]', 'other']);
});
