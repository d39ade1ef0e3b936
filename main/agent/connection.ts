/**
 * One connection: bytes to frames to the session, and back. Guarantees that no program can take more than its share: a
 * bounded slice of work per turn, no reading while its answers pile up, no more than 1,000 small reads a second, an end
 * when it says nothing at first, and an end when protocol errors outnumber good messages by ten. It does not limit how many calls a program makes: that is policy.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { firstBytes } from './first-bytes.ts';
import { duplexOver, type ByteStreamOver } from './http/duplex.ts';
import type { BlockShare } from './blocks.ts';
import { createFramer, type Frame, type Framer } from './framing.ts';
import { ownBytes } from './line-store.ts';
import { hasHungUp } from '../local-socket/kernel.ts';
import { readInto, type ReadBuffers } from './reused-buffer.ts';
import type { Session } from './session.ts';
import { crowdedLine, frameErrorLine } from './wire.ts';

export interface ConnectionDeps {
  /** Accepted by a server with `pauseOnConnect`; taken over. */
  readonly socket: Socket;
  readonly blocks: BlockShare;
  readonly buffers: ReadBuffers;
  readonly openSession: (send: (line: string) => void) => Session;
  /** Takes the connection over when it speaks HTTP. */
  readonly onHttp: (stream: Duplex) => void;
  readonly onClose: () => void;
}

const framesPerTurn = 16;
const strikesAllowed = 10;
/** Answers that a program has not read: reading from it stops at the first, the connection ends at the second. */
const pileStopBytes = 64 * 1024;
const pileEndBytes = 32 * 1024 * 1024;
/** Pieces smaller than this, in the middle of a line, are gathered by the kernel for a moment. */
const smallPieceBytes = 4096;
const gatherMs = 1;
const lingerMs = 1000;
/** For the last answers to a program that ended its side: they may be long. */
const answersLingerMs = 10_000;
/** A long line holds a block that others may need. */
const longLineMs = 10_000;
/** Longer than a long line of somebody else may take. */
const blockWaitMs = 12_000;
/** A connection without a line takes the place of one that has something to say. */
const firstLineMs = 10_000;
/** How often we look whether a program that ended its side is still there for its answers. */
const goneLookMs = 250;

const silentSay =
  'No message came within ten seconds, and others may need the place. Connect when there is one to send.';
const blockedSay = 'Too many long messages are being sent at once, so this one was skipped. Send it again in a moment.';

export interface Connection {
  /** Null until the first bytes told that it speaks JSON-RPC in lines. */
  readonly session: Session | null;
  close(): void;
}

export function createConnection(deps: ConnectionDeps): Connection {
  return new AgentConnection(deps);
}

class AgentConnection implements Connection {
  session: Session | null = null;
  readonly #socket: Socket;
  readonly #buffer: Buffer;
  readonly #framer: Framer;
  readonly #openSession: ConnectionDeps['openSession'];
  readonly #onHttp: ConnectionDeps['onHttp'];
  #http: ByteStreamOver | null = null;
  #head: Buffer = Buffer.alloc(0);
  #strikes = 0;
  #ended = false;
  /** Size of the last piece read. */
  #received = 0;
  #unsent = '';
  #longLine: NodeJS.Timeout | null = null;
  readonly #silent: NodeJS.Timeout;

