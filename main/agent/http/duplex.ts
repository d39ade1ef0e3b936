/**
 * A connection's bytes as the stream that Node's HTTP server takes: what was read already, then what the socket reads on, one
 * buffer of it each turn of the event loop. Trusts Node's parser to keep nothing of a buffer that it was given: copies of
 * our own would be garbage that V8 collects too late (`reused-buffer.ts`). The runtime is pinned by hash; a test notices.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface ByteStreamOver {
  readonly stream: Duplex;
  /** Bytes in a buffer that is used again. Reading stops, and goes on by itself. */
  push(bytes: Buffer): void;
  end(): void;
}

/** As for lines: what comes in smaller pieces than this is gathered by the kernel for a moment. */
const smallPieceBytes = 4096;
const gatherMs = 1;
/** After the last answer: what is on its way is read, so that it does not reach the other side as an error. */
const lingerMs = 1000;

export function duplexOver(socket: Socket, head: Buffer): ByteStreamOver {
  let wanted = true;
  let isWaiting = false;

  function readOn(): void {
    isWaiting = false;
    if (wanted && !socket.destroyed) socket.resume();
  }

  const stream = new Duplex({
    read: () => {
      wanted = true;
      if (!isWaiting) readOn();
    },
    write: (chunk: Buffer, _encoding, done) => {
      // Answers that nobody reads hold their writer, not our memory.
      socket.write(chunk, (error) => done(error ?? null));
    },
    final: (done) => {
      socket.end(() => done());
      const late = setTimeout(() => socket.destroy(), lingerMs).unref();
      socket.once('close', () => clearTimeout(late));
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
      isWaiting = true;
      // A flowing stream hands it on at once, and the parser is done with it when `push` returns.
      const isDirect = stream.readableFlowing === true && stream.readableLength === 0;
      wanted = stream.push(isDirect ? bytes : Buffer.from(bytes));
      // Nobody took it: the buffer is used again, so it must not be kept.
      if (isDirect && hasKept(stream)) stream.destroy();
      // Others have their turn.
      if (bytes.length < smallPieceBytes) setTimeout(readOn, gatherMs);
      else setImmediate(readOn);
    },
    end: () => void stream.push(null),
  };
}

/** Asked anew: pushing to a stream changes it. */
function hasKept({ readableLength }: Duplex): boolean {
  return readableLength > 0;
}
