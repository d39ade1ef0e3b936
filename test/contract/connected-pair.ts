/** Two multiplexers over a wire in memory that the test moves by hand: nothing arrives before `settle()`. */
import type { ChannelContract, ChannelHandlers, SideContract } from '../../main/contract/channel.ts';
import type { Code } from '../../main/contract/errors.ts';
import type { Multiplexer, Side } from '../../main/contract/multiplex.ts';
import { createMultiplexer } from '../../main/contract/multiplex.ts';
import type { TextCodec, Timers } from '../../main/contract/transport.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
export const codec: TextCodec = { encode: (text) => encoder.encode(text), decode: (bytes) => decoder.decode(bytes) };

/** Timers that fire when the test says so. */
export function manualTimers(): Timers & { readonly fireAll: () => void; readonly waiting: number } {
  const set = new Set<() => void>();
  return {
    set: (callback) => {
      set.add(callback);
      return callback;
    },
    clear: (timer) => void set.delete(timer as () => void),
    fireAll: () => {
      for (const callback of [...set]) {
        set.delete(callback);
        callback();
      }
    },
    get waiting() {
      return set.size;
    },
  };
}

/** One end whose wire is a list of what it sent. */
export interface End<S extends SideContract> extends Multiplexer<S> {
  readonly sent: Uint8Array[];
  /** What it was told when it closed; absent while it is open. */
  readonly closes: (Code | undefined)[];
  readonly timers: ReturnType<typeof manualTimers>;
  /** What `send` answers: false for a wire that is full. */
  accepts: boolean;
  backlogBytes: number;
}

export type HandlersOf<S extends SideContract> = Omit<ChannelHandlers<S>, 'onClose'>;

export function createEnd<C extends ChannelContract, S extends Side>(
  contract: C,
  side: S,
  handlers: HandlersOf<C[S extends 'a' ? 'b' : 'a']>,
): End<C[S]> {
  const sent: Uint8Array[] = [];
  const closes: (Code | undefined)[] = [];
  const timers = manualTimers();
  const state = { accepts: true, backlogBytes: 0 };
  const multiplexer = createMultiplexer<C, S>({
    contract,
    side,
    handlers: { ...handlers, onClose: (code) => void closes.push(code) },
    transport: {
      send: (bytes) => {
        sent.push(bytes);
        return state.accepts;
      },
      backlogBytes: () => state.backlogBytes,
      shut: () => undefined,
    },
    codec,
    timers,
  });
  return Object.assign(state, multiplexer, { sent, closes, timers });
}

export interface ConnectedPair<C extends ChannelContract> {
  readonly a: End<C['a']>;
  readonly b: End<C['b']>;
  /** Moves bytes both ways until nothing moves any more. */
  readonly settle: () => Promise<void>;
}

export function connectedPair<C extends ChannelContract>(
  contract: C,
  fromA: HandlersOf<C['a']>,
  fromB: HandlersOf<C['b']>,
): ConnectedPair<C> {
  const a = createEnd<C, 'a'>(contract, 'a', fromB);
  const b = createEnd<C, 'b'>(contract, 'b', fromA);
  return {
    a,
    b,
    settle: async () => {
      for (let quiet = 0; quiet < 3; quiet += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        if (a.sent.length + b.sent.length > 0) quiet = 0;
        for (const bytes of a.sent.splice(0)) b.receive(bytes);
        for (const bytes of b.sent.splice(0)) a.receive(bytes);
      }
    },
  };
}

/** A frame written by hand, whatever its meaning. */
export function rawFrame(kind: number, id: number, payload: Uint8Array | string): Uint8Array {
  const body = typeof payload === 'string' ? encoder.encode(payload) : payload;
  const bytes = new Uint8Array(9 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 5 + body.length);
  view.setUint8(4, kind);
  view.setUint32(5, id);
  bytes.set(body, 9);
  return bytes;
}
