/**
 * One connection: bytes to frames to the session, and back. Guarantees that no program can take more than its share: a
 * bounded slice of work per turn, no reading while its answers pile up, no more than 1,000 small reads a second, and an
 * end after ten protocol errors in a row. It does not limit how many calls a program makes: that is policy.
 */
import type { Socket } from 'node:net';
import { createFramer, type FrameBudget } from './framing.ts';
import { firstBytes, notImplemented } from './first-bytes.ts';
import type { Session } from './session.ts';
import { frameErrorLine } from './wire.ts';

export interface ConnectionDeps {
  readonly socket: Socket;
  readonly budget: FrameBudget;
  readonly openSession: (send: (line: string) => void) => Session;
  readonly onClose: () => void;
}

export interface Connection {
  readonly session: Session | null;
  close(): void;
}

const framesPerTurn = 16;
const strikesAllowed = 10;
/** Answers that a program has not read: reading from it stops at the first, the connection ends at the second. */
const pileStopBytes = 1024 * 1024;
const pileEndBytes = 32 * 1024 * 1024;
/** Pieces smaller than this, in the middle of a line, are gathered by the kernel for a moment. */
const smallPieceBytes = 4096;
const gatherMs = 1;
const lingerMs = 1000;

export function createConnection({ socket, budget, openSession, onClose }: ConnectionDeps): Connection {
  const framer = createFramer(budget);
  let session: Session | null = null;
  let head: Buffer = Buffer.alloc(0);
  let strikes = 0;
  let ended = false;

  function send(line: string): void {
    if (ended) return;
    socket.write(line + '\n');
    if (socket.writableLength > pileEndBytes) socket.destroy();
  }

  function end(last?: string): void {
    if (ended) return;
    ended = true;
    if (last === undefined) socket.end();
    else socket.end(last);
    socket.resume();
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  function strike(): void {
    strikes += 1;
    if (strikes >= strikesAllowed) end();
  }

  /** A slice of what was read; the rest after other connections had their turn. */
  function work(open: Session, received: number): void {
    for (let done = 0; done < framesPerTurn; done += 1) {
      if (ended || socket.destroyed) return;
      if (socket.writableLength > pileStopBytes) {
        socket.pause();
        socket.once('drain', () => {
          work(open, received);
        });
        return;
      }
      const frame = framer.next();
      if (frame === null) {
        if (received < smallPieceBytes && framer.waitingBytes > 0) gather();
        else socket.resume();
        return;
      }
      if (frame.kind === 'error') {
        send(frameErrorLine(frame.code, frame.batch === true));
        strike();
      } else if (open.receive(frame.message)) {
        strikes = 0;
      } else {
        strike();
      }
    }
    socket.pause();
    setImmediate(work, open, received);
  }

  function gather(): void {
    socket.pause();
    setTimeout(() => {
      if (!ended) socket.resume();
    }, gatherMs);
  }

  function onFirst(chunk: Buffer): void {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const kind = firstBytes(head);
    if (kind === 'undecided') return;
    if (kind === 'http') {
      end(notImplemented);
      return;
    }
    session = openSession(send);
    feed(session, head);
    head = Buffer.alloc(0);
  }

  function feed(open: Session, chunk: Buffer): void {
    framer.push(chunk);
    work(open, chunk.length);
  }

  socket.on('data', (chunk: Buffer) => {
    if (ended) return;
    if (session === null) onFirst(chunk);
    else feed(session, chunk);
  });
  socket.on('error', () => {
    socket.destroy();
  });
  socket.on('close', () => {
    ended = true;
    framer.close();
    session?.close();
    onClose();
  });

  return {
    get session() {
      return session;
    },
    close() {
      end();
    },
  };
}
