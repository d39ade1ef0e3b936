import { describe, expect, it } from 'vitest';
import { wrongText } from './plain-name.ts';

describe('a name', () => {
  it.each([
    ['orders'],
    ['Größe_2026'],
    ['Übersicht (alt)'],
    ['продажи'],
    ['Документы 2026'],
    ['売上レポート'],
    ['東京tower'],
    ['매출 2026'],
    ['דוח מכירות'],
    ['تقرير'],
    ['ελληνικά'],
    ['sales/отчет'],
    ['a/b'],
    ['n°1 – “x” €'],
  ])('%s is plain', (text) => {
    expect(wrongText('name', text)).toBeNull();
  });

  it.each([
    ['right-to-left override', 'orders\u202Etxt.exe', /direction/],
    ['an isolate', 'a\u2066b', /direction/],
    ['Arabic letter mark', 'a\u061Cb', /direction/],
    ['zero-width space', 'or\u200Bders', /invisible/],
    ['zero-width joiner', 'or\u200Dders', /invisible/],
    ['byte order mark', '\uFEFForders', /invisible/],
    ['word joiner', 'a\u2060b', /invisible/],
    ['a Hangul filler, which is a letter', 'a\u3164b', /invisible/],
    ['a variation selector', 'a\uFE0Fb', /invisible/],
    ['a tag character', 'a\u{E0041}b', /invisible/],
    ['a no-break space', 'a\u00A0b', /invisible/],
    ['a blank Braille pattern', 'a\u2800b', /invisible/],
    ['NUL', 'a\u0000b', /control/],
    ['a line', 'a\nb', /control/],
    ['a line separator', 'a\u2028b', /control/],
    ['private use', 'a\uE000', /control/],
    ['an unassigned character', 'a\u0378', /control/],
    ['a lone surrogate', 'a\ud800', /well-formed/],
    ['decomposed', 'cafe\u0301', /normal form C/],
    ['another sign for the same letter', '\u212B', /normal form C/],
    ['full width', '\uFF4Frders', /another form/],
    ['a mathematical letter', '\u{1D42E}sers', /another form/],
    ['a ligature', '\uFB01le', /another form/],
    ['a full-width slash', 'a\uFF0Fb', /another form/],
    ['a one-character ellipsis', 'a\u2026', /another form/],
    ['Cyrillic o in a Latin word', 'оrders', /several scripts/],
    ['Greek in a Latin word', 'οrders', /several scripts/],
    ['Cherokee, which no rule needs', 'ᎡᎡ', /several scripts/],
    ['Cyrillic that spells a Latin word', 'росе', /look Latin/],
    ['the same with a Latin word beside it', 'my-асе', /look Latin/],
    ['a space at the end', 'orders ', /space/],
  ])('is refused: %s', (_what, text, why) => {
    expect(wrongText('name', text)).toMatch(why);
  });
});

describe('a path', () => {
  it.each([['reports/2026/q1.csv'], ['/srv/data'], ['a..b/.hidden'], ['Документы/отчет.txt']])(
    '%s is plain',
    (text) => {
      expect(wrongText('path', text)).toBeNull();
    },
  );

  it.each([
    ['../etc/passwd', /segment/],
    ['a/../b', /segment/],
    ['a/..', /segment/],
    ['./a', /segment/],
    ['a/ .. /b', /segment/],
    ['..', /segment/],
    ['a\\..\\b', /backslash/],
    ['C:\\Windows', /backslash/],
    ['a%2e%2e/b', /percent-encoded/],
    ['a%2Fb', /percent-encoded/],
    ['a%00.csv', /percent-encoded/],
    ['a\u0000.csv', /control/],
    ['\uFF0E\uFF0E/a', /another form/],
    ['\u2025/a', /another form/],
    ['reports/\u202Evsc', /direction/],
  ])('%j is refused', (text, why) => {
    expect(wrongText('path', text)).toMatch(why);
  });
});

it('never says the text itself', () => {
  expect(wrongText('path', 'secret-folder/../x')).not.toContain('secret');
});
