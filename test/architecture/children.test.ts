/** No program that the product starts has our own environment: each start in `main/` builds the one that it gives. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const starts = /^(spawn|spawnSync|exec|execSync|execFile|execFileSync|fork)$/;

interface Start {
  readonly at: string;
  /** What is wrong with the environment that it gives. */
  readonly problem: string | undefined;
}

function startsIn(file: string, text: string): Start[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Start[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && starts.test(node.expression.text))
      found.push({
        at: `${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`,
        problem: problemOf(node, source),
      });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function problemOf(call: ts.CallExpression, source: ts.SourceFile): string | undefined {
  const options = call.arguments.find((argument) => ts.isObjectLiteralExpression(argument));
  const given = options?.properties.find((property) => property.name?.getText(source) === 'env');
  if (given === undefined) return 'its options say nothing of "env"';
  if (!ts.isPropertyAssignment(given)) return '"env" is not built in place';
  return isBuilt(given.initializer, source) ? undefined : '"env" is an environment as it was found';
}

/** Made here: members one by one, or by a function. */
function isBuilt(value: ts.Expression, source: ts.SourceFile): boolean {
  if (ts.isConditionalExpression(value)) return isBuilt(value.whenTrue, source) && isBuilt(value.whenFalse, source);
  if (ts.isCallExpression(value)) return true;
  if (!ts.isObjectLiteralExpression(value)) return false;
  return value.properties.every(
    (each) => !ts.isSpreadAssignment(each) || each.expression.getText(source) !== 'process.env',
  );
}

const files = globSync('main/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));

test('every start builds the environment of what it starts', () => {
  const found = files.flatMap((file) => startsIn(file, readFileSync(path.join(root, file), 'utf8')));
  expect(found.length).toBeGreaterThan(12);
  expect(found.filter(({ problem }) => problem !== undefined)).toEqual([]);
});

test('nothing else starts programs', () => {
  // By the functions above, under their own names.
  const other = /child_process['"]\)|import \* as \w+ from 'node:child_process'|utilityProcess|from 'node:cluster'/;
  const renamed = /import \{[^}]* as [^}]*\} from 'node:child_process'/;
  expect(
    files.filter((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      // A probe of an author's connector, which is to fail.
      return file !== 'main/authoring/probes.ts' && (other.test(text) || renamed.test(text));
    }),
  ).toEqual([]);
});

test.each([
  ['spawn(program, [])', 'its options say nothing of "env"'],
  ['spawn(program, [], { cwd: "/" })', 'its options say nothing of "env"'],
  ['spawn(program, [], { env })', '"env" is not built in place'],
  ['spawn(program, [], { env: process.env })', '"env" is an environment as it was found'],
  ['spawn(program, [], { env: { ...process.env, A: "1" } })', '"env" is an environment as it was found'],
  ['spawn(program, [], { env: { A: "1" } })', undefined],
  ['execFile("x", [], { env: built(process.env) }, done)', undefined],
])('sees %s', (text, problem) => {
  expect(startsIn('a.ts', text)).toEqual([{ at: 'a.ts:1', problem }]);
});
