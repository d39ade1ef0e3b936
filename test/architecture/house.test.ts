import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { measure, quantile } from './measure.ts';

const root = path.resolve(import.meta.dirname, '../..');
const rooms = ['main', 'connector-host', 'renderer', 'build', 'bin'].filter((room) =>
  existsSync(path.join(root, room)),
);
const sources = rooms
  .flatMap((room) => globSync(`${room}/**/*.{ts,tsx,mjs}`, { cwd: root }))
  .filter((file) => !file.endsWith('.test.ts'));
const measured = sources.map((file) => measure(file, readFileSync(path.join(root, file), 'utf8')));
const functions = measured.flatMap((each) => each.functions);

describe('the house (DESIGN §8)', () => {
  test('files: none over 400 lines, 90% within 300, half within 120', () => {
    const lines = measured.map((each) => each.lines);
    expect(measured.filter((each) => each.lines > 400).map(({ file, lines }) => `${file}: ${lines}`)).toEqual([]);
    expect(quantile(lines, 0.9)).toBeLessThanOrEqual(300);
    expect(quantile(lines, 0.5)).toBeLessThanOrEqual(120);
  });

  test('functions: none over 80 lines, 90% within 40, at most 3 parameters', () => {
    expect(functions.filter((each) => each.lines > 80).map(({ at, lines }) => `${at}: ${lines}`)).toEqual([]);
    expect(
      quantile(
        functions.map((each) => each.lines),
        0.9,
      ),
    ).toBeLessThanOrEqual(40);
    expect(functions.filter((each) => each.parameters > 3).map(({ at, parameters }) => `${at}: ${parameters}`)).toEqual(
      [],
    );
  });

  test('no any, no plain error thrown, no default export', () => {
    expect(measured.flatMap((each) => each.anys)).toEqual([]);
    expect(measured.flatMap((each) => each.plainErrors)).toEqual([]);
    expect(measured.flatMap((each) => each.defaultExports)).toEqual([]);
  });

  test('file names are kebab-case and say what is inside', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
    const vague = /(^|-)(utils?|helpers?|common|managers?|services?|misc)(-|\.|$)/;
    const parts = sources.filter((file) => file.split('/').some((part) => !kebab.test(part) || vague.test(part)));
    expect(parts).toEqual([]);
  });

  test('every README of a room has at most 30 lines', () => {
    const readmes = [...rooms, 'test'].flatMap((room) => globSync(`${room}/**/README.md`, { cwd: root }));
    const long = readmes.filter(
      (file) => readFileSync(path.join(root, file), 'utf8').trimEnd().split('\n').length > 30,
    );
    expect(long).toEqual([]);
  });
});

describe('the documents', () => {
  const documents = globSync(['*.md', 'docs/*.md'], { cwd: root });
  const named = (file: string): string[] =>
    [
      ...readFileSync(path.join(root, file), 'utf8').matchAll(
        /`((?:main|connector-host|test|build|docs|bin)\/[^`\s]*)`/g,
      ),
    ].map(([, at = '']) => at);

  test('name only files and folders that exist', () => {
    const missing = documents.flatMap((file) =>
      named(file)
        // NAME and VERB stand for any.
        .filter((at) => !/[A-Z]{4}/.test(at) && globSync(at.replace(/\/$/, ''), { cwd: root }).length === 0)
        .map((at) => `${file}: ${at}`),
    );
    expect(missing).toEqual([]);
    expect(named('SECURITY.md').length).toBeGreaterThan(10);
  });

  test('link only to files that exist', () => {
    const links = documents.flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
        ([, to = '']) => [file, to] as const,
      ),
    );
    expect(links.filter(([file, to]) => !existsSync(path.join(root, path.dirname(file), to)))).toEqual([]);
  });

  test('each room has a README', () => {
    const main = globSync('main/*/', { cwd: root });
    const all = [...main, 'connector-host', 'connector-host/sdk', 'build', 'test', 'test/lab'];
    expect(all.filter((room) => !existsSync(path.join(root, room, 'README.md')))).toEqual([]);
  });
});

describe('the measure itself', () => {
  test('counts lines of code, not blank lines and comments', () => {
    expect(
      measure('a.ts', '// one\n\n/* two\n three */\n/** four\n five */\nconst a = 1;\n\nconst b = `x\ny`; // c\n')
        .lines,
    ).toBe(3);
  });

  test('sees long functions, parameters, any, plain errors and default exports', () => {
    const body = 'void 0;\n'.repeat(81);
    const bad = measure(
      'bad.ts',
      `export default function f(a: any, b: string, c: number, d: boolean) {\n${body} throw new Error(String(a));\n}\n`,
    );
    expect(bad.functions).toMatchObject([{ at: 'bad.ts:1', lines: 84, parameters: 4 }]);
    expect(bad.anys).toEqual(['bad.ts:1']);
    expect(bad.plainErrors).toEqual(['bad.ts:83']);
    expect(bad.defaultExports).toEqual(['bad.ts:1']);
  });

  test('a Fault is not a plain error', () => {
    expect(measure('good.ts', "throw new Fault('internal', 'x');").plainErrors).toEqual([]);
  });
});
