import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codec } from '../../test/contract/connected-pair.ts';
import { parseExactly } from './exact-json.ts';
import { decodeMessage, encodeMessage, noticeSchema } from './messages.ts';

/** Only what passes through here is parsed by V8 in this file: what it expects is as it would be in a process. */
function roundTrip(body: unknown): unknown {
  const bytes = encodeMessage(codec, { name: 'x', body });
  return bytes && decodeMessage(codec, noticeSchema, bytes)?.body;
}

describe('messages', () => {
  it('keep member names that V8 would take for others', () => {
    const first = { only: 1, '\\': 2 };
    const second = { only: 1, '"': 2 };
    expect(roundTrip(first)).toEqual(first);
    expect(roundTrip(second)).toEqual(second);
  });

  it.each([
    ['a member twice', '{"name":"x","name":"x","body":1}'],
    ['white space', '{"name":"x", "body":1}'],
    ['a needless escape', '{"name":"\\u0078","body":1}'],
    ['another form of a number', '{"name":"x","body":1.0}'],
    ['a number that JSON cannot hold', '{"name":"x","body":1e999}'],
    ['a member __proto__', '{"name":"x","body":{"__proto__":1}}'],
    ['a byte order mark', '\ufeff{"name":"x","body":1}'],
    ['more than one value', '{"name":"x","body":1}{}'],
    ['an unknown member', '{"name":"x","body":1,"more":1}'],
    ['a missing member', '{"name":"x"}'],
    ['nesting without end', `{"name":"x","body":${'['.repeat(500_000)}`],
    ['deep nesting', `{"name":"x","body":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ])('with %s are refused', (_, text) => {
    expect(decodeMessage(codec, noticeSchema, codec.encode(text))).toBeUndefined();
  });

  it('that are not UTF-8 are refused', () => {
    const bytes = codec.encode('{"name":"x","body":"é"}');
    expect(decodeMessage(codec, noticeSchema, bytes.with(bytes.indexOf(0xc3), 0xff))).toBeUndefined();
    expect(decodeMessage(codec, noticeSchema, bytes)).toEqual({ name: 'x', body: 'é' });
  });

  it('are not sent when the other end would refuse them', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const body of [JSON.parse('{"__proto__":1}'), 1n, cycle])
      expect(encodeMessage(codec, { body })).toBeUndefined();
    expect(encodeMessage(codec, { body: '"__proto__":' })).toBeDefined();
  });
});

describe('parseExactly', () => {
  it('reads what JSON.stringify writes, with or without white space', { timeout: 60_000 }, () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('\\', '"', '\\"', '{', ':', ','),
    );
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false, 0, -1.5, 1e21, 5e-324),
        text,
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      object: fc.dictionary(
        text.filter((name) => name !== '__proto__'),
        tie('value'),
        { maxKeys: 4, noNullPrototype: true },
      ),
    })).value;
    fc.assert(
      fc.property(json, fc.constantFrom(0, 1, 3), (value, indent) => {
        expect(parseExactly(JSON.stringify(value, null, indent))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });
});
