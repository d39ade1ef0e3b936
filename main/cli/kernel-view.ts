/** What the Linux kernel says of a process, as any other program of this user can read it (proc(5)). */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';

export interface KernelView {
  readonly pid: number;
  readonly noNewPrivileges: boolean;
  /** Seccomp mode 2: a filter is on. */
  readonly filtered: boolean;
  readonly tracer: number;
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
  return {
    pid,
    noNewPrivileges: field('NoNewPrivs') === '1',
    filtered: field('Seccomp') === '2',
    tracer: Number(field('TracerPid')),
    closed: isClosed(pid),
    pidNamespaces: field('NSpid').split(/\s+/).length,
    interfaces: interfacesOf(pid),
    commandLine: (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1),
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
