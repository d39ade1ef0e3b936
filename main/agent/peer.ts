/**
 * Which program is on the other end of the socket. Guarantees: its process is held from the moment that it connected, and what was read
 * of it counts only if it still lives, unchanged, afterwards: else it is nobody. Through our own bridge it is the program that started it.
 * What is read of others takes what time they want, so at most two are read at once, for five seconds: the gateway goes on.
 * A program is a label, not authentication: whoever runs as this user can run, trace or imitate any other, or hand a connection on by exec.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ProgramTraits } from '../contract/program-traits.ts';
import { holdPeer, isOwnUser } from '../local-socket/kernel.ts';
import {
  commandLineOf,
  executableOf,
  fileAt,
  stateOf,
  userOf,
  type Executable,
  type ProcessState,
} from '../local-socket/process-view.ts';
import { publisherOf } from './publisher.ts';
import { findScript, isInterpreter, type Script } from './script.ts';

export interface Peer {
  /** The process that connected: limits count by it. */
  readonly connected: number | null;
  /** The program's: through the bridge the one that started it. */
  readonly pid: number | null;
  /** The path of what it runs; null where the kernel does not tell. */
  readonly executable: string | null;
  /** Absent where the kernel does not tell. */
  readonly traits?: ProgramTraits;
}

/** Our own files, as `device:inode`. */
export interface OwnBridge {
  readonly runtime: string;
  readonly entries: readonly string[];
}

export type IdentifyPeer = (socket: Socket) => Promise<Peer | 'other-user' | 'unidentified'>;

/** What is not Linux tells nothing: the folder's mode (macOS) or the pipe's owner (Windows) decides alone. Not verified there. */
const unknownPeer: Peer = Object.freeze({ connected: null, pid: null, executable: null });
const readAtOnce = 2;
const mostWaiting = 64;
const readMs = 5000;
const mostParents = 16;

export async function findOwnBridge(entries: readonly string[]): Promise<OwnBridge> {
  if (process.platform !== 'linux') return { runtime: '', entries: [] };
  const files = await Promise.all(entries.map((entry) => fileAt(`/proc/self/root${entry}`).catch(() => '')));
  return { runtime: await fileAt('/proc/self/exe'), entries: files.filter((file) => file !== '') };
}

/** @param meanwhile between the two looks at a process: for tests */
export function createIdentifyPeer(
  bridge: OwnBridge,
  meanwhile = (): Promise<void> => Promise.resolve(),
): IdentifyPeer {
  const inTurn = createTurns(readAtOnce);
  return async (socket) => {
    if (process.platform !== 'linux') return unknownPeer;
    if (!isOwnUser(socket)) return 'other-user';
    const held = holdPeer(socket);
    if (held === null) return 'unidentified';
    // It may take for ever: nobody waits for it then, and what it says is not heard.
    const found = await soon(inTurn(() => identify(held.pid, bridge, meanwhile)));
    const ended = held.hasEnded();
    held.release();
    return found === null || ended ? 'unidentified' : found;
  };
}

async function identify(pid: number, bridge: OwnBridge, meanwhile: () => Promise<void>): Promise<Peer | null> {
  const connected = await programAt(pid);
  if (connected === null || connected.isForeign) return null;
  const isBridge = isOurs(connected, bridge);
  const program = isBridge ? await programAt(connected.state.parent) : connected;
  if (program === null) return null;
  const parents = await parentsOf(program);
  await meanwhile();
  // Checked again: what was read is of one process, which still runs the same.
  if (!(await isUnchanged(connected)) || (isBridge && !(await isUnchanged(program)))) return null;
  const { executable, script } = program;
  return Object.freeze({
    connected: pid,
    pid: program.pid,
    executable: executable === 'closed' ? null : executable.path,
    traits: Object.freeze({
      file: executable === 'closed' ? null : executable.file,
      says: executable === 'closed' ? cut(program.words[0] ?? '') : null,
      script: script && {
        path: cut(script.path),
        sha256: script.sha256,
        options: cut(script.options),
      },
      parents,
      publisher: executable === 'closed' ? null : publisherOf(executable),
      foreign: program.isForeign,
      bridge: isBridge,
    }),
  });
}

type Parent = ProgramTraits['parents'][number];

interface ProgramAt {
  readonly pid: number;
  readonly state: ProcessState;
  readonly executable: Executable | 'closed';
  readonly words: readonly string[];
  readonly script: Script | null;
  /** Of another user: root, say, that starts the bridge for this one, or adopted it when its parent ended. */
  readonly isForeign: boolean;
}

/** Null: it is gone. */
async function programAt(pid: number): Promise<ProgramAt | null> {
  const state = stateOf(pid);
  const executable = await executableOf(pid);
  const user = userOf(pid);
  if (state === null || executable === null || user === null) return null;
  const words = await commandLineOf(pid);
  const name = executable === 'closed' ? (words[0] ?? '') : executable.path;
  const script = isInterpreter(name) ? await findScript(pid, words) : null;
  return { pid, state, executable, words, script, isForeign: user !== process.getuid?.() };
}

/**
 * A bridge in a package is closed to us as well, so there its own word must do. That gives nothing away: any program can start our
 * real bridge, by exec in its own place too, and is then what its parent is.
 */
function isOurs({ executable, script }: ProgramAt, { runtime, entries }: OwnBridge): boolean {
  const runs = executable === 'closed' || executable.file === runtime;
  return runs && script !== null && script.file !== null && script.options === '' && entries.includes(script.file);
}

/** Executables from its parent up to the leader of its session, which a login, a terminal or a desktop started. */
async function parentsOf({ pid, state }: ProgramAt): Promise<Parent[]> {
  const found: Parent[] = [];
  // One that made a session of its own does not hide where it comes from by that.
  let leader = state.session === pid ? null : state.session;
  for (let last = pid, at = state.parent; last !== leader && at > 0 && found.length < mostParents;) {
    const executable = await executableOf(at);
    const above = stateOf(at);
    if (executable === null || above === null || userOf(at) !== process.getuid?.()) break;
    const isClosed = executable === 'closed';
    found.push({ path: isClosed ? null : cut(executable.path), file: isClosed ? null : executable.file });
    leader ??= above.session;
    [last, at] = [at, above.parent];
  }
  return found;
}

async function isUnchanged({ pid, state, executable }: ProgramAt): Promise<boolean> {
  const now = await executableOf(pid);
  const runsSame =
    now === 'closed' || executable === 'closed' ? now === executable : now !== null && now.file === executable.file;
  const after = stateOf(pid);
  return runsSame && after?.startedAt === state.startedAt && after.parent === state.parent;
}

const mostShown = 500;
/** Of a path the end says more. Two that differ stay different. */
function cut(text: string): string {
  if (text.length <= mostShown) return text;
  return `…${text.slice(-mostShown)} (sha256 ${createHash('sha256').update(text).digest('hex').slice(0, 16)})`;
}

function soon<T>(answer: Promise<T | null>): Promise<T | null> {
  return new Promise((resolve) => {
    const late = setTimeout(resolve, readMs, null);
    void answer
      .catch(() => null)
      .then((value) => {
        clearTimeout(late);
        resolve(value);
      });
  });
}

type Turns = <T>(work: () => Promise<T>) => Promise<T | null>;

/** At most this many at once; who waits is served in order, and who finds no room is not. */
function createTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (waiting.length >= mostWaiting) return null;
    else await new Promise<void>((go) => waiting.push(go));
    try {
      return await work();
    } finally {
      // The place passes on, or is free.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
