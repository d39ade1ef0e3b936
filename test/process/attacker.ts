/**
 * Another process of the same user, which tries to get into the processes it is told. Run by itself (as that user): it
 * attacks while they live, from the first moment it can see them, and says what succeeded once its input ends.
 *   node attacker.ts watch PID     PID and every descendant, again and again
 *   node attacker.ts once PID…     each of them once, with a stopping attach too
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';

export interface Target {
  readonly pid: number;
  /** As last seen. */
  commandLine: string;
  polls: number;
  /** Each way that succeeded, and what was running there: its path, or its name where even that is closed. */
  readonly got: Record<string, string[]>;
  /** Every way failed at least once, while it lived. */
  isClosed: boolean;
  /** Ways that succeeded after that. */
  readonly gotLater: string[];
}

type Call = (...args: readonly unknown[]) => number;
const libc = koffi.load(null);
const readv = libc.func(
  'long process_vm_readv(int, void *, unsigned long, void *, unsigned long, unsigned long)',
) as Call;
const ptrace = libc.func('long ptrace(int, int, void *, void *)') as Call;
const waitpid = libc.func('int waitpid(int, void *, int)') as Call;
const syscall = libc.func('long syscall(long, long, long, long)') as Call;
const close = libc.func('int close(int)') as Call;
const [seize, interrupt, attach, detach, everyChild] = [0x4206, 0x4207, 16, 17, 0x40000000];
const [pidfdOpen, pidfdGet] = [434, 438];

const attempt = (work: () => unknown): boolean => {
  try {
    return work() !== false;
  } catch {
    return false;
  }
};

function ownsTrace(pid: number, how: 'seize' | 'attach'): boolean {
  if (ptrace(how === 'seize' ? seize : attach, pid, null, null) !== 0) return false;
  if (how === 'seize') ptrace(interrupt, pid, null, null);
  waitpid(pid, Buffer.alloc(4), everyChild);
  ptrace(detach, pid, null, null);
  return true;
}

/** An address that cannot be read says EFAULT, but only to who may read. */
function readsMemory(pid: number): boolean {
  const into = Buffer.alloc(8);
  const local = Buffer.alloc(16);
  local.writeBigUInt64LE(koffi.address(into), 0);
  local.writeBigUInt64LE(8n, 8);
  const remote = Buffer.alloc(16);
  remote.writeBigUInt64LE(0x10000n, 0);
  remote.writeBigUInt64LE(8n, 8);
  return readv(pid, local, 1, remote, 1, 0) > 0 || koffi.errno() === koffi.os.errno['EFAULT'];
}

function stealsDescriptor(pid: number): boolean {
  const pidfd = syscall(pidfdOpen, pid, 0, 0);
  if (pidfd < 0) return false;
  const stolen = [0, 1, 2].map((fd) => syscall(pidfdGet, pidfd, fd, 0)).filter((fd) => fd >= 0);
  for (const fd of [pidfd, ...stolen]) close(fd);
  return stolen.length > 0;
}

const ways: Readonly<Record<string, (pid: number) => unknown>> = {
  mem: (pid) => closeSync(openSync(`/proc/${pid}/mem`, 'r')),
  environ: (pid) => readFileSync(`/proc/${pid}/environ`).length > 0,
  maps: (pid) => readFileSync(`/proc/${pid}/maps`).length > 0,
  fd: (pid) => readdirSync(`/proc/${pid}/fd`),
  process_vm_readv: readsMemory,
  pidfd_getfd: stealsDescriptor,
  ptrace_seize: (pid) => ownsTrace(pid, 'seize'),
};

/** Nothing of one that is gone, or that is ending and has no memory left to look at. */
function statusOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  if (!status.includes('\nVmSize:')) throw new Error('over');
  return status;
}
const field = (status: string, name: string): string => new RegExp(`^${name}:\\s*(\\S*)`, 'm').exec(status)?.[1] ?? '';

function runsThere(pid: number): string {
  const status = statusOf(pid);
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return field(status, 'Name');
  }
}

function attackOnce(target: Target, more: typeof ways = {}): void {
  const { pid } = target;
  let isClosed = true;
  for (const [way, succeeds] of Object.entries({ ...ways, ...more })) {
    const there = runsThere(pid);
    if (!attempt(() => succeeds(pid)) || !attempt(() => statusOf(pid))) continue;
    // It became another program meanwhile: which of the two let it in is not known, and it is met again.
    if (runsThere(pid) !== there) return;
    const got = (target.got[way] ??= []);
    if (!got.includes(there)) got.push(there);
    if (target.isClosed && !target.gotLater.includes(way)) target.gotLater.push(way);
    isClosed = false;
  }
  statusOf(pid);
  target.isClosed ||= isClosed;
  target.commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || target.commandLine;
  target.polls += 1;
}

const newTarget = (pid: number): Target => ({ pid, commandLine: '', polls: 0, got: {}, isClosed: false, gotLater: [] });

/** Descendants by parent's number: threads that started them do not matter. */
function createFinder(root: number): () => readonly number[] {
  const ours = new Set([root]);
  const others = new Set<number>();
  return () => {
    let unknown = readdirSync('/proc').map(Number);
    let count = 0;
    do {
      count = ours.size;
      unknown = unknown.filter((pid) => pid > 0 && !ours.has(pid) && !others.has(pid));
      for (const pid of unknown) if (ours.has(parentOf(pid))) ours.add(pid);
    } while (ours.size > count);
    for (const pid of unknown) others.add(pid);
    return [...ours];
  };
}

function parentOf(pid: number): number {
  try {
    return Number(field(statusOf(pid), 'PPid'));
  } catch {
    return 0;
  }
}

const closedEvery = 5;
/** Those that stay open as they are meant to have more by the end. */
const youngPolls = 200;

async function watch(root: number): Promise<readonly Target[]> {
  const find = createFinder(root);
  const targets = new Map<number, Target>();
  process.stdin.resume();
  let isWatching = false;
  for (let round = 0; !process.stdin.readableEnded; round += 1) {
    for (const pid of find()) {
      const target = targets.get(pid) ?? newTarget(pid);
      // One that is still open may live for a moment only: it is looked at in each round, and rounds are short.
      if (target.isClosed && round % closedEvery !== 0) continue;
      attempt(() => attackOnce(target));
      targets.set(pid, target);
    }
    if (!isWatching) process.stdout.write('watching\n');
    isWatching = true;
    await new Promise((resolve) => setImmediate(resolve));
  }
  // One that began a moment ago is watched until it closed itself, or is gone.
  const isYoung = ({ pid, polls, isClosed }: Target): boolean =>
    !isClosed && polls < youngPolls && existsSync(`/proc/${pid}`);
  for (let young = [...targets.values()].filter(isYoung); young.length > 0; young = young.filter(isYoung)) {
    for (const target of young) if (!attempt(() => attackOnce(target))) target.polls += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return [...targets.values()];
}

const [, , mode, ...pids] = process.argv;
if (mode === 'watch') process.stdout.write(`${JSON.stringify(await watch(Number(pids[0])))}\n`);
if (mode === 'once') {
  const targets = pids.map(Number).map(newTarget);
  for (const target of targets)
    try {
      attackOnce(target, { ptrace_attach: (pid) => ownsTrace(pid, 'attach') });
    } catch (error) {
      // One that lives for seconds may have ended meanwhile.
      if (existsSync(`/proc/${target.pid}`)) throw error;
    }
  process.stdout.write(`${JSON.stringify(targets)}\n`);
}
