/**
 * Who is on the other end of a unix socket, from the kernel. Guarantees that the user is the one who connected (or listened), and
 * that the process is held by a pidfd from then on: it cannot become another one unnoticed. What it runs is a label (process-view.ts).
 */
import { closeSync } from 'node:fs';
import type { Socket } from 'node:net';
import koffi from 'koffi';

// unix(7), socket(7), pidfd_open(2); numbers of Linux on x86-64 and arm64.
const solSocket = 1;
const soPeerCred = 17;
const soPeerPidFd = 77;
const pidFdOpen = 434;
const noSuchOption = 92;
const pollIn = 1;
const pollHangUp = 16;

interface Native {
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  poll(fds: Buffer, count: number, timeoutMs: number): number;
  syscall(number: number, pid: number, flags: number): number;
}

let loaded: Native | undefined;

function native(): Native {
  if (loaded !== undefined) return loaded;
  const libc = koffi.load(null);
  loaded = {
    getsockopt: libc.func('int getsockopt(int, int, int, void *, void *)') as Native['getsockopt'],
    poll: libc.func('int poll(void *, unsigned long, int)') as Native['poll'],
    syscall: libc.func('long syscall(long, int, int)') as Native['syscall'],
  };
  return loaded;
}

/** A process that cannot become another one while it is held. */
export interface HeldProcess {
  readonly pid: number;
  readonly uid: number;
  /** It is a zombie, or gone. */
  hasEnded(): boolean;
  release(): void;
}

/** Null: the kernel does not tell, or that process is gone already. Linux only. */
export function holdPeer(socket: Socket): HeldProcess | null {
  const fd = descriptorOf(socket);
  // The pidfd first: what is read by the pid afterwards is then of this process, as long as it lives.
  const ofPeer = fd === null ? -1 : keptPidFd(fd);
  const credentials = fd === null ? null : option(fd, soPeerCred, 12);
  const pid = credentials?.readInt32LE(0) ?? 0;
  const pidFd = ofPeer ?? (pid > 0 ? native().syscall(pidFdOpen, pid, 0) : -1);
  if (credentials === null || pid <= 0 || pidFd < 0) {
    if (pidFd >= 0) closeSync(pidFd);
    return null;
  }
  return {
    pid,
    uid: credentials.readUInt32LE(4),
    // A pidfd is readable once its process has ended.
    hasEnded: () => polled(pidFd, pollIn) !== 0,
    release: () => closeSync(pidFd),
  };
}

/** -1: that process is gone, and its number may be another's by now. Null: this kernel keeps none (before 6.5). */
function keptPidFd(fd: number): number | null {
  const kept = option(fd, soPeerPidFd, 4);
  if (kept !== null) return kept.readInt32LE(0);
  return koffi.errno() === noSuchOption ? null : -1;
}

/** False: a process of another user. Elsewhere than on Linux the folder's mode, or the pipe's owner, decides alone: not verified there. */
export function isOwnUser(socket: Socket, ownUid = process.getuid?.()): boolean {
  if (process.platform !== 'linux') return true;
  const fd = descriptorOf(socket);
  return fd !== null && option(fd, soPeerCred, 12)?.readUInt32LE(4) === ownUid;
}

/** False: the other side only ended what it sends (unix(7)), and may still read. */
export function hasHungUp(socket: Socket): boolean {
  // Elsewhere this was not tried: an end is an end.
  if (process.platform !== 'linux') return true;
  const fd = descriptorOf(socket);
  return fd === null || (polled(fd, 0) & pollHangUp) !== 0;
}

function option(fd: number, name: number, bytes: number): Buffer | null {
  const value = Buffer.alloc(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return native().getsockopt(fd, solSocket, name, value, length) === 0 ? value : null;
}

/** The events that hold now (poll(2)). */
function polled(fd: number, events: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(events, 4);
  native().poll(entry, 1, 0);
  return entry.readInt16LE(6);
}

/** Node does not publish a socket's descriptor; -1 once it is closed. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const fd = handle?.fd;
  return fd === undefined || fd < 0 ? null : fd;
}
