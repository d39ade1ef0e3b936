import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import koffi from 'koffi';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { lockFileIn, tryLock } from '../instance-lock.ts';
import { openAgain, stayClosed } from '../stay-closed.ts';
import { createStart } from './start-app.ts';

let folder: string;
let sockets: string;
let app: string;
let env: Record<string, string>;
const at = (...parts: readonly string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-start-'));
  mkdirSync(at('run'), { mode: 0o700 });
  sockets = at('run', 'sallyport');
  app = at('app');
  appThat('sleep 1');
  vi.stubEnv('HOME', folder);
  env = { HOME: folder, XDG_RUNTIME_DIR: at('run'), DISPLAY: ':7', LANG: 'C.UTF-8' };
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A stand-in that writes down how it was started. */
function appThat(then: string): void {
  const seen =
    'cat /proc/$$/environ; echo; readlink /proc/$$/cwd; readlink /proc/$$/fd/*; cut -d" " -f6 /proc/$$/stat; echo "$$ $@"';
  writeFileSync(
    app,
    `#!/bin/sh\n{ ${seen}; } > '${at('seen.new')}'; mv '${at('seen.new')}' '${at('seen')}'\n${then}\n`,
    {
      mode: 0o755,
    },
  );
}

const start = (more: Partial<Parameters<typeof createStart>[0]> = {}) =>
  createStart({ app, socket: path.join(sockets, 'mcp.sock'), env, ...more });

/** A start is in it at once. */
const children = (): string =>
  globSync('/proc/self/task/*/children')
    .map((file) => readFileSync(file, 'utf8'))
    .join('');

async function seen(): Promise<string> {
  await vi.waitUntil(() => existsSync(at('seen')), { timeout: 20_000 });
  return readFileSync(at('seen'), 'utf8');
}

it('starts it once, in a session of its own, with nothing of an agent’s but where the person is', async () => {
  const planted = {
    LD_PRELOAD: '/planted.so',
    NODE_OPTIONS: '--require /planted.cjs',
    ELECTRON_RUN_AS_NODE: '1',
    GTK_MODULES: 'planted',
    PATH: at('planted'),
    BROWSER: '/planted',
    https_proxy: 'http://localhost:1',
    DBUS_SESSION_BUS_ADDRESS: 'unixexec:path=/planted',
  };
  const left = openSync(at('left-open'), 'w');
  const fcntl = koffi.load(null).func('int fcntl(int, int, ...)') as (...args: readonly unknown[]) => number;
  fcntl(left, 2, 'int', 0);
  // Without more, what we start has it.
  expect(spawnSync('/bin/sh', ['-c', 'readlink /proc/$$/fd/*']).stdout.toString()).toContain('left-open');
  const tried = start({ env: { ...env, ...planted } });
  expect([tried(), tried(), tried()]).toEqual(['starting', 'starting', 'starting']);
  const [environment = '', ...rest] = (await seen()).trimEnd().split('\n');
  closeSync(left);
  expect(environment.split('\0').filter(Boolean).sort()).toEqual([
    'DISPLAY=:7',
    `HOME=${folder}`,
    'LANG=C.UTF-8',
    'PATH=/usr/local/bin:/usr/bin:/bin',
    'XDG_DATA_DIRS=/usr/local/share:/usr/share:/var/lib/flatpak/exports/share:/var/lib/snapd/desktop',
    `XDG_RUNTIME_DIR=${at('run')}`,
  ]);
  const [cwd, ...more] = rest;
  const [pid, ...given] = (more.pop() ?? '').split(' ');
  const session = more.pop();
  expect([cwd, session]).toEqual(['/', pid]);
  // The script itself, and what this `{ … }` writes to.
  expect(more.filter((file) => !['/dev/null', app, at('seen.new')].includes(file))).toEqual([]);
  expect(JSON.parse(given.join(' '))).toMatchObject({ lab: false, background: true });
  await vi.waitUntil(() => tried() === 'closed', { timeout: 20_000 });
});

it.each([
  ['it may not', 'closed', () => start({ app: undefined })],
  ['the socket is another', 'closed', () => start({ socket: at('run', 'mcp.sock') })],
  ['the runtime folder is none', 'closed', () => start({ env: { ...env, XDG_RUNTIME_DIR: 'run' } })],
  ['there is no screen', 'no-screen', () => start({ env: { ...env, DISPLAY: '' } })],
  ['the screen is none', 'no-screen', () => start({ env: { ...env, DISPLAY: ':0 --x' } })],
])('starts nothing where %s', (_why, state, tried) => {
  expect(tried()()).toBe(state);
  expect(existsSync(sockets)).toBe(false);
});

it('starts nothing where it was ended in order, until it is opened again', async () => {
  const socket = path.join(sockets, 'mcp.sock');
  stayClosed(socket);
  const tried = start();
  expect(tried()).toBe('ended');
  expect(existsSync(path.join(sockets, 'starting.lock'))).toBe(false);
  openAgain(socket);
  expect(tried()).toBe('starting');
  await seen();
});

it.each([
  ['one runs', () => lockFileIn(sockets)],
  ['another bridge starts one', () => path.join(sockets, 'starting.lock')],
])('starts nothing while %s, and then does', async (_why, file) => {
  mkdirSync(sockets, { mode: 0o700 });
  const lock = tryLock(file());
  const tried = start();
  const before = children();
  expect([tried(), children()]).toEqual(['starting', before]);
  closeSync(lock ?? -1);
  tried();
  await seen();
});

it('says that it ended by itself, and starts it no more', async () => {
  appThat('exit 1');
  const tried = start();
  tried();
  await vi.waitUntil(() => tried() === 'failed', { timeout: 20_000 });
  rmSync(at('seen'));
  expect(tried()).toBe('failed');
  expect(existsSync(at('seen'))).toBe(false);
});

it('starts nothing in a folder that others may enter', () => {
  mkdirSync(sockets, { mode: 0o755 });
  expect(start()()).toBe('failed');
});
