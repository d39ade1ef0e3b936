import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createBlockPool } from './blocks.ts';
import { createConnection } from './connection.ts';
import { createReadBuffers } from './reused-buffer.ts';
import type { Session } from './session.ts';

let folder: string;
let server: Server;
const received: unknown[] = [];
const session: Session = {
  receive: (message) => received.push(...Object.keys(message)) > 0,
  receiveBatch: () => false,
  whenIdle: (done) => done(),
  isIdle: true,
  isBegun: true,
  toolsChanged: () => undefined,
  resourceUpdated: () => undefined,
  report: () => ({ program: '', pid: null, protocol: '', connectedAt: 0, calls: 0 }),
  close: () => undefined,
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-connection-'));
  const pool = createBlockPool(1);
  let pid = 0;
  server = createServer({ pauseOnConnect: true }, (socket) => {
    const blocks = pool.of((pid += 1));
    createConnection({
      socket,
      blocks,
      buffers: createReadBuffers(),
      openSession: () => session,
      onHttp: () => undefined,
      onClose: () => undefined,
    });
  }).listen(path.join(folder, 's'));
  await once(server, 'listening');
});
afterEach(() => {
  vi.useRealTimers();
  server.close();
  rmSync(folder, { recursive: true, force: true });
  received.length = 0;
});

async function open(): Promise<Socket> {
  const socket = connect(path.join(folder, 's'));
  await once(socket, 'connect');
  return socket;
}

/** Time goes on, and what became due is done. */
async function pass(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// More than two reads: the end of the line does not come with what the connection keeps by itself.
const long = 'x'.repeat(300_000);
const line = `{"text":"${long}"}\n{"a":1}\n`;

it('lets a long line wait for the block, which its holder loses in time', async () => {
  const [holder, waiting] = [await open(), await open()];
  holder.write(long);
  await pass(1000);
  waiting.write(line);
  await pass(1000);
  expect(received).toEqual([]);
  await pass(9500);
  expect(received).toEqual(['text', 'a']);
  for (const socket of [holder, waiting]) socket.destroy();
});

it('skips a long line that found no room in time, says so with a code, and goes on', async () => {
  const [waiting, ...holders] = [await open(), await open(), await open()];
  const answers = createInterface({ input: waiting })[Symbol.asyncIterator]();
  // One holder after the other: each has ten seconds, who comes third waits for twelve.
  for (const holder of holders) {
    holder.write(long);
    await pass(500);
  }
  waiting.write(line);
  await pass(13_000);
  expect(received).toEqual(['a']);
  const said = JSON.parse(String((await answers.next()).value)) as unknown;
  expect(said).toMatchObject({ id: null, error: { data: { code: 'too_many_requests_in_flight' } } });
  for (const socket of [waiting, ...holders]) socket.destroy();
});
