import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const folder = path.join(import.meta.dirname, '../entitlements/macos');

it.each(globSync('*.plist', { cwd: folder }).sort())('%s opens the compiler of V8 and nothing else', (file) => {
  const text = readFileSync(path.join(folder, file), 'utf8').replaceAll(/<!--.*?-->/gs, '');
  // No get-task-allow (debuggers), no DYLD variables, no foreign libraries, no unsigned or unprotected executable memory.
  expect([...text.matchAll(/<key>(.*?)<\/key>\s*(<.*?>)/gs)].map(([, key, value]) => [key, value])).toEqual([
    ['com.apple.security.cs.allow-jit', '<true/>'],
  ]);
  expect(text).not.toContain('<false/>');
});

it('there is one for each kind of program that a package starts', () => {
  expect(globSync('*.plist', { cwd: folder }).sort()).toEqual([
    'electron-helper.plist',
    'electron.plist',
    'node.plist',
  ]);
});
