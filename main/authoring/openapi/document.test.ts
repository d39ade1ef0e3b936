import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOpenApi } from './document.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-openapi-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a document', () => {
  const write = (content: string): string => {
    const file = path.join(folder, 'api');
    writeFileSync(file, content);
    return file;
  };
  it('is JSON or YAML, of 3.1 or 3.0', () => {
    expect(readOpenApi(write('{"openapi":"3.1.1","paths":{}}')).root['openapi']).toBe('3.1.1');
    const upgraded = readOpenApi(
      write('openapi: 3.0.3\npaths: {}\ncomponents: {schemas: {A: {type: string, nullable: true}}}\n'),
    );
    expect(upgraded.at('#/components/schemas/A')).toEqual({ type: ['string', 'null'] });
  });

  it.each([
    ['of another kind', '{"swagger":"2.0"}', 'only OpenAPI 3.0 and 3.1'],
    ['of a later version', '{"openapi":"3.2.0"}', 'only OpenAPI 3.0 and 3.1'],
    ['that is none', 'hello', 'only OpenAPI 3.0 and 3.1'],
    ['that is broken', '{"openapi":', 'JSON'],
    ['with a key twice', 'openapi: 3.1.0\nopenapi: 3.1.0\n', 'unique'],
    [
      'that unfolds without end',
      `a: &a [x,x]\n${'bcdefgh'
        .split('')
        .map((key, at) => `${key}: &${key} [${`*${'abcdefgh'[at]},`.repeat(20)}]`)
        .join('\n')}\nopenapi: 3.1.0\n`,
      'alias',
    ],
  ])('%s is refused', (_, content, why) => {
    expect(() => readOpenApi(write(content))).toThrow(why);
  });
});
