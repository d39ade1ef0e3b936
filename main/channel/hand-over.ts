/**
 * Gives a running child its end of a new channel, over Node's IPC. Guarantees: the descriptor leaves this process in
 * every case; a receiver takes only messages that `handOverSchema` describes and that carry a socket, and closes
 * whatever came with anything else. Trusts: the parent at the other end of IPC.
 */
import type { ChildProcess } from 'node:child_process';
import { Server, Socket, type SocketConstructorOpts } from 'node:net';
import { type HandOver, handOverSchema } from '../contract/channels.ts';
import { Fault } from '../contract/errors.ts';

/**
 * Resolves when the message was handed to the system; the child's IPC keeps the order.
 * @throws Fault `internal` when the child is gone or has no IPC.
 */
export function handOver(child: ChildProcess, message: HandOver, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // `pauseOnCreate` (not in the types) keeps this end from taking bytes that are the child's to read.
    const socket = new Socket({ fd, pauseOnCreate: true } as SocketConstructorOpts);
    const settle = (error: Error | null) => {
      if (error === null) {
        resolve();
        return;
      }
      socket.destroy();
      reject(new Fault('internal', 'the channel could not be handed over: the process is gone'));
    };
    socket.on('error', () => undefined);
    try {
      child.send(message, socket, settle);
    } catch (error) {
      settle(error instanceof Error ? error : new Fault('internal', 'send failed'));
    }
  });
}

/** What this needs of `process`. */
interface Receiver {
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown;
}

/** Messages that came before this call are kept by Node and delivered now. */
export function receiveHandOvers(
  onHandOver: (handOver: HandOver, socket: Socket) => void,
  from: Receiver = process,
): void {
  from.on('message', (message, handle) => {
    const parsed = handOverSchema.safeParse(message);
    if (parsed.success && handle instanceof Socket) onHandOver(parsed.data, handle);
    else discard(handle);
  });
}

function discard(handle: unknown): void {
  if (handle instanceof Socket) handle.destroy();
  else if (handle instanceof Server) handle.close();
}
