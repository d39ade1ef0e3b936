/** One connection to the gateway's socket, made only after the socket proved to be this user's own. */
import net from 'node:net';
import path from 'node:path';
import type { ServerProblem } from '../our-server.ts';
import { socketProblem } from '../own-folder.ts';
import { isPipe } from '../paths.ts';
import { createLineSplitter } from './lines.ts';

export interface Upstream {
  /** Resolves when more may be written, or the connection is over. */
  send(line: Buffer | string): Promise<void>;
  pause(): void;
  resume(): void;
  end(): void;
}

export interface UpstreamListener {
  readonly line: (line: Buffer) => void;
  readonly closed: () => void;
}

export interface Place {
  readonly socketPath: string;
  readonly problemOf: ServerProblem;
  /** Somebody listens who may not be us, and why; nothing: nobody does, or we. */
  readonly onProblem: (why: string | undefined) => void;
}

/** Nothing when nobody listens, or somebody who may not be us: not a byte is sent to them. */
export async function connectUpstream(place: Place, listener: UpstreamListener): Promise<Upstream | undefined> {
  const { socketPath, problemOf, onProblem } = place;
  if (!isPipe(socketPath) && socketProblem(socketPath, path.dirname(socketPath)) !== undefined) return undefined;
  const socket = await open(socketPath);
  const problem = socket && (await problemOf(socket, socketPath));
  onProblem(problem);
  // It may have ended while it was looked at, and nobody would hear of that any more.
  if (!socket || problem !== undefined || socket.destroyed) {
    socket?.destroy();
    return undefined;
  }
  const splitter = createLineSplitter();
  socket.on('data', (chunk) => {
    for (const line of splitter.push(chunk)) listener.line(line);
  });
  socket.once('close', () => listener.closed());
  return {
    async send(line) {
      if (socket.destroyed) return;
      socket.cork();
      socket.write(line);
      const room = socket.write('\n');
      process.nextTick(() => socket.uncork());
      if (!room) await drained(socket);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
  };
}

function open(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    const failed = (): void => resolve(undefined);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      // 'close' follows and says enough.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}
