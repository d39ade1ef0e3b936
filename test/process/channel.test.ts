/** Channels between real processes of this runtime: inherited, handed over, cut. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { handOver } from '../../main/channel/hand-over.ts';
import { closeFd, createSocketPair } from '../../main/channel/socket-pair.ts';
import type { ByteStream } from '../../main/contract/channel.ts';
import { Fault } from '../../main/contract/errors.ts';
import { childContract } from './channel-child.contract.ts';

const childFile = fileURLToPath(new URL('channel-child.ts', import.meta.url));
const children: ChildProcess[] = [];

afterEach(async () => {
  await Promise.all(
    children.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }),
  );
});

function start(role: string, stdio: SpawnOptions['stdio']): ChildProcess {
  const child = spawn(process.execPath, [childFile, role], { stdio, env: {} });
  children.push(child);
  return child;
}

function openTo(fd: number) {
  const closes: (string | undefined)[] = [];
  const closed = Promise.withResolvers<string | undefined>();
  const channel = channelOverFd({
    fd,
    contract: childContract,
    side: 'a',
    handlers: {
      notices: {},
      requests: {},
      streams: {},
      onClose: (code) => {
        closes.push(code);
        closed.resolve(code);
      },
    },
  });
  return { channel, closes, closed: closed.promise };
}

function startWithFd(role: string) {
  const { a, b } = createSocketPair();
  const child = start(role, ['ignore', 'inherit', 'inherit', b]);
  closeFd(b);
  return { child, ...openTo(a) };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );

const openFds = () => readdirSync('/proc/self/fd').length;

async function drain(stream: ByteStream): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return bytes;
}

async function send(stream: ByteStream, bytes: number): Promise<void> {
  const chunk = new Uint8Array(1 << 20);
  for (let sent = 0; sent < bytes; sent += chunk.length) await stream.write(chunk);
  stream.end();
}

describe('an inherited end', () => {
  it('carries requests, and the child has no descriptor of ours but its own', async () => {
    const other = createSocketPair();
    const { channel } = startWithFd('inherited');
    const { fds } = await channel.request('descriptors', {});
    expect(fds.filter((fd) => fd.includes('socket:'))).toHaveLength(1);
    closeFd(other.a);
    closeFd(other.b);
    channel.close();
  });

  it('carries 256 MiB there and back in bounded memory', async () => {
    const { channel } = startWithFd('inherited');
    const size = 256 << 20;
    const before = process.memoryUsage.rss();
    const { rssBytes: childBefore } = await channel.request('memory', {});
    const stream = channel.open('echo', {});
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
    const [, back] = await Promise.all([send(stream, size), drain(stream)]);
    clearInterval(watch);
    const { rssBytes: childAfter } = await channel.request('memory', {});
    expect(back).toBe(size);
    expect(await stream.closed).toBeUndefined();
    expect(childAfter - childBefore).toBeLessThan(128 << 20);
    expect(peak - before).toBeLessThan(128 << 20);
    channel.close();
  });

  it('holds a writer back when the child does not read its socket', async () => {
    const { channel, child } = startWithFd('inherited');
    await channel.request('memory', {});
    child.kill('SIGSTOP');
    let written = 0;
    const before = process.memoryUsage.rss();
    const writers = Array.from({ length: 200 }, async () => {
      const stream = channel.open('swallow', {});
      for (;;) {
        await stream.write(new Uint8Array(65_536));
        written += 65_536;
      }
    }).map(codeOf);
    let last = -1;
    while (last !== written) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    // What the kernel takes and one frame: far below the credit of 200 streams (50 MiB).
    expect(written).toBeLessThan(4 << 20);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 << 20);
    child.kill('SIGKILL');
    expect(new Set(await Promise.all(writers))).toEqual(new Set(['internal']));
  });

  it('is cut off when messages pile up because the child does not read', async () => {
    const { channel, child, closed } = startWithFd('inherited');
    await channel.request('memory', {});
    child.kill('SIGSTOP');
    for (let turn = 0; turn < 40; turn += 1) channel.notify('text', { text: 'x'.repeat(1_000_000) });
    expect(await closed).toBe('internal');
  });
});

describe('a child that is killed', () => {
  it('ends everything that waits for it with a code', async () => {
    const { channel, child, closes, closed } = startWithFd('inherited');
    await channel.request('memory', {});
    const [reading, writing] = [channel.open('echo', {}), channel.open('stall', {})];
    const waiting = [
      codeOf(channel.request('never', {})),
      codeOf(drain(reading)),
      codeOf(send(writing, 4 << 20)),
      reading.closed,
      writing.closed,
    ];
    await reading.write(Buffer.from('x'));
    child.kill('SIGKILL');
    expect(await Promise.all(waiting)).toEqual(['internal', 'internal', 'internal', 'internal', 'internal']);
    await closed;
    expect(closes).toEqual([undefined]);
    expect(await codeOf(channel.request('never', {}))).toBe('internal');
  });

  it('in mid-frame is not taken for a breach of the protocol', async () => {
    const { child, closed } = startWithFd('half-frame');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await closed).toBeUndefined();
  });
});

describe('a child that breaks the protocol', () => {
  it('loses its channel', async () => {
    const { closed } = startWithFd('garbage');
    expect(await closed).toBe('malformed');
  });
});

describe('hand-over', () => {
  const message = { channel: 'gateway-egress', connector: 'postgres' } as const;

  it('gives a running child a new end that replaces the old one', async () => {
    const child = start('handed-over', ['ignore', 'inherit', 'inherit', 'ipc']);
    const first = createSocketPair();
    // Sent before the child listens: nothing may be lost, neither the message nor the bytes.
    const sent = handOver(child, message, first.b);
    const old = openTo(first.a);
    expect(await old.channel.request('count', {})).toEqual({ handOvers: 1, refused: 0 });
    await sent;

    const second = createSocketPair();
    await handOver(child, message, second.b);
    const renewed = openTo(second.a);
    expect(await renewed.channel.request('count', {})).toEqual({ handOvers: 2, refused: 0 });
    expect(await old.closed).toBeUndefined();
    expect(await codeOf(old.channel.request('count', {}))).toBe('internal');

    const stream = renewed.channel.open('echo', {});
    const [, back] = await Promise.all([send(stream, 4 << 20), drain(stream)]);
    expect(back).toBe(4 << 20);
    renewed.channel.close();
  });

  it('refuses other messages and closes the sockets that came with them', async () => {
    const child = start('handed-over', ['ignore', 'inherit', 'inherit', 'ipc']);
    const wrong = createSocketPair();
    const { closed } = openTo(wrong.a);
    await handOver(child, { ...message, channel: 'shell-gateway' } as never, wrong.b);
    expect(await closed).toBeUndefined();
    child.send({ ...message });
    child.send('text');
    const right = createSocketPair();
    await handOver(child, message, right.b);
    expect(await openTo(right.a).channel.request('count', {})).toEqual({ handOvers: 1, refused: 3 });
  });

  it('to a child that is gone, or has no IPC, fails with a code and closes the descriptor', async () => {
    const child = start('handed-over', ['ignore', 'inherit', 'inherit', 'ipc']);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const deaf = startWithFd('inherited');
    for (const receiver of [child, deaf.child]) {
      const { a, b } = createSocketPair();
      const { closed } = openTo(a);
      expect(await codeOf(handOver(receiver, message, b))).toBe('internal');
      expect(await closed).toBeUndefined();
    }
    deaf.channel.close();
  });
});

describe('descriptors', () => {
  it('do not leak over 200 channels', async () => {
    const turn = async () => {
      const { a, b } = createSocketPair();
      const near = openTo(a);
      const far = openTo(b);
      near.channel.close();
      await Promise.all([near.closed, far.closed]);
    };
    await turn();
    const before = openFds();
    for (let count = 0; count < 200; count += 1) await turn();
    const deadline = Date.now() + 5000;
    while (openFds() > before && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(openFds()).toBeLessThanOrEqual(before);
  });

  it('that are not open are a fault, not a silent success', () => {
    const { a, b } = createSocketPair();
    closeFd(a);
    expect(() => closeFd(a)).toThrow(Fault);
    closeFd(b);
    expect(() => openTo(9999)).toThrow(Fault);
  });
});
