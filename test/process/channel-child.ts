/** The child of `channel.test.ts`; its role is its only argument. */
import { readdirSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { channelOverFd, channelOverSocket } from '../../main/channel/channel-over-socket.ts';
import { receiveHandOvers } from '../../main/channel/hand-over.ts';
import type { ByteStream } from '../../main/contract/channel.ts';
import { childContract } from './channel-child.contract.ts';

let handOvers = 0;
let messages = 0;

async function echo(stream: ByteStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk);
  stream.end();
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return Number(fd) > 2 ? [readlinkSync(`/proc/self/fd/${fd}`)] : [];
    } catch {
      return [];
    }
  });
}

function handlers(onClose: () => void) {
  return {
    notices: { text: () => undefined },
    requests: {
      descriptors: () => Promise.resolve({ fds: descriptors() }),
      memory: () => Promise.resolve({ rssBytes: process.memoryUsage.rss() }),
      never: () => new Promise<never>(() => undefined),
      count: () => Promise.resolve({ handOvers, refused: messages - handOvers }),
    },
    streams: {
      echo: (_: object, stream: ByteStream) => echo(stream),
      stall: () => undefined,
      swallow: async (_: object, stream: ByteStream) => {
        for await (const _chunk of stream);
      },
    },
    onClose,
  };
}

const side = { contract: childContract, side: 'b' } as const;

switch (process.argv[2] ?? '') {
  case 'inherited':
    channelOverFd({ fd: 3, ...side, handlers: handlers(() => process.exit(0)) });
    break;
  case 'handed-over': {
    let current: { close(): void } | undefined;
    // Late on purpose: what was sent before must be kept.
    setTimeout(() => {
      process.on('message', () => (messages += 1));
      receiveHandOvers((_, socket) => {
        handOvers += 1;
        current?.close();
        current = channelOverSocket({ socket, ...side, handlers: handlers(() => undefined) });
      });
    }, 100);
    break;
  }
  case 'half-frame':
    new Socket({ fd: 3 }).end(Buffer.from([0, 0, 1, 0, 1, 0]));
    break;
  case 'garbage':
    new Socket({ fd: 3 }).write('GET / HTTP/1.1\r\n\r\n');
    break;
}
