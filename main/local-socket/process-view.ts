/**
 * What the kernel says of a process of this user (proc(5)). Guarantees: which file it runs is told by device and inode, and its path is
 * for people only. Trusts nothing that the process says: its command line is its own word, and can be changed while it runs.
 * Whoever reads checks `startedAt` again afterwards. Reading another's command line or files can take as long as it wants: never in a turn.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';

export interface ProcessState {
  readonly parent: number;
  readonly session: number;
  /** Ticks since the machine started: with the pid, one process. */
  readonly startedAt: string;
}

export interface Executable {
  /** For people: a path can lead elsewhere by now. */
  readonly path: string;
  /** `device:inode`. */
  readonly file: string;
}

const maxCommandLineBytes = 64 * 1024;

/** Fields 4, 6 and 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. Null: it is gone. */
export function stateOf(pid: number): ProcessState | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), session: Number(fields[3]), startedAt: fields[19] ?? '' };
  } catch {
    return null;
  }
}

/** Its effective user; null when it is gone. */
export function userOf(pid: number): number | null {
  try {
    const found = /^Uid:\t\d+\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return found === undefined ? null : Number(found);
  } catch {
    return null;
  }
}

/** `closed`: it does not let its own user look. Null: it is gone, or was when it was read. */
export async function executableOf(pid: number): Promise<Executable | 'closed' | null> {
  const link = `/proc/${pid}/exe`;
  try {
    return { path: readlinkSync(link), file: await fileAt(link) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'closed' : null;
  }
}

/** `device:inode` of what lies there, links followed. Rejects as stat(2) does. */
export async function fileAt(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** The process's own word; empty when there is none. */
export async function commandLineOf(pid: number): Promise<readonly string[]> {
  try {
    const file = await open(`/proc/${pid}/cmdline`, 'r');
    try {
      const bytes = Buffer.alloc(maxCommandLineBytes);
      let filled = 0;
      for (;;) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled);
        filled += bytesRead;
        if (bytesRead === 0 || filled === bytes.length) break;
      }
      return bytes.toString('utf8', 0, filled).replace(/\0$/, '').split('\0');
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}

/** The first whose path is seen as that process sees it; a closed process's as we do. */
export async function placeSeenBy(pid: number, absolute: string): Promise<string | null> {
  for (const root of [`/proc/${pid}/root`, '/proc/self/root']) {
    try {
      await stat(root + absolute);
      return root + absolute;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') return null;
    }
  }
  return null;
}
