/** `npm start` where there is no screen, as a person in a terminal has it; it runs on what set-up made. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, family, finished, isAlive, type Ended } from './harness.ts';

const script = fileURLToPath(new URL('../../build/start.mjs', import.meta.url));
const patience = 60_000;
const testTimeoutMs = 2 * patience;
const withoutScreen = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_|npm_)/.test(name)),
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sp-'));
  for (const name of ['run', 'state']) mkdirSync(path.join(folder, name), { mode: 0o700 });
});
afterEach(() => {
  for (const pid of ours()) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly said: () => string;
  readonly ended: Promise<Ended>;
}

/** The leader of a process group, as what a shell starts in a terminal is. */
function start(): Started {
  const args = [script, '--socket', path.join(folder, 'run', 'mcp.sock'), '--state', path.join(folder, 'state')];
  const child = spawn(process.execPath, args, {
    env: { ...withoutScreen, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { process: child, pid: child.pid ?? 0, said: () => said, ended: finished(child) };
}

/** Everything has our folder for its temporary files, whoever its parent is by now. */
function ours(): number[] {
  const mentions = (pid: number): boolean => {
    try {
      return ['environ', 'cmdline'].some((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1').includes(folder));
    } catch {
      return false;
    }
  };
  return readdirSync('/proc').map(Number).filter(isAlive).filter(mentions);
}

async function until({ said, ended }: Started, words: string): Promise<void> {
  const over = ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${String(code)}: ${stderr}`);
  });
  await Promise.race([eventually(() => said().includes(words), patience), over]);
}

/** Of those that still live: the wrapped server's are others after each change of person. */
const names = (pids: readonly number[]): string[] =>
  pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()];
    } catch {
      return [];
    }
  });

test(
  'says that the screen is a virtual one, shows the product at work, and Ctrl-C ends every process',
  async () => {
    const started = start();
    await until(started, 'Everything runs until you press Ctrl-C.');
    expect(started.said()).toContain('no display here: the tray app runs on a virtual screen');
    // Of the wrapped server, which the driver approved in the window.
    expect(started.said()).toMatch(/^ {2}north {3}Mondays and Thursdays/m);
    const everything = family(started.pid);
    expect(names(everything)).toEqual(expect.arrayContaining(['Xvfb', 'electron', 'postgres']));
    process.kill(-started.pid, 'SIGINT');
    expect((await started.ended).code).toBe(0);
    expect(started.said()).toContain('stopped: every process has ended');
    await eventually(() => !everything.some(isAlive) && ours().length === 0);
  },
  testTimeoutMs,
);

test(
  'ends every process when it is killed itself, at any time',
  async () => {
    const started = start();
    await until(started, '  screen ');
    await eventually(() => names(family(started.pid)).includes('electron'));
    const everything = family(started.pid);
    expect(names(everything)).toContain('Xvfb');
    process.kill(started.pid, 'SIGKILL');
    await eventually(() => !everything.some(isAlive) && ours().length === 0, patience);
  },
  testTimeoutMs,
);
