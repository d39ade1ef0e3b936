/** The connector's twin of `main/channel`: a channel on an inherited descriptor. It never makes a socket. */
import { Socket } from 'node:net';
import type { Channel, ChannelContract } from '../main/contract/channel.ts';
import { type MultiplexerOptions, type Side, createMultiplexer } from '../main/contract/multiplex.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Options<C extends ChannelContract, S extends Side> = Pick<
  MultiplexerOptions<C, S>,
  'contract' | 'side' | 'handlers'
> & { readonly fd: number };

export function channelOverFd<C extends ChannelContract, S extends Side>(options: Options<C, S>): Channel<C[S]> {
  const { fd, ...rest } = options;
  const socket = new Socket({ fd, readable: true, writable: true });
  const multiplexer = createMultiplexer<C, S>({
    ...rest,
    transport: {
      send: (bytes) => !socket.destroyed && socket.write(bytes),
      backlogBytes: () => socket.writableLength,
      shut: (code) => {
        if (code === undefined) socket.end(() => socket.destroy());
        else socket.destroy();
      },
    },
    codec: { encode: (text) => encoder.encode(text), decode: (bytes) => decoder.decode(bytes) },
    timers: {
      set: (callback, delayMs) => setTimeout(callback, delayMs),
      clear: (timer) => {
        clearTimeout(timer as NodeJS.Timeout);
      },
    },
  });
  socket.on('data', (bytes: Uint8Array) => {
    multiplexer.receive(bytes);
  });
  socket.on('drain', () => {
    multiplexer.drained();
  });
  // 'close' follows every error and every end.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    multiplexer.closed();
  });
  return multiplexer.channel;
}
