import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { scaffold } from './scaffold.ts';

const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sallyport-scaffold-')));
const sdk = path.join(folder, 'product', 'dist', 'sdk');
mkdirSync(sdk, { recursive: true });
writeFileSync(path.join(sdk, 'sdk.js'), '');
afterAll(() => rmSync(folder, { recursive: true }));

const linked = (target: string): string => realpathSync(path.join(target, 'node_modules/@sallyport/connector-sdk'));
const dependency = (target: string): string =>
  (JSON.parse(readFileSync(path.join(target, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> })
    .devDependencies['@sallyport/connector-sdk'] ?? '';

it('brings the SDK along where the product cannot be linked to', () => {
  const target = path.join(folder, 'installed');
  scaffold(target, sdk);
  expect(linked(target)).toBe(path.join(target, 'connector-sdk'));
  expect(dependency(target)).toBe('file:connector-sdk');
});

it('links it in a checkout', () => {
  mkdirSync(path.join(folder, 'product/node_modules/@types/node'), { recursive: true });
  const target = path.join(folder, 'developed');
  scaffold(target, sdk);
  expect(linked(target)).toBe(sdk);
  expect(path.resolve(target, dependency(target).replace('file:', ''))).toBe(sdk);
});
