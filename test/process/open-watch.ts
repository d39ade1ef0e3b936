/**
 * Which files the programs of one folder open and write, as root: fanotify(7) on every file system here, those of the kernel
 * (/proc, /sys) too. Each event brings a descriptor and a process; what that process runs is read at once. Not seen: what a process does
 * that has ended by then, connections to sockets, what is opened to be named alone (O_PATH), and what cannot be opened a second time.
 */
import fs from 'node:fs';
import koffi from 'koffi';
import { linkOr, textOf } from './disk-run/mounts.ts';

/** linux/fanotify.h */
const [closeOnExec, unlimited, addToFileSystem] = [0x1, 0x10 | 0x20, 0x1 | 0x100];
const [modified, opened, overflow, onFolders] = [0x2n, 0x20n, 0x4000n, 0x40000000n];
const rightOf = [
  [modified, 'w'],
  [opened, 'r'],
] as const;
const event = { mask: 8, descriptor: 16, pid: 20, length: 24 };
const blockBytes = 400 * event.length;
const lookAgainMs = 25;

export interface Opened {
  readonly program: string;
  readonly file: string;
  readonly right: 'r' | 'w';
  /** The file is that user's. */
  readonly isOwn: boolean;
}

export interface OpenWatch {
  readonly opened: ReadonlyMap<string, Opened>;
  /** Nothing was dropped on the way here. */
  readonly isWhole: boolean;
  stop(): void;
}

export interface Watched {
  /** Of programs whose descendants count too. */
  readonly folder: string;
  /** Programs elsewhere that count when one of the folder started them. */
  readonly others: readonly string[];
  /** Whose files are its own. */
  readonly uid: number;
}

/** Nothing where root may not (CAP_SYS_ADMIN). */
export function watchOpens(watched: Watched): OpenWatch | undefined {
  const libc = koffi.load(null);
  const init = libc.func('int fanotify_init(unsigned int, unsigned int)') as (...flags: number[]) => number;
  const group = init(closeOnExec | unlimited, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | 0o2000000);
  if (group < 0) return undefined;
  const mark = libc.func('int fanotify_mark(int, unsigned int, uint64_t, int, const char *)') as (
    ...values: (number | bigint | string)[]
  ) => number;
  const found = new Map<string, Opened>();
  const watch = { opened: found, isWhole: true, stop };
  const markAll = (): void => {
    for (const at of mountPoints()) mark(group, addToFileSystem, modified | opened | onFolders, -100, at);
  };
  markAll();
  // A sandbox has file systems of its own.
  const timer = setInterval(markAll, lookAgainMs);
  const block = Buffer.alloc(blockBytes);
  let isOver = false;
  const next = (): void =>
    fs.read(group, block, 0, block.length, null, (error, length) => {
      // An error is that of one file, which cannot be opened again: a device without its driver, say.
      if (!error) for (let at = 0; at < length; at += block.readUInt32LE(at)) onEvent(block, at);
      if (isOver) fs.closeSync(group);
      else next();
    });
  // Else a last read would wait for ever.
  function stop(): void {
    isOver = true;
    clearInterval(timer);
    fs.closeSync(fs.openSync('/', 'r'));
  }
  function onEvent(from: Buffer, at: number): void {
    const mask = from.readBigUInt64LE(at + event.mask);
    if ((mask & overflow) !== 0n) return void (watch.isWhole = false);
    const descriptor = from.readInt32LE(at + event.descriptor);
    try {
      const program = programOf(watched, from.readInt32LE(at + event.pid));
      if (program === undefined) return;
      const stat = fs.fstatSync(descriptor);
      const file = (linkOr(`/proc/self/fd/${String(descriptor)}`) ?? '').replace(/ \(deleted\)$/, '');
      const named = stat.isDirectory() && file !== '/' ? `${file}/` : file;
      // One event can tell of several.
      for (const [bit, right] of rightOf)
        if ((mask & bit) !== 0n)
          found.set(`${program} ${named} ${right}`, { program, file: named, right, isOwn: stat.uid === watched.uid });
    } finally {
      fs.closeSync(descriptor);
    }
  }
  next();
  return watch;
}

function programOf({ folder, others }: Watched, pid: number): string | undefined {
  const program = linkOr(`/proc/${String(pid)}/exe`);
  for (let [at, exe] = [pid, program]; exe !== undefined;) {
    if (exe.startsWith(`${folder}/`)) return program;
    if (!others.includes(exe)) return undefined;
    at = Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${String(at)}/status`))?.[1] ?? 0);
    exe = linkOr(`/proc/${String(at)}/exe`);
  }
  return undefined;
}

/** What waits in there would be held up, or cannot be watched. */
const left = /^(autofs|fuse.*|devpts|mqueue)$/;

/** Of every mount namespace. */
function mountPoints(): string[] {
  const seen = new Map<string, string>();
  const namespaces = new Set<string>();
  for (const pid of ['self', ...fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))]) {
    const namespace = linkOr(`/proc/${pid}/ns/mnt`);
    if (namespace === undefined || namespaces.has(namespace)) continue;
    namespaces.add(namespace);
    for (const line of textOf(`/proc/${pid}/mountinfo`).split('\n')) {
      const [own = '', shared = ''] = line.split(' - ');
      const [, , device, , point] = own.split(' ');
      if (device !== undefined && point !== undefined && !seen.has(device) && !left.test(shared.split(' ')[0] ?? ''))
        seen.set(device, pid === 'self' ? point : `/proc/${pid}/root${point}`);
    }
  }
  return [...seen.values()];
}
