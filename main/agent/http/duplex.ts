/** A connection's bytes as the stream that Node's HTTP server takes: what was read already, then what the socket reads on. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface ByteStreamOver {
  readonly stream: Duplex;
  /** Bytes in a buffer that is used again. False: stop reading. */
  push(bytes: Buffer): boolean;
  end(): void;
}

export function duplexOver(socket: Socket, head: Buffer): ByteStreamOver {
  const stream = new Duplex({
    read: () => {
      if (!socket.destroyed) socket.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      // Answers that nobody reads hold their writer, not our memory.
      socket.write(chunk, (error) => done(error ?? null));
    },
    final: (done) => {
      socket.end(() => done());
    },
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
    allowHalfOpen: true,
  });
  stream.on('error', () => socket.destroy());
  socket.once('close', () => stream.destroy());
  stream.push(Buffer.from(head));
  return {
    stream,
    push: (bytes) => stream.push(Buffer.from(bytes)),
    end: () => void stream.push(null),
  };
}
