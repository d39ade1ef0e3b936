/**
 * Who is on the other end of the socket, from the kernel. Guarantees that a process of another user is refused, and that
 * the name belongs to the process that connected as long as it lives. A program's name is a label, not authentication:
 * the same user can run anything under any name.
 */
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import koffi from 'koffi';

export interface Peer {
  /** The path of what it runs; null where the kernel does not tell. */
  readonly executable: string | null;
  readonly pid: number | null;
}

const unknownPeer: Peer = Object.freeze({ executable: null, pid: null });

// unix(7), socket(7); numbers of Linux on x86-64 and arm64.
const solSocket = 1;
const soPeerCred = 17;
const soPeerPidFd = 77;
const pollIn = 1;
const pollHangUp = 16;

interface Native {
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  poll(fds: Buffer, count: number, timeoutMs: number): number;
}

let loaded: Native | undefined;

function native(): Native {
  if (loaded !== undefined) return loaded;
  const libc = koffi.load(null);
  loaded = {
    getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)') as Native['getsockopt'],
    poll: libc.func('int poll(void *, unsigned long, int)') as Native['poll'],
  };
  return loaded;
}

/** Null: another user's process, or one that the kernel does not name. */
export function peerOf(socket: Socket, ownUid = process.getuid?.()): Peer | null {
  // Elsewhere the folder's mode (macOS) or the pipe's owner (Windows) decides alone: not verified there.
  if (process.platform !== 'linux') return unknownPeer;
  const fd = descriptorOf(socket);
  if (fd === null) return null;
  const credentials = option(fd, soPeerCred, 12);
  if (credentials === null || credentials.readUInt32LE(4) !== ownUid) return null;
  return named(fd, credentials.readInt32LE(0));
}

function named(fd: number, pid: number): Peer {
  const pidFd = option(fd, soPeerPidFd, 4)?.readInt32LE(0) ?? null;
  try {
    const startedBefore = startTime(pid);
    const executable = readlinkSync(`/proc/${pid}/exe`);
    // A pid can be given to another process: the name counts only if this one still lives.
    if (startTime(pid) !== startedBefore || (pidFd !== null && hasEnded(pidFd))) return unknownPeer;
    return { executable, pid };
  } catch {
    return unknownPeer;
  } finally {
    if (pidFd !== null) closeSync(pidFd);
  }
}

function option(fd: number, name: number, bytes: number): Buffer | null {
  const value = Buffer.alloc(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return native().getsockopt(fd, solSocket, name, value, length) === 0 ? value : null;
}

/** False: the other side only ended what it sends (unix(7)), and may still read. */
export function hasHungUp(socket: Socket): boolean {
  // Elsewhere this was not tried: an end is an end.
  if (process.platform !== 'linux') return true;
  const fd = descriptorOf(socket);
  return fd === null || (polled(fd, 0) & pollHangUp) !== 0;
}

/** A pidfd is readable once its process has ended (pidfd_open(2)). */
function hasEnded(pidFd: number): boolean {
  return polled(pidFd, pollIn) !== 0;
}

/** The events that hold now (poll(2)). */
function polled(fd: number, events: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(events, 4);
  native().poll(entry, 1, 0);
  return entry.readInt16LE(6);
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. */
function startTime(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Node does not publish a socket's descriptor; -1 once it is closed. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? null : fd;
}
