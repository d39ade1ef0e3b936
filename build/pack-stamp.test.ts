import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packStamp } from './pack-stamp.mjs';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-stamp-'));
  for (const name of ['one', 'other', 'checkout/main']) fs.mkdirSync(path.join(folder, name), { recursive: true });
  for (const name of ['one', 'other']) fs.writeFileSync(path.join(folder, name, 'electron'), 'program');
  fs.writeFileSync(path.join(folder, 'checkout/main/main.ts'), 'as written');
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const electron = (more: { version?: string; source?: 'official' | 'registry' | 'given'; dist?: string } = {}) => ({
  version: '45.4.1',
  source: 'official' as const,
  ...more,
  dist: path.join(folder, more.dist ?? 'one'),
});
const flags = { inspectable: false, release: false };
const stamp = (of = electron(), how = flags): string => packStamp(path.join(folder, 'checkout'), of, how);

test('is the same for the same sources, Electron and flags', () => {
  expect(stamp()).toBe(stamp());
});

test.each([
  ['version', () => stamp(electron({ version: '33.2.1' }))],
  ['source', () => stamp(electron({ source: 'given' }))],
  ['build of Electron', () => stamp(electron({ dist: 'other' }))],
  ['inspector', () => stamp(electron(), { ...flags, inspectable: true })],
  ['kind of release', () => stamp(electron(), { ...flags, release: true })],
])('is another for another %s', (_what, other) => {
  expect(other()).not.toBe(stamp());
});

test('is another when a source was changed', () => {
  const before = stamp();
  fs.writeFileSync(path.join(folder, 'checkout/main/main.ts'), 'changed');
  expect(stamp()).not.toBe(before);
});
