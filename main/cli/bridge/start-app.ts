/**
 * Starts the installed tray app where it is closed, for an agent that needs it. Guarantees: only the application that this bridge is part
 * of, on its default socket, with a built environment (contract/environment.ts), no descriptor and no terminal of the agent's, in a
 * session of its own; at most once in a bridge's life, by one bridge at a time, and not where it was ended in order (stay-closed.ts). Never
 * with options of an agent's: no other configuration, no lab. Trusts: the folder it was installed in. Does not protect against: an agent
 * with a shell, which can run `sallyport up` itself. Linux only.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import koffi from 'koffi';
import { sessionOf } from '../../contract/environment.ts';
import { hasDisplay } from '../browser.ts';
import { isInstanceLocked, tryLock } from '../instance-lock.ts';
import { makeOwnFolder } from '../make-own-folder.ts';
import { findPaths } from '../paths.ts';
import { staysClosed } from '../stay-closed.ts';

export type Closed = 'closed' | 'starting' | 'ended' | 'no-screen' | 'failed';

export interface StartDeps {
  /** Undefined: nothing may be started. */
  readonly app: string | undefined;
  readonly socket: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** fcntl(2) */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** No other bridge starts one meanwhile, also where this one ends at once. */
const startingMs = 30_000;
/** The person's own tools, and those of their packages: an agent could put its own browser first. */
const programs = '/usr/local/bin:/usr/bin:/bin';
/** Where those say which browser is theirs (XDG Base Directory Specification). */
const shared = '/usr/local/share:/usr/share:/var/lib/flatpak/exports/share:/var/lib/snapd/desktop';

/** Each call looks how it is, and starts the app if that is to be done. */
export function createStart({ app, socket, env = process.env }: StartDeps): () => Closed {
  const session = sessionOf({ ...env, HOME: os.homedir() });
  const environment: Record<string, string> = { ...session, PATH: programs, XDG_DATA_DIRS: shared };
  const isDefault = environment['HOME'] === os.homedir() && findPaths({}, environment).socket === socket;
  const mayStart = app !== undefined && process.platform === 'linux' && isDefault;
  let started: ChildProcess | undefined;
  let failed = false;

  function start(binary: string): Closed {
    const folder = path.dirname(socket);
    try {
      makeOwnFolder(folder);
      const lock = tryLock(path.join(folder, 'starting.lock'));
      if (lock === undefined) return 'starting';
      setTimeout(() => closeSync(lock), startingMs).unref();
      keepDescriptors();
      started = spawn(binary, [options], { env: { ...environment }, cwd: '/', stdio: 'ignore', detached: true });
    } catch {
      failed = true;
      return 'failed';
    }
    started.once('error', () => (failed = true)).once('exit', (code) => (failed ||= code !== 0));
    started.unref();
    return 'starting';
  }

  return () => {
    if (!mayStart) return 'closed';
    if (staysClosed(socket)) return 'ended';
    if (isInstanceLocked(path.dirname(socket))) return 'starting';
    if (failed) return 'failed';
    if (started !== undefined) return started.exitCode === null && started.signalCode === null ? 'starting' : 'closed';
    return hasDisplay(environment) ? start(app) : 'no-screen';
  };
}

/** UpOptions; all else is the application's own. */
const options = JSON.stringify({ lab: false, json: false, endWithInput: false, runtime: '', background: true });

/** Whatever an agent left open in us stays here. */
function keepDescriptors(): void {
  const fcntl = koffi.load(null).func('int fcntl(int, int, ...)') as (...args: readonly unknown[]) => number;
  for (const fd of readdirSync('/proc/self/fd').map(Number)) if (fd > 2) fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
}
