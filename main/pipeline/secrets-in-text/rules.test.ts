/** Linear time, by structure: see also the hostile strings of `test/bench/secrets.bench.ts`. */
import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp';
import { expect, it, test } from 'vitest';
import { secretRules } from './secret-finder.ts';

/** What could be more than linear in a pattern that is tried at one place: no bound, or a repetition inside a long one. */
function faults(pattern: string): string[] {
  const found: string[] = [];
  const open: AST.Quantifier[] = [];
  visitRegExpAST(new RegExpParser().parsePattern(pattern), {
    onQuantifierEnter(quantifier) {
      if (!Number.isFinite(quantifier.max)) found.push(`no bound: ${quantifier.raw}`);
      if (quantifier.max > 1 && open.some(({ max }) => max > mostRepeatedRepetition))
        found.push(`inside: ${quantifier.raw}`);
      open.push(quantifier);
    },
    onQuantifierLeave() {
      open.pop();
    },
    onBackreferenceEnter(reference) {
      found.push(`back reference: ${reference.raw}`);
    },
  });
  return found;
}

const mostRepeatedRepetition = 8;

it.each([
  ['a+', 1],
  ['a{2,}', 1],
  ['(?:a{1,9}){1,99}', 1],
  ['(?:a{1,9}b){0,4}', 0],
  ['(a)\\1', 1],
  ['a{1,99}b?', 0],
])('the measure itself: %s has %i', (pattern, count) => {
  expect(faults(pattern)).toHaveLength(count);
});

test.each(secretRules.map(({ kind, pattern }) => [kind, pattern] as const))('%s is bounded: %s', (_kind, pattern) => {
  expect(faults(pattern)).toEqual([]);
});

test.each(secretRules.map((rule) => [rule.kind, rule] as const))(
  '%s: its keywords begin its pattern',
  (_kind, rule) => {
    for (const keyword of rule.keywords) {
      expect(keyword).toMatch(/^[\x20-\x7e]{3,}$|^machine\t$/);
    }
    expect(() => new RegExp(rule.pattern, 'dy')).not.toThrow();
  },
);
