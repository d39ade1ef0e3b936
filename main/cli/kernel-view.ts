/** What the Linux kernel says of a process, as any other program of this user can read it (proc(5)). */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';

export interface KernelView {
  readonly pid: number;
  readonly noNewPrivileges: boolean;
  /** Seccomp mode 2: a filter is on. */
  readonly filtered: boolean;
  readonly tracer: number;
  /** Hard limit 0: nobody can allow them again. */
  readonly noCoreDumps: boolean;
  /** SIGUSR1 would meet a handler, where Node.js was not told to have none of its own. */
  readonly mayOpenInspector: boolean;
  /** Of AppArmor or SELinux; nothing where neither is on. */
  readonly profile: string | undefined;
  /** Names; nothing where the kernel does not let this user look, which is how it should be. */
  readonly environment: readonly string[] | undefined;
  /** Its memory, environment and descriptors are closed to this user. */
  readonly closed: boolean;
  /** Depth of process-id namespaces; 1 is the machine's own. */
  readonly pidNamespaces: number;
  /** Nothing where the kernel does not let this user look. */
  readonly interfaces: readonly string[] | undefined;
  readonly commandLine: readonly string[];
}

/** Nothing when the process is gone. */
export function viewProcess(pid: number): KernelView | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  const commandLine = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1);
  const handled = ((BigInt(`0x${field('SigCgt') || '0'}`) >> BigInt(constants.signals.SIGUSR1 - 1)) & 1n) === 1n;
  return {
    pid,
    noNewPrivileges: field('NoNewPrivs') === '1',
    filtered: field('Seccomp') === '2',
    tracer: Number(field('TracerPid')),
    closed: isClosed(pid),
    pidNamespaces: field('NSpid').split(/\s+/).length,
    interfaces: interfacesOf(pid),
    commandLine,
    noCoreDumps: /^Max core file size\s+0\s+0\s/m.test(read(`/proc/${pid}/limits`) ?? ''),
    mayOpenInspector: handled && !commandLine.includes('--disable-sigusr1'),
    profile: read(`/proc/${pid}/attr/current`)?.replace(/[\0\n]+$/, ''),
    environment: read(`/proc/${pid}/environ`)
      ?.split('\0')
      .flatMap((pair) => /^([^=]+)=/.exec(pair)?.[1] ?? []),
  };
}

/** The last of a line of only children: what a sandbox's launcher really runs. */
export function innermost(pid: number): number {
  for (let at = pid; ;) {
    const children = (read(`/proc/${at}/task/${at}/children`) ?? '').trim().split(' ').filter(Boolean).map(Number);
    const [only] = children;
    if (only === undefined || children.length > 1) return at;
    at = only;
  }
}

/** `net:[4026531840]`, or nothing where the kernel does not let this user look. */
export function namespaceOf(pid: number, kind: 'net' | 'user' | 'mnt'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

/** Of the whole machine; that one type is permissive cannot be seen. */
export function selinuxEnforces(): boolean {
  return read('/sys/fs/selinux/enforce')?.trim() === '1';
}

/** A process that is not dumpable has /proc files that belong to root, and whose content nobody of this user may read. */
function isClosed(pid: number): boolean {
  try {
    const ownedByRoot = lstatSync(`/proc/${pid}/environ`).uid === 0 && process.getuid?.() !== 0;
    return ownedByRoot && read(`/proc/${pid}/environ`) === undefined && read(`/proc/${pid}/maps`) === undefined;
  } catch {
    return false;
  }
}

function interfacesOf(pid: number): string[] | undefined {
  const lines = read(`/proc/${pid}/net/dev`)?.split('\n').slice(2);
  return lines?.flatMap((line) => /^\s*([^:]+):/.exec(line)?.[1] ?? []);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
