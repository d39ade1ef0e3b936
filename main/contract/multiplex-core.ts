/**
 * The multiplexer behind `multiplex.ts`, without its types: names are looked up in the contract, values are `unknown`
 * until the contract's schema has parsed them. See there for what it guarantees.
 */
import type { z } from 'zod';
import type { ByteStream, SideContract } from './channel.ts';
import { type Code, Fault } from './errors.ts';
import {
  type Frame,
  FrameReader,
  encodeFrame,
  frameKind,
  maxId,
  maxPayloadBytes,
  readU32,
  writeU32,
} from './frames.ts';
import {
  type Reply,
  decodeMessage,
  encodeMessage,
  maxSayLength,
  noticeSchema,
  openSchema,
  replySchema,
  requestSchema,
  resetSchema,
} from './messages.ts';
import { MultiplexedStream, type StreamLink } from './stream.ts';
import type { TextCodec, Timers, Transport } from './transport.ts';

/** Each counted for the side that opens or asks. */
export const maxOpenStreams = 1024;
export const maxOpenRequests = 1024;
/** What may wait in the transport because the peer does not read; beyond it the channel closes with `internal`. */
export const maxBacklogBytes = 16_777_216;

/** A longer timer would fire at once. */
const longestTimerMs = 2_147_483_647;

type MaybePromise = void | Promise<void>;

export interface UntypedOptions {
  readonly own: SideContract;
  readonly peer: SideContract;
  readonly firstOwnId: 1 | 2;
  readonly handlers: {
    readonly notices: Readonly<Record<string, (body: unknown) => void>>;
    readonly requests: Readonly<Record<string, (params: unknown) => Promise<unknown>>>;
    readonly streams: Readonly<Record<string, (header: unknown, stream: ByteStream) => MaybePromise>>;
    readonly onClose: (code: Code | undefined) => void;
  };
  readonly transport: Transport;
  readonly codec: TextCodec;
  readonly timers: Timers;
}

interface PendingRequest {
  readonly schema: z.ZodType;
  readonly timer: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (fault: Fault) => void;
}

