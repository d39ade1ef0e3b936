/**
 * A channel is one socketpair between two of our processes, carrying frames of many streams.
 * Which notices, requests and streams each side may send is fixed by a `ChannelContract`; both ends parse
 * everything they receive with its schemas. `channels.ts` lists the contracts; `multiplex.ts` moves the bytes.
 */
import type { z } from 'zod';
import type { Code } from './errors.ts';

/** What one side of a channel may send. */
export interface SideContract {
  /** One-way messages. */
  readonly notices: Readonly<Record<string, z.ZodType>>;
  /** Messages that are answered once, by a result or a code. */
  readonly requests: Readonly<Record<string, { readonly params: z.ZodType; readonly result: z.ZodType }>>;
  /** Byte streams this side may open: the schema of their header. */
  readonly streams: Readonly<Record<string, z.ZodType>>;
}

export interface ChannelContract<A extends SideContract = SideContract, B extends SideContract = SideContract> {
  readonly name: string;
  /** What the side created with `side: 'a'` may send. */
  readonly a: A;
  readonly b: B;
}

/**
 * A bidirectional, credit-limited stream of bytes. Reading grants credit; writing waits for it.
 * Leaving a `for await` before the peer's end resets the stream (`internal`): to read on later, call `next()` yourself.
 */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /**
   * Resolves when the bytes were handed to the channel within the peer's credit: they may be reused then, not before.
   * Rejects with a `Fault` after a reset.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** No more bytes from this side. */
  end(): void;
  /** Ends both directions at once; the peer's iterator and writes fail with this code. */
  reset(code: Code): void;
  /** Resolves once the stream is over: `undefined` after both sides ended, else the code of the reset. */
  readonly closed: Promise<Code | undefined>;
}

type NoticeHandlers<S extends SideContract> = {
  /** Nobody waits for a notice, so a throw closes the channel with the code of the `Fault`, else `internal`. */
  readonly [K in keyof S['notices']]: (body: z.output<S['notices'][K]>) => void;
};
type RequestHandlers<S extends SideContract> = {
  /** A thrown `Fault` is answered with its code and text; anything else as `internal`. */
  readonly [K in keyof S['requests']]: (
    params: z.output<S['requests'][K]['params']>,
  ) => Promise<z.input<S['requests'][K]['result']>>;
};
type StreamHandlers<S extends SideContract> = {
  /** A throw or a rejection resets the stream with the code of the `Fault`, else `internal`. */
  readonly [K in keyof S['streams']]: (header: z.output<S['streams'][K]>, stream: ByteStream) => void | Promise<void>;
};

/** What this side does with what the peer (`S`) may send. Every entry of the contract must be handled. */
export interface ChannelHandlers<S extends SideContract> {
  readonly notices: NoticeHandlers<S>;
  readonly requests: RequestHandlers<S>;
  readonly streams: StreamHandlers<S>;
  /** Called once, when the socket ended, failed, or the peer broke the protocol (then with `malformed`). */
  readonly onClose: (code: Code | undefined) => void;
}

/** This side's end of a channel; `S` is what this side may send. */
export interface Channel<S extends SideContract> {
  /** After the channel closed it does nothing. Throws a `Fault` when the body does not fit the contract. */
  notify<K extends keyof S['notices'] & string>(name: K, body: z.input<S['notices'][K]>): void;
  /** Rejects with a `Fault` carrying the peer's code; `internal` after `timeoutMs` (default 30 000) or when the channel closed. */
  request<K extends keyof S['requests'] & string>(
    name: K,
    params: z.input<S['requests'][K]['params']>,
    options?: { readonly timeoutMs?: number },
  ): Promise<z.output<S['requests'][K]['result']>>;
  /** When the channel is closed or has too many streams, a stream that was reset. Throws as `notify` does. */
  open<K extends keyof S['streams'] & string>(name: K, header: z.input<S['streams'][K]>): ByteStream;
  /** What was sent is still delivered; everything that waits fails with `internal`; `onClose(undefined)` is called. */
  close(): void;
}
