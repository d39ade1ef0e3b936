/**
 * A connection that reads into one buffer. By default Node makes a new buffer for each read, and V8 lets about 100 MB of
 * them pile up before it collects: a flood would cost that much memory.
 */
import { Socket, type SocketConstructorOpts } from 'node:net';

const readBytes = 64 * 1024;

/** Used again by later connections: programs that connect for each message make no garbage either. */
export interface ReadBuffers {
  take(): Buffer;
  /** Of a connection that is closed. */
  giveBack(buffer: Buffer): void;
}

export function createReadBuffers(): ReadBuffers {
  const spare: Buffer[] = [];
  return {
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(readBytes),
    giveBack(buffer) {
      // What was still looked at in this turn keeps what it says.
      setImmediate(() => spare.push(buffer));
    },
  };
}

interface Inside {
  _handle: unknown;
}

/**
 * Takes over an accepted socket of a server with `pauseOnConnect`. `onRead` says how many bytes are in `buffer`; they stay
 * there until it is called again. It answers false to stop reading, until `resume()`. When the other side ends, the
 * socket says `end` and stays open for writing.
 */
export function readInto(accepted: Socket, buffer: Buffer, onRead: (bytes: number) => boolean): Socket {
  const inside = accepted as unknown as Inside;
  // `handle` is what net.Server itself passes; with `onread` it is the only way to choose the buffer of an accepted socket.
  const options = { handle: inside._handle, allowHalfOpen: true, onread: { buffer, callback: onRead } };
  inside._handle = null;
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  socket.resume();
  return socket;
}
