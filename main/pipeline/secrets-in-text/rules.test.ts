/** Linear time, by structure: see also the hostile strings of `test/bench/secrets.bench.ts`. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp';
import ts from 'typescript';
import { expect, it, test } from 'vitest';
import { secretRules } from './secret-finder.ts';
import { escapesSource } from './unescape.ts';

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

/** Every literal of the folder: likeness, checks, escapes. */
function literals(): (readonly [file: string, pattern: string])[] {
  const folder = import.meta.dirname;
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return files.flatMap((file) => {
    const found: (readonly [string, string])[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) found.push([file, node.text.slice(1, node.text.lastIndexOf('/'))]);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(path.join(folder, file), 'utf8'), ts.ScriptTarget.Latest));
    return found;
  });
}

test('the literals are seen, and every file that builds an expression is known', () => {
  expect(literals().length).toBeGreaterThan(25);
  expect(new Set(literals().map(([file]) => file))).toContain('likeness.ts');
  const builders = readdirSync(import.meta.dirname).filter(
    (file) =>
      !file.endsWith('.test.ts') && readFileSync(path.join(import.meta.dirname, file), 'utf8').includes('new RegExp('),
  );
  // Of the table's, the patterns are checked above; of the unescaper's, one is below and one is a class alone.
  expect(builders.toSorted()).toEqual(['keyword-table.ts', 'unescape.ts']);
});

test.each([...literals(), ['unescape.ts', escapesSource] as const])('%s is bounded: %s', (_file, pattern) => {
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
