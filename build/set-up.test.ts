import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashOf } from './bundles.mjs';
import { environmentOf } from './made-user.mjs';
import { ensurePackages, isInstalled, linkPostgresLibraries } from './packages.mjs';
import { ensureSystemPackages, missingPackages } from './system-packages.mjs';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-set-up-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
  const at = path.join(folder, file);
  fs.mkdirSync(path.dirname(at), { recursive: true });
  fs.writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
}

describe('system packages', () => {
  test('a package is missing when its program is in no folder', () => {
    write('bin/bwrap', '');
    const wanted = [
      { name: 'bubblewrap', proof: 'bwrap' },
      { name: 'xvfb', proof: 'Xvfb' },
    ];
    expect(missingPackages(wanted, [path.join(folder, 'bin')])).toEqual(['xvfb']);
  });

  test('without root: one line that names exactly what to install', async () => {
    const refused = ensureSystemPackages({ isRoot: false, missing: ['bubblewrap', 'xvfb'] });
    await expect(refused).rejects.toThrow(/^[^\n]*apt-get install -y --no-install-recommends bubblewrap xvfb[^\n]*$/);
  });

  test('as root: updates, then installs exactly these', async () => {
    const calls: string[] = [];
    const runProgram = (command: string, args: readonly string[]) => {
      calls.push([command, ...args].join(' '));
      return Promise.resolve({ code: 0, stdout: '', output: '' });
    };
    await ensureSystemPackages({ isRoot: true, missing: ['bubblewrap'], runProgram });
    expect(calls.map((call) => call.replace(/-q -o \S+ /, ''))).toEqual([
      'apt-get update',
      'apt-get install -y --no-install-recommends bubblewrap',
    ]);
  });

  test('as root: a failed install stops with the command and what it printed', async () => {
    const runProgram = () => Promise.resolve({ code: 100, stdout: '', output: 'E: no route' });
    await expect(ensureSystemPackages({ isRoot: true, missing: ['bubblewrap'], runProgram })).rejects.toThrow(
      /E: no route/,
    );
  });

  test('nothing missing: nothing runs', async () => {
    const runProgram = () => Promise.reject(new Error('ran'));
    await ensureSystemPackages({ isRoot: true, missing: [], runProgram });
  });
});

describe('npm packages', () => {
  const a = { version: '1.0.0', integrity: 'sha512-a' };
  const b = { version: '2.0.0', integrity: 'sha512-b' };

  test('installed when npm’s record agrees with the lockfile; a foreign platform’s package may be absent', () => {
    write('package-lock.json', {
      packages: { '': {}, 'node_modules/a': a, 'node_modules/b': { ...b, optional: true } },
    });
    write('node_modules/.package-lock.json', { packages: { 'node_modules/a': a } });
    expect(isInstalled(folder)).toBe(true);
  });

  test.each([
    ['another version', { 'node_modules/a': { ...a, version: '1.0.1' } }],
    ['another hash', { 'node_modules/a': { ...a, integrity: 'sha512-x' } }],
    ['one missing', {}],
    ['one too many', { 'node_modules/a': a, 'node_modules/c': b }],
  ])('not installed: %s', (_why, packages) => {
    write('package-lock.json', { packages: { '': {}, 'node_modules/a': a } });
    write('node_modules/.package-lock.json', { packages });
    expect(isInstalled(folder)).toBe(false);
  });

  test('an install that was broken off has no record', () => {
    write('package-lock.json', { packages: { '': {}, 'node_modules/a': a } });
    write('node_modules/a/package.json', {});
    expect(isInstalled(folder)).toBe(false);
  });

  test('an install that is killed leaves none, also where the one of before fits another lockfile', async () => {
    const locked = (version: string) => ({ packages: { '': {}, 'node_modules/a': { ...a, version } } });
    write('package-lock.json', locked('1.0.1'));
    write('node_modules/.package-lock.json', { packages: { 'node_modules/a': a } });
    write('bin/npm', '#!/bin/sh\nkill -9 $$\n');
    fs.chmodSync(path.join(folder, 'bin/npm'), 0o755);
    const { PATH } = process.env;
    process.env['PATH'] = `${path.join(folder, 'bin')}:${PATH ?? ''}`;
    try {
      await expect(ensurePackages(folder)).rejects.toThrow('npm ci failed');
    } finally {
      process.env['PATH'] = PATH;
    }
    write('package-lock.json', locked('1.0.0'));
    expect(isInstalled(folder)).toBe(false);
  });

  test('makes the library links of PostgreSQL once, and its programs executable', () => {
    write('linux-x64/native/pg-symlinks.json', [
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
    ]);
    write('linux-x64/native/lib/libpq.so.5.18', 'library');
    write('linux-x64/native/bin/postgres', 'program');
    linkPostgresLibraries(folder);
    linkPostgresLibraries(folder);
    expect(fs.readlinkSync(path.join(folder, 'linux-x64/native/lib/libpq.so.5'))).toBe('libpq.so.5.18');
    expect(fs.statSync(path.join(folder, 'linux-x64/native/bin/postgres')).mode & 0o777).toBe(0o755);
  });
});

test('bundles are stale when a source changes, and not when a test does', () => {
  write('main/a.ts', 'one');
  const before = hashOf(folder);
  write('main/a.test.ts', 'test');
  expect(hashOf(folder)).toBe(before);
  write('main/a.ts', 'two');
  expect(hashOf(folder)).not.toBe(before);
});

test('the made user gets none of root’s own environment', () => {
  const person = { name: 'sallyport', uid: 999, gid: 999, home: '/var/lib/sallyport' };
  const from = {
    HOME: '/root',
    XDG_RUNTIME_DIR: '/run/user/0',
    REGISTRY_TOKEN: 'secret',
    LANG: 'C.UTF-8',
    SALLYPORT_DEBUG: '1',
  };
  const environment = environmentOf(person, '/opt/node24/bin/node', from);
  expect(environment).toMatchObject({
    HOME: '/var/lib/sallyport',
    USER: 'sallyport',
    LANG: 'C.UTF-8',
    SALLYPORT_DEBUG: '1',
    XDG_RUNTIME_DIR: '/var/lib/sallyport/run',
  });
  expect(Object.keys(environment).filter((key) => key.includes('TOKEN'))).toEqual([]);
});
