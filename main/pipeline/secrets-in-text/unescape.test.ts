import fc from 'fast-check';
import { expect, it } from 'vitest';
import { base64Runs, textsIn } from './encoded-runs.ts';
import { unescaped } from './unescape.ts';

/** What stands in the text, and the character that it means. */
const escapes = [
  ['%41', 'A'],
  ['%2f', '/'],
  ['%C2%A0', '\u00a0'],
  ['%EF%BC%A1', '\uff21'],
  ['\\u0041', 'A'],
  ['\\u{41}', 'A'],
  ['\\x41', 'A'],
  ['\\101', 'A'],
  ['\\"', '"'],
  ['\\n', '\n'],
  ['&#65;', 'A'],
  ['&#x41;', 'A'],
  ['&amp;', '&'],
  ['&lowbar;', '_'],
  ['\uff21', 'A'],
  ['\u24d0', 'a'],
  ['\ud835\udc00', 'A'],
  ['\u200b', ''],
  ['\u00ad', ''],
  ['\ufeff', ''],
] as const;
const plain = ['z', 'Q', '-', ' ', '.'].map((letter) => [letter, letter] as const);

it.each(escapes)('takes %s for %j', (escape, meaning) => {
  expect([...unescaped(`z${escape}z`)].map(({ text }) => text)).toEqual([`z${meaning}z`]);
});

it.each(['z', '100% of it', 'a & b', '&nothing;', '\\q', '%zz', 'ä', '€'])('has nothing to do in %s', (text) => {
  expect([...unescaped(text)]).toEqual([]);
});

it('knows where each character came from', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...escapes, ...plain), { minLength: 1, maxLength: 60 }), (list) => {
      const text = list.map(([escape]) => escape).join('');
      const [decoded] = unescaped(text);
      if (decoded === undefined) return;
      const seen = list.filter(([, meaning]) => meaning !== '');
      const places = Array.from({ length: decoded.text.length }, (_value, at) =>
        text.slice(...decoded.origin(at, at + 1)),
      );
      expect(decoded.text).toBe(seen.map(([, meaning]) => meaning).join(''));
      expect(places).toEqual(seen.map(([escape]) => escape));
    }),
  );
});

it('decodes neighbourhoods, not all between them', () => {
  const far = 'z'.repeat(10_000);
  const [first, second, ...others] = unescaped(`${far}%41${far}%42${far}`);
  expect(others).toEqual([]);
  expect(first?.text).toMatch(/^z{2048}Az{2048}$/);
  expect(second?.text).toMatch(/^z{2048}Bz{2048}$/);
  expect(second?.origin(2048, 2049)).toEqual([20_003, 20_006]);
});

it('sees text in base64 and hex in any alignment, and where it came from', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[ -~]{16,60}$/),
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('base64', 'base64url', 'hex'),
      (...[inside, before, after, encoding]) => {
        const bytes = Buffer.concat([before, Buffer.from([0xff]), Buffer.from(inside), Buffer.from([0xff]), after]);
        const text = `..${bytes.toString(encoding)}..`;
        const decoded = [...base64Runs(text)].flatMap((run) => [...textsIn(text, run)]);
        const found = decoded.find((each) => each.text.includes(inside));
        expect(found).toBeDefined();
        const at = found?.text.indexOf(inside) ?? 0;
        const [start, end] = found?.origin(at, at + inside.length) ?? [0, 0];
        const covered = Buffer.from(text.slice(start, end), encoding === 'hex' ? 'hex' : 'base64').toString('latin1');
        expect(covered).toContain(inside);
        expect(covered.length).toBeLessThanOrEqual(inside.length + 4);
      },
    ),
    { numRuns: 300 },
  );
});
