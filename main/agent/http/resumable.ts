/**
 * Streams that a client can come back to (MCP 2025-11-25, "Resumability and Redelivery"). Guarantees: only the session that a
 * stream belongs to finds it; what it keeps is bounded, alone and with all others, and goes when the kernel has taken the
 * answer, half a minute after an answer that nobody was there to take, and with `forget`. Trusts nothing of an event's id.
 * Does not protect against a client that reads an answer and loses it.
 */
import type { ServerResponse } from 'node:http';
import type { Sink } from '../request.ts';
import { answerOver, openStream, writeEvent } from './answer.ts';

/** What all sessions keep together. */
export interface Kept {
  bytes: number;
}

export interface Resumables {
  /** For one request: JSON when its answer comes soon and alone, else a stream. */
  answer(response: ServerResponse): Sink;
  /** False: there is nothing to come back to. */
  resume(lastEventId: string, response: ServerResponse): boolean;
  /** Drops what waits for clients that are away: they may no longer have it. */
  forget(): void;
  close(): void;
}

/** A client can come back only to a stream that it has seen begin. */
const openAfterMs = 1000;
const retryMs = 1000;
const waitMs = 30_000;
const maxStreams = 16;
const maxStreamBytes = 4 * 1024 * 1024;
const maxBytes = 16 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

export function createResumables(headers: Headers, kept: Kept): Resumables {
  const streams = new Map<string, Stream>();
  let count = 0;

  function hasRoom(): boolean {
    if (streams.size < maxStreams) return true;
    const away = [...streams.values()].find(({ isAway }) => isAway);
    away?.release();
    return away !== undefined;
  }

  return {
    answer(response) {
      count += 1;
      const id = String(count);
      const stream: Stream = new Stream(response, {
        id,
        headers,
        kept,
        enter() {
          if (!hasRoom()) return false;
          streams.set(id, stream);
          return true;
        },
        leave: () => void streams.delete(id),
      });
      return { notify: (line) => stream.notify(line), reply: (line) => stream.reply(line) };
    },
    resume(lastEventId, response) {
      const [, id, event] = /^(\d{1,9})-(\d{1,9})$/.exec(lastEventId) ?? [];
      const stream = streams.get(id ?? '');
      stream?.attach(response, Number(event));
      return stream !== undefined;
    },
    forget() {
      for (const stream of streams.values()) if (stream.isAway) stream.release();
    },
    close() {
      for (const stream of streams.values()) stream.release();
    },
  };
}

interface StreamDeps {
  readonly id: string;
  readonly headers: Headers;
  readonly kept: Kept;
  /** False: no more can be kept. */
  readonly enter: () => boolean;
  readonly leave: () => void;
}

class Stream {
  readonly #deps: StreamDeps;
  /** Null while its client is away. */
  #response: ServerResponse | null = null;
  /** The texts of its events, while it is kept. */
  #events: string[] = [];
  #bytes = 0;
  #isOpen = false;
  #isKept = false;
  #hasEnded = false;
  #timer: NodeJS.Timeout;

  constructor(response: ServerResponse, deps: StreamDeps) {
    this.#deps = deps;
    this.#timer = setTimeout(() => this.#open(), openAfterMs).unref();
    this.#use(response);
  }

  get isAway(): boolean {
    return this.#response === null;
  }

  notify(line: string): void {
    this.#open();
    this.#add(line);
  }

  reply(line: string | null): void {
    if (!this.#isOpen) {
      clearTimeout(this.#timer);
      const { headers } = this.#deps;
      if (this.#response !== null)
        answerOver(this.#response, { streams: false, stateless: false, headers }).reply(line);
      return;
    }
    if (line !== null) this.#add(line);
    this.#hasEnded = true;
    if (this.#response !== null) this.#end(this.#response);
    else if (line !== null && this.#isKept) this.#wait();
    else this.release();
  }

  /** The client is back: what came after the event that it names, then what comes. */
  attach(response: ServerResponse, lastEvent: number): void {
    const former = this.#response;
    clearTimeout(this.#timer);
    this.#use(response);
    former?.destroy();
    openStream(response, this.#deps.headers);
    for (const text of this.#events.slice(lastEvent + 1)) writeEvent(response, text);
    if (this.#hasEnded) this.#end(response);
  }

  release(): void {
    clearTimeout(this.#timer);
    if (!this.#isKept) return;
    this.#isKept = false;
    this.#deps.kept.bytes -= this.#bytes;
    this.#events = [];
    this.#deps.leave();
  }

  #use(response: ServerResponse): void {
    this.#response = response;
    response.once('close', () => {
      if (this.#response !== response) return;
      this.#response = null;
      if (!this.#isOpen) clearTimeout(this.#timer);
      else if (this.#hasEnded && this.#isKept) this.#wait();
    });
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    clearTimeout(this.#timer);
    if (this.#response === null) return;
    openStream(this.#response, this.#deps.headers);
    this.#isKept = this.#deps.enter();
    if (this.#isKept) this.#write(`retry: ${retryMs}\ndata: \n\n`);
  }

  #add(line: string): void {
    this.#write(`event: message\ndata: ${line}\n\n`);
  }

  #write(fields: string): void {
    const text = this.#isKept ? `id: ${this.#deps.id}-${this.#events.length}\n${fields}` : fields;
    if (this.#isKept) this.#keep(text);
    if (this.#response !== null) writeEvent(this.#response, text);
  }

  #keep(text: string): void {
    const { kept } = this.#deps;
    const bytes = Buffer.byteLength(text);
    if (this.#bytes + bytes > maxStreamBytes || kept.bytes + bytes > maxBytes) {
      this.release();
      return;
    }
    this.#events.push(text);
    this.#bytes += bytes;
    kept.bytes += bytes;
  }

  #end(response: ServerResponse): void {
    response.once('finish', () => this.release());
    response.end();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.release(), waitMs).unref();
  }
}
