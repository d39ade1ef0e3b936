/**
 * Starts our own processes. Guarantees: a built environment (nothing of the shell's), no secret in argv, and no
 * descriptor but those named here; the shell keeps no copy of an end it gave away. Trusts: the runtime and the
 * bundled entry files. The rest of a child's protection is its own `harden()`, or the connector's sandbox.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { localeOf } from '../contract/environment.ts';
import { Fault } from '../contract/errors.ts';
import type { ChildLog } from './child-log.ts';

const goodbyeMs = 300;

export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly pid: number;
  /** Resolves once, with how it ended: `exit 1`, `SIGKILL`. */
  readonly exited: Promise<string>;
  readonly hasExited: () => boolean;
  readonly logFile: string;
  /** Ends it now and waits until it is gone. */
  kill(): Promise<void>;
}

export interface TrustedCommand {
  readonly name: string;
  /** Runtime, flags, entry. */
  readonly command: readonly string[];
  /** The ends it inherits as 3, 4, …; this process's copies are closed. */
  readonly ends: readonly number[];
  /** With Node's IPC channel, over which ends of later pairs are handed to it. */
  readonly ipc: boolean;
  readonly log: ChildLog;
}

export function startTrusted({ name, command, ends, ipc, log }: TrustedCommand): Child {
  const [runtime = process.execPath, ...parameters] = command;
  const started = spawn(runtime, parameters, {
    stdio: ['ignore', 'pipe', 'pipe', ...ends, ...(ipc ? (['ipc'] as const) : [])],
    // Configuration travels in frames.
    env: localeOf(process.env),
    cwd: '/',
    // Ctrl-C in the terminal is for the shell, which ends everything in order.
    detached: process.platform !== 'win32',
    serialization: 'json',
  });
  for (const end of ends) closeSync(end);
  return watchChild(name, started, log);
}

/** Takes a spawned process into care: its words to the log, its end to `exited`. */
export function watchChild(name: string, started: ChildProcess, log: ChildLog): Child {
  log.follow(started.stdout);
  log.follow(started.stderr);
  let over = false;
  const exited = new Promise<string>((resolve) => {
    started.once('error', () => {
      over = true;
      resolve('could not be started');
    });
    started.once('exit', (code, signal) => {
      over = true;
      resolve(signal ?? `exit ${code ?? 'unknown'}`);
    });
  });
  if (started.pid === undefined)
    throw new Fault('internal', `${name} could not be started: is ${started.spawnfile} there?`);
  return {
    name,
    process: started,
    pid: started.pid,
    exited,
    hasExited: () => over,
    logFile: log.file,
    async kill() {
      if (!over) started.kill('SIGKILL');
      await exited;
    },
  };
}

/** The answer, or a coded failure that names the process once `timeoutMs` passed or it ended. */
export async function within<T>(child: Child, answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new Fault(
          'internal',
          `${child.name} (process ${child.pid}) did not answer within ${timeoutMs / 1000} s: see ${child.logFile}`,
        ),
      );
    }, timeoutMs);
  });
  const ended = child.exited.then((how): never => {
    throw new Fault(
      'internal',
      `${child.name} (process ${child.pid}) ended while it was started: ${how}; see ${child.logFile}`,
    );
  });
  try {
    return await Promise.race([answer, late, ended]);
  } catch (error) {
    // Its channel closes a moment before its end is known, and its end says more.
    if (isClosedChannel(error)) await Promise.race([ended, delay(goodbyeMs)]);
    throw error;
  } finally {
    clearTimeout(timer);
    ended.catch(() => undefined);
    answer.catch(() => undefined);
  }
}

function isClosedChannel(error: unknown): boolean {
  return error instanceof Fault && error.code === 'internal';
}
