/**
 * One stream of a channel: credit, order, half-close, reset. Sans-IO: the multiplexer calls `on…` with what arrived
 * and `advance` when the channel takes more; the stream sends its frames through `StreamLink`.
 *
 * Who knows that a stream is over: after both ends were seen, or after both sides sent a reset. A side that resets
 * keeps the stream (its credit still counts) until the peer answers with its own reset, or with the end that
 * completed an already ended stream; so every frame that arrives can be judged.
 */
import { ByteQueue } from './byte-queue.ts';
import type { ByteStream } from './channel.ts';
import { type Code, Fault } from './errors.ts';
import { maxDataBytes } from './frames.ts';

export const initialCreditBytes = 262_144;
const grantBytes = initialCreditBytes / 4;

export interface StreamLink {
  sendData(id: number, bytes: Uint8Array): void;
  sendCredit(id: number, bytes: number): void;
  sendEnd(id: number): void;
  sendReset(id: number, code: Code): void;
  /** The stream has bytes and credit: call `advance` when the channel takes data. */
  ready(stream: MultiplexedStream): void;
  /** No frame of this stream is valid any more. */
  forget(stream: MultiplexedStream): void;
}

interface Write {
  readonly bytes: Uint8Array;
  sent: number;
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

interface Read {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (fault: Fault) => void;
}

const done: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

export class MultiplexedStream implements ByteStream {
  readonly id: number;
  readonly closed: Promise<Code | undefined>;
  readonly #link: StreamLink;
  #settle: (code: Code | undefined) => void = () => undefined;

  readonly #received = new ByteQueue();
  readonly #reads: Read[] = [];
  readonly #writes: Write[] = [];
  #sendCredit = initialCreditBytes;
  #receiveCredit = initialCreditBytes;
  /** Read by the consumer, not yet granted again. */
  #ungranted = 0;
  #ending = false;
  #sentEnd = false;
  #gotEnd = false;
  #sentReset = false;
  #over = false;
  #readFault: Fault | undefined;
  #writeFault: Fault | undefined;

  constructor(id: number, link: StreamLink) {
    this.id = id;
    this.#link = link;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#writeFault !== undefined) return Promise.reject(this.#writeFault);
    if (this.#ending) return Promise.reject(new Fault('internal', 'write after end'));
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writes.push({ bytes, sent: 0, resolve, reject });
      this.#announce();
    });
  }

  end(): void {
    if (this.#ending || this.#over || this.#sentReset) return;
    this.#ending = true;
    this.#endWhenWritten();
  }

  reset(code: Code): void {
    if (this.#over || this.#sentReset) return;
    this.#sentReset = true;
    this.#fail(new Fault(code, 'the stream was reset'), true);
    this.#link.sendReset(this.id, code);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        // Bytes that nobody will read must not hold the peer back for ever.
        if (!this.#gotEnd) this.reset('internal');
        return Promise.resolve(done);
      },
    };
  }

  /** Sends at most one data frame; true when more could follow. */
  advance(): boolean {
    const write = this.#writes[0];
    if (write === undefined || this.#sendCredit === 0) return false;
    const size = Math.min(write.bytes.length - write.sent, this.#sendCredit, maxDataBytes);
    this.#link.sendData(this.id, write.bytes.subarray(write.sent, write.sent + size));
    this.#sendCredit -= size;
    write.sent += size;
    if (write.sent === write.bytes.length) {
      this.#writes.shift();
      write.resolve();
      this.#endWhenWritten();
    }
    return this.#writes.length > 0 && this.#sendCredit > 0;
  }

  /** This and the other `on…`: false when the peer broke the protocol. */
  onData(bytes: Uint8Array): boolean {
    if (this.#gotEnd || bytes.length > this.#receiveCredit) return false;
    this.#receiveCredit -= bytes.length;
    if (this.#sentReset) return true;
    const read = this.#reads.shift();
    if (read === undefined) {
      this.#received.push(bytes);
    } else {
      read.resolve({ done: false, value: new Uint8Array(bytes) });
      this.#grant(bytes.length);
    }
    return true;
  }

  onCredit(bytes: number): boolean {
    if (bytes === 0 || this.#sendCredit + bytes > initialCreditBytes) return false;
    this.#sendCredit += bytes;
    this.#announce();
    return true;
  }

  onEnd(): boolean {
    if (this.#gotEnd) return false;
    this.#gotEnd = true;
    for (const read of this.#reads.splice(0)) read.resolve(done);
    if (this.#sentEnd) this.#finish(undefined);
    return true;
  }

  onReset(code: Code): void {
    if (!this.#sentReset) {
      this.#sentReset = true;
      this.#link.sendReset(this.id, code);
      this.#fail(new Fault(code, 'the peer reset the stream'), true);
    }
    this.#finish(code);
  }

  /** The channel is gone. What was received completely can still be read. */
  abandon(fault: Fault): void {
    this.#fail(fault, !this.#gotEnd);
    this.#finish(fault.code);
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#readFault !== undefined) return Promise.reject(this.#readFault);
    const bytes = this.#received.shift();
    if (bytes !== undefined) {
      this.#grant(bytes.length);
      return Promise.resolve({ done: false, value: bytes });
    }
    if (this.#gotEnd) return Promise.resolve(done);
    return new Promise((resolve, reject) => {
      this.#reads.push({ resolve, reject });
    });
  }

  #grant(bytes: number): void {
    if (this.#gotEnd || this.#over) return;
    this.#ungranted += bytes;
    if (this.#ungranted < grantBytes) return;
    this.#receiveCredit += this.#ungranted;
    this.#link.sendCredit(this.id, this.#ungranted);
    this.#ungranted = 0;
  }

  #announce(): void {
    if (this.#writes.length > 0 && this.#sendCredit > 0) this.#link.ready(this);
  }

  #endWhenWritten(): void {
    if (!this.#ending || this.#sentEnd || this.#writes.length > 0 || this.#sentReset) return;
    this.#sentEnd = true;
    this.#link.sendEnd(this.id);
    if (this.#gotEnd) this.#finish(undefined);
  }

  #fail(fault: Fault, reading: boolean): void {
    this.#writeFault ??= fault;
    for (const write of this.#writes.splice(0)) write.reject(fault);
    if (reading) {
      this.#readFault ??= fault;
      this.#received.clear();
      for (const read of this.#reads.splice(0)) read.reject(fault);
    }
    this.#settle(fault.code);
  }

  #finish(code: Code | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle(code);
    this.#link.forget(this);
  }
}
