/**
 * Two connected ends of a private socket, as file descriptors. Both are closed in every program that a child starts;
 * give one to a child through `stdio` and close it here with `closeFd`. Nobody else can connect: it has no name.
 */
import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { Fault } from '../contract/errors.ts';
import { createNamedPipePair } from './named-pipe-pair.ts';

export interface SocketPair {
  readonly a: number;
  readonly b: number;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0x80000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;

interface Native {
  readonly socketpair: (
    ...parameters: [domain: number, type: number, protocol: number, ends: [number, number]]
  ) => number;
  readonly fcntl: (...parameters: [fd: number, command: number, kind: 'int', flags: number]) => number;
}

let native: Native | undefined;

function load(): Native {
  const library = koffi.load(null);
  return {
    socketpair: library.func('int socketpair(int domain, int type, int protocol, _Out_ int *ends)'),
    fcntl: library.func('int fcntl(int fd, int command, ...)'),
  };
}

/** @throws Fault `internal` when the system has no descriptors left. */
export function createSocketPair(): SocketPair {
  if (process.platform === 'win32') return createNamedPipePair();
  const linux = process.platform === 'linux';
  const { socketpair, fcntl } = (native ??= load());
  const ends: [number, number] = [-1, -1];
  if (socketpair(AF_UNIX, linux ? SOCK_STREAM | SOCK_CLOEXEC : SOCK_STREAM, 0, ends) !== 0)
    throw new Fault('internal', `socketpair failed with error ${koffi.errno()}: raise the limit of open files`);
  // macOS has no SOCK_CLOEXEC; nothing can be started between the two calls on this thread.
  if (!linux) for (const fd of ends) fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
  const [a, b] = ends;
  return { a, b };
}

/** @throws Fault `internal` when it is not open: closing twice could close somebody else's. */
export function closeFd(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    throw new Fault('internal', `descriptor ${fd} was not open`);
  }
}