  constructor({ socket, blocks, buffers, openSession, onHttp, onClose }: ConnectionDeps) {
    this.#buffer = buffers.take();
    this.#framer = createFramer(blocks);
    this.#openSession = openSession;
    this.#onHttp = onHttp;
    this.#socket = readInto(socket, this.#buffer, (bytes) => this.#read(bytes));
    this.#socket.on('error', () => {
      this.#socket.destroy();
    });
    this.#socket.on('end', () => {
      this.#finish();
    });
    this.#silent = setTimeout(() => {
      this.#end(`${crowdedLine(silentSay)}\n`);
    }, firstLineMs).unref();
    this.#socket.on('close', () => {
      this.#ended = true;
      clearTimeout(this.#silent);
      this.#watchLongLine(false);
      this.#framer.close();
      this.session?.close();
      buffers.giveBack(this.#buffer);
      onClose();
    });
  }

  close(): void {
    this.#end('');
  }

  /** False: stop reading; what was read is still being worked on. */
  #read(bytes: number): boolean {
    if (this.#ended) return true;
    const chunk = this.#buffer.subarray(0, bytes);
    this.#received = bytes;
    if (this.#http !== null) {
      this.#http.push(chunk);
      return false;
    }
    if (this.session === null) return this.#readFirst(chunk);
    this.#framer.push(chunk);
    return this.#work(this.session);
  }

  #readFirst(chunk: Buffer): boolean {
    const head = Buffer.concat([this.#head, chunk]);
    this.#head = head;
    const kind = firstBytes(head);
    if (kind === 'undecided') return true;
    if (kind === 'http') {
      clearTimeout(this.#silent);
      this.#http = duplexOver(this.#socket, head);
      this.#onHttp(this.#http.stream);
      return true;
    }
    this.#head = Buffer.alloc(0);
    this.session = this.#openSession((line) => {
      this.#send(line);
    });
    this.#framer.push(head);
    return this.#work(this.session);
  }

  /** A slice of what was read; the rest after other connections had their turn. True: read on. */
  #work(session: Session): boolean {
    for (let done = 0; done < framesPerTurn; done += 1) {
      if (this.#ended) return true;
      if (this.#socket.writableLength > pileStopBytes) {
        this.#socket.once('drain', () => {
          this.#workOn(session);
        });
        return false;
      }
      const frame = this.#framer.next();
      if (frame === null) return this.#readOn();
      if (frame === 'blocked') return this.#waitForBlock(session);
      this.#take(session, frame);
      if (frame.kind === 'batch') done += frame.messages.length;
    }
    setImmediate(() => {
      this.#workOn(session);
    });
    return false;
  }

  #workOn(session: Session): void {
    if (this.#work(session)) this.#socket.resume();
  }

  #take(session: Session, frame: Frame): void {
    clearTimeout(this.#silent);
    if (frame.kind === 'error') this.#send(frameErrorLine(frame.code, frame.notAnObject === true));
    const valid =
      (frame.kind === 'message' && session.receive(frame.message)) ||
      (frame.kind === 'batch' && session.receiveBatch(frame.messages));
    this.#strikes = valid ? Math.max(0, this.#strikes - 1) : this.#strikes + 1;
    if (this.#strikes >= strikesAllowed) this.#end('');
  }

  #readOn(): boolean {
    this.#watchLongLine(this.#framer.waitingBytes > ownBytes);
    if (this.#received >= smallPieceBytes || this.#framer.waitingBytes === 0) return true;
    setTimeout(() => {
      this.#socket.resume();
    }, gatherMs);
    return false;
  }

  #waitForBlock(session: Session): false {
    clearTimeout(this.#silent);
    const late = setTimeout(() => {
      this.#framer.skipLine();
      this.#send(crowdedLine(blockedSay));
      this.#workOn(session);
    }, blockWaitMs).unref();
    this.#framer.whenRoom(() => {
      clearTimeout(late);
      setImmediate(() => {
        this.#workOn(session);
      });
    });
    return false;
  }

  /** The program says nothing more; it still gets the answers to what runs, as long as it is there. */
  #finish(): void {
    if (this.#http !== null) {
      this.#http.end();
      return;
    }
    if (this.session === null || hasHungUp(this.#socket)) {
      this.#socket.destroy();
      return;
    }
    const look = setInterval(() => {
      if (hasHungUp(this.#socket)) this.#socket.destroy();
    }, goneLookMs).unref();
    this.#socket.once('close', () => {
      clearInterval(look);
    });
    this.session.whenIdle(() => {
      this.#end('', answersLingerMs);
    });
  }

  #watchLongLine(waits: boolean): void {
    if (waits === (this.#longLine !== null)) return;
    clearTimeout(this.#longLine ?? undefined);
    this.#longLine = null;
    if (!waits) return;
    this.#longLine = setTimeout(() => {
      this.#end('');
    }, longLineMs).unref();
  }

  /** One write for all that is answered in a turn. */
  #send(line: string): void {
    if (this.#ended) return;
    if (this.#unsent === '') {
      queueMicrotask(() => {
        this.#flush();
      });
    }
    this.#unsent += `${line}\n`;
  }

  #flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text === '' || this.#socket.destroyed) return;
    this.#socket.write(text);
    if (this.#socket.writableLength > pileEndBytes) this.#socket.destroy();
  }

  /** Last words, a moment to read them, and the end. */
  #end(last: string, forMs = lingerMs): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#flush();
    this.#socket.end(last);
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), forMs).unref();
  }
}
