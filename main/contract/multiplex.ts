/**
 * Many notices, requests and streams over one ordered byte connection, typed by a `ChannelContract`.
 *
 * Guarantees: everything received was parsed by the contract's schemas; every id, credit and state is checked, and the
 * first violation closes the channel with `malformed`; memory is bounded whatever the peer sends or does not read;
 * when the channel closes, everything that waits fails with a code.
 * Trusts: the transport to keep bytes in order, and its own handlers. Does not protect against: a peer that follows
 * the protocol and lies in its values; what the values mean is the handlers' to check.
 */
import type { Channel, ChannelContract, ChannelHandlers, SideContract } from './channel.ts';
import type { Code } from './errors.ts';
import { MultiplexCore, type UntypedOptions } from './multiplex-core.ts';
import type { TextCodec, Timers, Transport } from './transport.ts';

export type Side = 'a' | 'b';
type Other<S extends Side> = S extends 'a' ? 'b' : 'a';

const defaultTimeoutMs = 30_000;

export interface MultiplexerOptions<C extends ChannelContract, S extends Side> {
  readonly contract: C;
  readonly side: S;
  readonly handlers: ChannelHandlers<C[Other<S>]>;
  readonly transport: Transport;
  readonly codec: TextCodec;
  readonly timers: Timers;
}

export interface Multiplexer<S extends SideContract> {
  readonly channel: Channel<S>;
  /** The bytes may be reused afterwards. Never throws. */
  receive(bytes: Uint8Array): void;
  /** The transport takes stream data again. */
  drained(): void;
  /** The transport ended or failed. */
  closed(code?: Code): void;
}

/** The transport must deliver nothing before the caller has the channel. */
export function createMultiplexer<C extends ChannelContract, S extends Side>(
  options: MultiplexerOptions<C, S>,
): Multiplexer<C[S]> {
  const { contract, side } = options;
  // The one place where types are given up: inside, the schemas of the contract stand for them.
  const core = new MultiplexCore({
    ...options,
    own: contract[side],
    peer: contract[side === 'a' ? 'b' : 'a'],
    firstOwnId: side === 'a' ? 1 : 2,
  } as unknown as UntypedOptions);
  const channel = {
    notify: (name: string, body: unknown) => {
      core.notify(name, body);
    },
    request: (name: string, params: unknown, { timeoutMs = defaultTimeoutMs }: { timeoutMs?: number } = {}) =>
      core.request(name, params, timeoutMs),
    open: (name: string, header: unknown) => core.open(name, header),
    close: () => {
      core.close(undefined);
    },
  };
  return {
    channel: channel as unknown as Channel<C[S]>,
    receive: (bytes) => {
      core.receive(bytes);
    },
    drained: () => {
      core.drained();
    },
    closed: (code) => {
      core.close(code);
    },
  };
}
