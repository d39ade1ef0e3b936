/** Throughput of a channel to another process: data one way, small requests one at a time and many at once. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { closeFd, createSocketPair } from '../../main/channel/socket-pair.ts';
import { childContract } from '../process/channel-child.contract.ts';

const seconds = Number(process.argv[2] ?? 3);
const megabyte = 1_000_000;

const { a, b } = createSocketPair();
const child = spawn(
  process.execPath,
  [fileURLToPath(new URL('../process/channel-child.ts', import.meta.url)), 'inherited'],
  {
    stdio: ['ignore', 'inherit', 'inherit', b],
    env: {},
  },
);
closeFd(b);
const channel = channelOverFd({
  fd: a,
  contract: childContract,
  side: 'a',
  handlers: { notices: {}, requests: {}, streams: {}, onClose: () => child.kill() },
});
await channel.request('count', {});

/** How often a second `work` can be done; `work` tells how much it did. */
async function rate(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  let amount = 0;
  while (performance.now() - start < seconds * 1000) amount += await work();
  return (amount * 1000) / (performance.now() - start);
}

async function data(writeBytes: number, streams: number): Promise<number> {
  const open = Array.from({ length: streams }, () => channel.open('swallow', {}));
  const bytes = new Uint8Array(writeBytes);
  const bytesPerSecond = await rate(async () => {
    await Promise.all(open.map((stream) => stream.write(bytes)));
    return writeBytes * streams;
  });
  for (const stream of open) stream.reset('internal');
  return bytesPerSecond / megabyte;
}

async function requests(atOnce: number): Promise<number> {
  return rate(async () => {
    await Promise.all(Array.from({ length: atOnce }, () => channel.request('count', {})));
    return atOnce;
  });
}

const line = (what: string, value: number, unit: string) => {
  process.stdout.write(`${what.padEnd(40)} ${value.toFixed(0).padStart(8)} ${unit}\n`);
};

process.stdout.write(`node ${process.version}, ${seconds} s each\n`);
line('data, one stream, writes of 64 KiB', await data(65_536, 1), 'MB/s');
line('data, one stream, writes of 1 KiB', await data(1024, 1), 'MB/s');
line('data, 50 streams, writes of 16 KiB', await data(16_384, 50), 'MB/s');
line('small requests, one at a time', await requests(1), 'per second');
line('small requests, 100 at once', await requests(100), 'per second');
channel.close();