/** Contract entries only: never `constructor` or `__proto__`. */
function entry<T>(entries: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function codeOf(error: unknown): Code {
  return error instanceof Fault ? error.code : 'internal';
}

const noBytes = new Uint8Array(0);

export class MultiplexCore {
  readonly #options: UntypedOptions;
  readonly #reader = new FrameReader((frame) => {
    if (!this.#closed && !this.#accept(frame)) this.close('malformed');
  });
  readonly #link: StreamLink = {
    sendData: (id, bytes) => {
      this.#send(frameKind.data, id, bytes);
    },
    sendCredit: (id, bytes) => {
      const payload = new Uint8Array(4);
      writeU32(payload, 0, bytes);
      this.#send(frameKind.credit, id, payload);
    },
    sendEnd: (id) => {
      this.#send(frameKind.end, id, noBytes);
    },
    sendReset: (id, code) => {
      this.#sendMessage(frameKind.reset, id, { code });
    },
    ready: (stream) => {
      this.#ready.add(stream);
      this.#pump();
    },
    forget: (stream) => {
      this.#streams.delete(stream.id);
      this.#ready.delete(stream);
      if (this.#isOwn(stream.id)) this.#ownStreams -= 1;
      else this.#peerStreams -= 1;
    },
  };

  readonly #streams = new Map<number, MultiplexedStream>();
  /** In the order of their turns. */
  readonly #ready = new Set<MultiplexedStream>();
  #ownStreams = 0;
  #peerStreams = 0;
  #nextOwnStream: number;
  #nextPeerStream: number;

  /** Undefined: given up after its time-out; its reply is still owed. */
  readonly #asked = new Map<number, PendingRequest | undefined>();
  #answering = 0;
  #nextOwnRequest: number;
  #nextPeerRequest: number;

  #congested = false;
  #closed = false;

  constructor(options: UntypedOptions) {
    this.#options = options;
    this.#nextOwnStream = this.#nextOwnRequest = options.firstOwnId;
    this.#nextPeerStream = this.#nextPeerRequest = 3 - options.firstOwnId;
  }

  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#reader.push(bytes) !== undefined) this.close('malformed');
  }

  drained(): void {
    this.#congested = false;
    this.#pump();
  }

  notify(name: string, body: unknown): void {
    const schema = entry(this.#options.own.notices, name);
    if (schema?.safeParse(body).success !== true)
      throw new Fault('internal', `notice ${name} does not fit its contract`);
    if (this.#closed) return;
    if (!this.#sendMessage(frameKind.notice, 0, { name, body }))
      throw new Fault('internal', `notice ${name} is too large`);
  }

  request(name: string, params: unknown, timeoutMs: number): Promise<unknown> {
    const contract = entry(this.#options.own.requests, name);
    if (contract?.params.safeParse(params).success !== true)
      return Promise.reject(new Fault('internal', `request ${name} does not fit its contract`));
    if (this.#closed) return Promise.reject(new Fault('internal', 'the channel is closed'));
    if (this.#asked.size >= maxOpenRequests)
      return Promise.reject(new Fault('too_many_requests_in_flight', 'too many requests wait for an answer'));
    const id = this.#nextOwnRequest;
    if (!this.#usable(id)) return Promise.reject(new Fault('internal', 'the channel is closed'));
    return new Promise((resolve, reject) => {
      if (!this.#sendMessage(frameKind.request, id, { name, params })) {
        reject(new Fault('internal', `request ${name} is too large`));
        return;
      }
      this.#nextOwnRequest += 2;
      if (this.#closed) {
        reject(new Fault('internal', 'the channel is closed'));
        return;
      }
      const timer = this.#options.timers.set(
        () => {
          this.#asked.set(id, undefined);
          reject(new Fault('internal', `request ${name} was not answered in time`));
        },
        Math.min(timeoutMs, longestTimerMs),
      );
      this.#asked.set(id, { schema: contract.result, timer, resolve, reject });
    });
  }

  /** A stream that cannot be opened is one that was reset. */
  open(name: string, header: unknown): ByteStream {
    const schema = entry(this.#options.own.streams, name);
    if (schema?.safeParse(header).success !== true)
      throw new Fault('internal', `stream ${name} does not fit its contract`);
    const id = this.#nextOwnStream;
    if (this.#closed || !this.#usable(id)) return this.#stillborn(id, new Fault('internal', 'the channel is closed'));
    if (this.#ownStreams >= maxOpenStreams)
      return this.#stillborn(id, new Fault('too_many_requests_in_flight', 'too many streams are open'));
    const stream = new MultiplexedStream(id, this.#link);
    this.#streams.set(id, stream);
    this.#ownStreams += 1;
    if (!this.#sendMessage(frameKind.open, id, { name, header })) {
      stream.abandon(new Fault('internal', `stream ${name} has too large a header`));
      return stream;
    }
    this.#nextOwnStream += 2;
    return stream;
  }

  close(code: Code | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const fault = new Fault('internal', 'the channel is closed');
    for (const request of this.#asked.values()) {
      if (request === undefined) continue;
      this.#options.timers.clear(request.timer);
      request.reject(fault);
    }
    this.#asked.clear();
    for (const stream of [...this.#streams.values()]) stream.abandon(fault);
    this.#options.transport.shut(code);
    this.#options.handlers.onClose(code);
  }

  /** False: the peer broke the protocol. */
  #accept(frame: Frame): boolean {
    switch (frame.kind) {
      case frameKind.notice:
        return this.#onNotice(frame);
      case frameKind.request:
        return this.#onRequest(frame);
      case frameKind.reply:
        return this.#onReply(frame);
      case frameKind.open:
        return this.#onOpen(frame);
      default:
        return this.#onStreamFrame(frame);
    }
  }

  #onNotice(frame: Frame): boolean {
    const message = this.#decode(noticeSchema, frame);
    if (message === undefined || frame.id !== 0) return false;
    const body = entry(this.#options.peer.notices, message.name)?.safeParse(message.body);
    if (body?.success !== true) return false;
    try {
      this.#options.handlers.notices[message.name]?.(body.data);
    } catch (error) {
      // Nobody waits for a notice: closing is the only way not to lose one in silence.
      this.close(codeOf(error));
    }
    return true;
  }

  #onRequest(frame: Frame): boolean {
    const message = this.#decode(requestSchema, frame);
    if (message === undefined || frame.id !== this.#nextPeerRequest || this.#answering >= maxOpenRequests) return false;
    const contract = entry(this.#options.peer.requests, message.name);
    const params = contract?.params.safeParse(message.params);
    if (contract === undefined || params?.success !== true) return false;
    this.#nextPeerRequest += 2;
    this.#answering += 1;
    void this.#answer(frame.id, contract.result, () => this.#options.handlers.requests[message.name]?.(params.data));
    return true;
  }

  async #answer(id: number, schema: z.ZodType, work: () => Promise<unknown> | undefined): Promise<void> {
    let reply: Reply;
    try {
      const result = await work();
      reply = schema.safeParse(result).success
        ? { result }
        : { error: { code: 'internal', say: 'the answer does not fit its contract' } };
    } catch (error) {
      // The text of anything but a Fault stays here: it may hold what the peer must not see.
      const say = error instanceof Fault ? error.message.slice(0, maxSayLength) : 'the request failed';
      reply = { error: { code: codeOf(error), say } };
    }
    if (this.#closed) return;
    this.#answering -= 1;
    if (!this.#sendMessage(frameKind.reply, id, reply))
      this.#sendMessage(frameKind.reply, id, { error: { code: 'internal', say: 'the answer is too large' } });
  }

  #onReply(frame: Frame): boolean {
    const message = this.#decode(replySchema, frame);
    if (message === undefined || !this.#asked.has(frame.id)) return false;
    const request = this.#asked.get(frame.id);
    this.#asked.delete(frame.id);
    if (request === undefined) return true;
    this.#options.timers.clear(request.timer);
    if ('error' in message) {
      request.reject(new Fault(message.error.code, message.error.say));
      return true;
    }
    const result = request.schema.safeParse(message.result);
    if (result.success) request.resolve(result.data);
    else request.reject(new Fault('internal', 'the answer was malformed'));
    return result.success;
  }

  #onOpen(frame: Frame): boolean {
    const message = this.#decode(openSchema, frame);
    if (message === undefined || frame.id !== this.#nextPeerStream || this.#peerStreams >= maxOpenStreams) return false;
    const header = entry(this.#options.peer.streams, message.name)?.safeParse(message.header);
    if (header?.success !== true) return false;
    this.#nextPeerStream += 2;
    this.#peerStreams += 1;
    const stream = new MultiplexedStream(frame.id, this.#link);
    this.#streams.set(frame.id, stream);
    void this.#serve(stream, () => this.#options.handlers.streams[message.name]?.(header.data, stream));
    return true;
  }

  async #serve(stream: MultiplexedStream, work: () => MaybePromise): Promise<void> {
    try {
      await work();
    } catch (error) {
      stream.reset(codeOf(error));
    }
  }

  #onStreamFrame(frame: Frame): boolean {
    const stream = this.#streams.get(frame.id);
    const late = stream === undefined && this.#wasOpened(frame.id);
    switch (frame.kind) {
      case frameKind.data:
        return stream?.onData(frame.payload) ?? false;
      case frameKind.end:
        return stream?.onEnd() ?? false;
      // Sent before the peer saw our end: the only frames that may come after a stream is over.
      case frameKind.credit:
        return stream?.onCredit(readU32(frame.payload, 0)) ?? late;
      case frameKind.reset: {
        const message = this.#decode(resetSchema, frame);
        if (message === undefined) return false;
        stream?.onReset(message.code);
        return stream !== undefined || late;
      }
      default:
        return false;
    }
  }

  #decode<T>(schema: z.ZodType<T>, frame: Frame): T | undefined {
    return decodeMessage(this.#options.codec, schema, frame.payload);
  }

  #isOwn(id: number): boolean {
    return id % 2 === this.#options.firstOwnId % 2;
  }

  #wasOpened(id: number): boolean {
    return id > 0 && id < (this.#isOwn(id) ? this.#nextOwnStream : this.#nextPeerStream);
  }

  /** Ids are never used twice; after 2^31 of them the channel ends. */
  #usable(id: number): boolean {
    if (id <= maxId) return true;
    this.close('internal');
    return false;
  }

  #stillborn(id: number, fault: Fault): ByteStream {
    const silent = () => undefined;
    const stream = new MultiplexedStream(id, {
      sendData: silent,
      sendCredit: silent,
      sendEnd: silent,
      sendReset: silent,
      ready: silent,
      forget: silent,
    });
    stream.abandon(fault);
    return stream;
  }

  #pump(): void {
    while (!this.#congested && !this.#closed) {
      const [stream] = this.#ready;
      if (stream === undefined) return;
      // To the back of the queue: streams take turns, a frame each.
      this.#ready.delete(stream);
      if (stream.advance()) this.#ready.add(stream);
    }
  }

  #sendMessage(kind: Frame['kind'], id: number, value: unknown): boolean {
    const payload = encodeMessage(this.#options.codec, value);
    if (payload === undefined || payload.length > maxPayloadBytes(kind)) return false;
    this.#send(kind, id, payload);
    return true;
  }

  #send(kind: Frame['kind'], id: number, payload: Uint8Array): void {
    if (this.#closed) return;
    if (!this.#options.transport.send(encodeFrame(kind, id, payload))) this.#congested = true;
    if (this.#options.transport.backlogBytes() > maxBacklogBytes) this.close('internal');
  }
}
