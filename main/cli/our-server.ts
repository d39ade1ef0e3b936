/**
 * Whether who listens on a socket is our own Sallyport, before a byte is sent there. Guarantees (Linux): it is a process of this user that
 * the kernel names, it or its parent holds this folder's instance lock, it runs our own entry, and its executable is ours, or closed as
 * our processes are. Elsewhere the folder's mode decides alone: not verified there.
 * Does not protect against a program of this user that puts a lock file of its own there and has our runtime closed, with our command
 * line and its own code in it: it then hears what the agent says here. No credential passes this way.
 */
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { holdPeer } from '../local-socket/kernel.ts';
import { commandLineOf, executableOf, fileAt, stateOf } from '../local-socket/process-view.ts';
import { lockFileIn } from './instance-lock.ts';

export type OurProcess = 'gateway' | 'shell';

/** Says why not, for a person, or nothing. */
export type ServerProblem = (socket: Socket, socketPath: string) => Promise<string | undefined>;

const mend = 'Nothing was sent. End it and start Sallyport again; after an update start this program again as well';

export function problemOf(kind: OurProcess): ServerProblem {
  return async (socket, socketPath) => {
    if (process.platform !== 'linux') return undefined;
    const why = await findProblem(kind, socket, path.dirname(socketPath)).catch(() => 'it cannot be looked at');
    return why === undefined ? undefined : `what listens on ${socketPath} is not this Sallyport: ${why}. ${mend}`;
  };
}

async function findProblem(kind: OurProcess, socket: Socket, folder: string): Promise<string | undefined> {
  const held = holdPeer(socket);
  if (held === null) return 'its process cannot be seen from here';
  try {
    const { pid, uid } = held;
    if (uid !== process.getuid?.()) return `process ${pid} belongs to another user`;
    const before = stateOf(pid);
    const shell = kind === 'shell' ? pid : (before?.parent ?? 0);
    if (!holdsLock(shell, lockFileIn(folder)))
      return `process ${pid} does not belong to the instance that holds the lock`;
    const words = await commandLineOf(pid);
    if (!isEntry(kind, words)) return `process ${pid} runs something else`;
    if (!(await runsOurs(pid, words))) return `process ${pid} runs another executable`;
    const after = stateOf(pid);
    const isSame = after !== null && after.startedAt === before?.startedAt && after.parent === before.parent;
    return isSame && !held.hasEnded() ? undefined : `process ${pid} has ended`;
  } finally {
    held.release();
  }
}

/** By the kernel's list, where `->` is one that waits. Its device is not compared: some file systems show another one there than to stat(2). */
function holdsLock(pid: number, lockFile: string): boolean {
  try {
    const { ino } = lstatSync(lockFile, { bigint: true });
    const line = new RegExp(`^\\d+: FLOCK +ADVISORY +WRITE ${pid} [0-9a-f]+:[0-9a-f]+:${ino} `, 'm');
    return readFileSync(lockFile, 'utf8').trim() === String(pid) && line.test(readFileSync('/proc/locks', 'latin1'));
  } catch {
    return false;
  }
}

/** The folder that holds this command, whether bundled (dist/main) or not (main/cli). */
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** Of an installed application, whose resources hold us; undefined in a checkout. */
const installed = existsSync(path.resolve(root, '../app.asar')) ? path.resolve(root, '../../sallyport') : undefined;

/** Code beside the entry. */
const loadsMore =
  /^(-[rep]|--(require|import|(experimental-)?loader|eval|print|env-file|inspect|snapshot-blob|experimental-(default-)?config-file|test))/;

function isEntry(kind: OurProcess, words: readonly string[]): boolean {
  const name = kind === 'gateway' ? 'gateway' : 'headless';
  const entries = [path.join(root, 'dist', 'main', `${name}.mjs`), path.join(root, 'main', `${name}.ts`)];
  const given = words.slice(1);
  const script = given.find((word) => !word.startsWith('-'));
  if (!given.some((word) => loadsMore.test(word)) && entries.some((entry) => isSameFile(script, entry))) return true;
  return kind === 'shell' && (isInstalled(words) || isCheckout(words));
}

/** Chromium writes all its words into one. */
function isInstalled(words: readonly string[]): boolean {
  return installed !== undefined && `${words.join(' ')} `.startsWith(`${installed} `);
}

/** Electron, given this folder, maybe after options. */
function isCheckout(words: readonly string[]): boolean {
  const line = `${words.join(' ')} `;
  const named = line.indexOf('/electron ');
  const follows = [` ${root} `, ` ${root}/ `].some((folder) => line.indexOf(folder, named) > 0);
  return installed === undefined && named >= 0 && follows;
}

/** A process of ours is closed to this user, but for root, and for Electron in a checkout. */
async function runsOurs(pid: number, words: readonly string[]): Promise<boolean> {
  const executable = await executableOf(pid);
  if (executable === null) return false;
  if (executable === 'closed') return isInstalled(words) || isSameFile(words[0], process.execPath);
  // Its path is how it sees files: in a mount namespace of its own anything lies there.
  if (installed !== undefined && executable.file === (await fileAt(installed))) return true;
  if (process.getuid?.() === 0 && executable.file === (await fileAt('/proc/self/exe'))) return true;
  return path.basename(executable.path) === 'electron' && isCheckout(words);
}

function isSameFile(one: string | undefined, other: string): boolean {
  if (one === undefined || !path.isAbsolute(one)) return false;
  const [a, b] = [one, other].map((at) => statSync(at, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}
