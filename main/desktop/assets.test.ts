import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assetsIn, serveAsset, type Assets } from './assets.ts';

let folder: string;
let assets: Assets;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-assets-'));
  const page = path.join(folder, 'renderer');
  mkdirSync(path.join(page, 'assets'), { recursive: true });
  writeFileSync(path.join(page, 'index.html'), '<!doctype html>');
  writeFileSync(path.join(page, 'assets', 'index.js'), 'x');
  writeFileSync(path.join(page, 'notes.txt'), 'no type is known for this');
  writeFileSync(path.join(folder, 'secret.html'), 'outside');
  symlinkSync(path.join(folder, 'secret.html'), path.join(page, 'link.html'));
  assets = assetsIn(page);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const get = (url: string, method = 'GET') => serveAsset(assets, { url, method });

it('serves the page with its type, and a policy that lets it reach nothing else', async () => {
  const response = await get('app://sallyport/index.html');
  expect([response.status, await response.text()]).toEqual([200, '<!doctype html>']);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*|data:|blob:/);
});

it('serves what the page is made of', async () => {
  expect((await get('app://sallyport/assets/index.js')).headers.get('content-type')).toContain('javascript');
});

it.each([
  'app://sallyport/../secret.html',
  'app://sallyport/%2e%2e/secret.html',
  'app://sallyport/assets/../../secret.html',
  'app://sallyport//etc/passwd',
  'app://sallyport/link.html',
  'app://sallyport/notes.txt',
  'app://sallyport/',
  'app://other/index.html',
  'app://sallyport/index.html?query',
  'file:///etc/passwd',
])('%s is not there', async (url) => {
  expect((await get(url)).status).toBe(404);
});

it('answers nothing but GET', async () => {
  expect((await get('app://sallyport/index.html', 'POST')).status).toBe(404);
});
