/** A connection's bytes as the stream that Node's HTTP server takes: what was read already, then what the socket reads on. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface ByteStreamOver {
  readonly stream: Duplex;
  /** Bytes in a buffer that is used again. False: stop reading. */
  push(bytes: Buffer): boolean;
  end(): void;
}

/** As for lines: what comes in smaller pieces than this is gathered by the kernel for a moment. */
const smallPieceBytes = 4096;
const gatherMs = 1;

export function duplexOver(socket: Socket, head: Buffer): ByteStreamOver {
  let wanted = true;
  let gathering = false;

  function readOn(): void {
    gathering = false;
    if (wanted && !socket.destroyed) socket.resume();
  }

  const stream = new Duplex({
    read: () => {
      wanted = true;
      if (!gathering) readOn();
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
    push(bytes) {
      wanted = stream.push(Buffer.from(bytes));
      if (bytes.length >= smallPieceBytes) return wanted;
      gathering = true;
      setTimeout(readOn, gatherMs);
      return false;
    },
    end: () => void stream.push(null),
  };
}
