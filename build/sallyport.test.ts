/** The installed command, with a runtime in its place that says what it was given. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

let folder: string;
const at = (name: string): string => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-command-'));
  for (const each of ['bin', 'runtime']) mkdirSync(at(each));
  copyFileSync(fileURLToPath(new URL('sallyport.sh', import.meta.url)), at('bin/sallyport'));
  for (const runtime of ['node', 'sallyport-bridge'])
    writeFileSync(at(`runtime/${runtime}`), '#!/bin/sh\necho "$0 $@"\nexec /usr/bin/env\n', { mode: 0o755 });
  symlinkSync('bin/sallyport', at('linked'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const planted = ['LD_PRELOAD', 'LD_AUDIT', 'NODE_OPTIONS', 'OPENSSL_CONF'];

it.runIf(process.platform === 'linux').each([
  ['status', 'runtime/node', 'sallyport.mjs'],
  ['mcp', 'runtime/sallyport-bridge', 'bridge.mjs'],
])('%s runs %s with nobody’s code', (command, runtime, program) => {
  const env = { PATH: '/usr/bin:/bin', LANG: 'C', ...Object.fromEntries(planted.map((name) => [name, ''])) };
  const { stdout } = spawnSync('/bin/sh', [at('linked'), command], { env, encoding: 'utf8' });
  const [ran, ...given] = stdout.trim().split('\n');
  expect(ran).toMatch(new RegExp(`${runtime} .*dist/main/${program} ${command}$`));
  expect(given).toContain('LANG=C');
  expect(given.filter((line) => planted.some((name) => line.startsWith(`${name}=`)))).toEqual([]);
});
