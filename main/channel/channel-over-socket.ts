/** A channel on a socket: moves bytes, keeps the socket's back-pressure, closes when the socket does. */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Channel, ChannelContract } from '../contract/channel.ts';
import { Fault } from '../contract/errors.ts';
import { type MultiplexerOptions, type Side, createMultiplexer } from '../contract/multiplex.ts';
import type { TextCodec, Timers, Transport } from '../contract/transport.ts';

/** How long a peer may take to read what was sent before `close()`. */
const lastWordsMs = 2000;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const codec: TextCodec = { encode: (text) => encoder.encode(text), decode: (bytes) => decoder.decode(bytes) };
const timers: Timers = {
  set: (callback, delayMs) => setTimeout(callback, delayMs),
  clear: (timer) => {
    clearTimeout(timer as NodeJS.Timeout);
  },
};

type ChannelOptions<C extends ChannelContract, S extends Side> = Pick<
  MultiplexerOptions<C, S>,
  'contract' | 'side' | 'handlers'
>;

function transportOver(socket: Duplex): Transport {
  return {
    send: (bytes) => {
      if (socket.destroyed) return false;
      if (socket.writableCorked === 0) {
        // What is sent in one turn leaves in one system call.
        socket.cork();
        process.nextTick(() => socket.uncork());
      }
      return socket.write(bytes);
    },
    backlogBytes: () => socket.writableLength,
    shut: (code) => {
      if (code !== undefined || socket.destroyed) {
        socket.destroy();
        return;
      }
      socket.end();
      const patience = setTimeout(() => socket.destroy(), lastWordsMs);
      socket
        .once('finish', () => socket.destroy())
        .once('close', () => {
          clearTimeout(patience);
        });
    },
  };
}

/** Takes the socket over: nobody else may read, write or close it. */
export function channelOverSocket<C extends ChannelContract, S extends Side>(
  options: ChannelOptions<C, S> & { readonly socket: Duplex },
): Channel<C[S]> {
  const { socket, ...rest } = options;
  const multiplexer = createMultiplexer<C, S>({ ...rest, transport: transportOver(socket), codec, timers });
  socket.on('data', (bytes: Uint8Array) => {
    multiplexer.receive(bytes);
  });
  socket.on('drain', () => {
    multiplexer.drained();
  });
  // 'close' follows every error; without a listener the error would end the process.
  socket.on('error', () => undefined);
  socket.on('end', () => {
    multiplexer.closed();
  });
  socket.on('close', () => {
    multiplexer.closed();
  });
  return multiplexer.channel;
}

/** Takes the descriptor over: it is closed with the channel. @throws Fault `internal` when it is no open socket. */
export function channelOverFd<C extends ChannelContract, S extends Side>(
  options: ChannelOptions<C, S> & { readonly fd: number },
): Channel<C[S]> {
  const { fd, ...rest } = options;
  return channelOverSocket<C, S>({ ...rest, socket: socketOf(fd) });
}

function socketOf(fd: number): Socket {
  try {
    return new Socket({ fd, readable: true, writable: true });
  } catch {
    throw new Fault('internal', `descriptor ${fd} is not an open socket`);
  }
}
