/** A socket of ours under its name, and what another program of this user does with that name. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createOwnSocket, type OwnSocket } from './own-socket.ts';

let folder: string;
let at: string;
let own: OwnSocket;
let impostors: Server[];
const onTaken = vi.fn();
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-own-'));
  at = path.join(folder, 'mcp.sock');
  impostors = [];
  onTaken.mockReset();
  own = createOwnSocket({
    socketPath: at,
    createServer: () => createServer((socket) => socket.on('error', () => undefined).end('ours')),
    onTaken,
  });
});
afterEach(async () => {
  await own.close();
  for (const impostor of impostors) impostor.close();
  rmSync(folder, { recursive: true });
});

/** As a program of this user would: bound elsewhere, so that its own end unlinks nothing here. */
async function takeName(): Promise<void> {
  const impostor = createServer((socket) => socket.on('error', () => undefined).end('impostor'));
  const elsewhere = `${folder}-${impostors.length}`;
  impostors.push(impostor);
  await new Promise<void>((resolve) => impostor.listen(elsewhere, resolve));
  renameSync(elsewhere, at);
}

function served(place: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(place);
    socket.on('data', (piece) => (said += piece.toString()));
    socket.once('error', () => resolve('nobody'));
    socket.once('close', () => resolve(said));
  });
}

it('has mode 0600, leaves no other name behind, and goes at close', async () => {
  await own.listen();
  expect(lstatSync(at).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['mcp.sock']);
  expect(await served(at)).toBe('ours');
  await own.close();
  expect(readdirSync(folder)).toEqual([]);
});

it.skipIf(process.platform === 'win32')('comes back where another program took its name', async () => {
  await own.listen();
  await takeName();
  await vi.waitUntil(() => onTaken.mock.calls.length === 1);
  expect(own.state).toEqual({ serving: true, taken: 1 });
  expect(await served(at)).toBe('ours');
});

it.skipIf(process.platform === 'win32')(
  'comes back where it was removed, and serves nobody under another name',
  async () => {
    await own.listen();
    const moved = path.join(folder, 'moved');
    renameSync(at, moved);
    await vi.waitUntil(() => own.state.taken === 1 && own.state.serving);
    expect([await served(at), await served(moved)]).toEqual(['ours', 'nobody']);
  },
);

it.skipIf(process.platform === 'win32')('is closed to others before anybody could connect', async () => {
  const modes: number[] = [];
  own = createOwnSocket({
    socketPath: at,
    createServer: () => {
      const server = createServer();
      const listen = server.listen.bind(server) as (...given: unknown[]) => Server;
      return Object.assign(server, {
        listen: (place: string, listens: () => void) => {
          listen(place, listens);
          modes.push(lstatSync(place).mode & 0o777);
          return server;
        },
      });
    },
    onTaken,
  });
  await own.listen();
  expect(modes).toEqual([0o600]);
});

it.skipIf(process.platform === 'win32')('notices that another was put there before it had its name', async () => {
  let binds = 0;
  own = createOwnSocket({
    socketPath: at,
    createServer: () => {
      const server = createServer((socket) => socket.on('error', () => undefined).end('ours'));
      const isFirst = (binds += 1) === 1;
      return server.once('listening', () => {
        if (!isFirst) return;
        writeFileSync(`${folder}-other`, 'not ours');
        renameSync(`${folder}-other`, path.join(folder, readdirSync(folder)[0] ?? ''));
      });
    },
    onTaken,
  });
  await own.listen();
  await vi.waitUntil(() => onTaken.mock.calls.length === 1);
  expect(await served(at)).toBe('ours');
});

it.skipIf(process.platform === 'win32')('looks by itself where no change is told', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    await own.listen();
    // The watch goes with the folder.
    renameSync(folder, `${folder}-aside`);
    mkdirSync(folder, { mode: 0o700 });
    await vi.waitUntil(() => own.state.taken === 1 && own.state.serving);
    rmSync(at);
    vi.advanceTimersByTime(10_000);
    await vi.waitUntil(() => own.state.taken === 2 && own.state.serving);
    expect(await served(at)).toBe('ours');
  } finally {
    vi.useRealTimers();
    rmSync(`${folder}-aside`, { recursive: true });
  }
});

it.skipIf(process.platform === 'win32')('serves no more when its name is taken again and again', async () => {
  await own.listen();
  for (let taken = 1; taken <= 4; taken += 1) {
    await takeName();
    await vi.waitUntil(() => onTaken.mock.calls.length === taken);
  }
  expect(own.state).toEqual({ serving: false, taken: 4 });
  expect(await served(at)).toBe('impostor');
});

it.skipIf(process.platform === 'win32')('removes at close what is its own only', async () => {
  await own.listen();
  // Both in one turn: nothing was noticed yet.
  rmSync(at);
  writeFileSync(at, 'not ours');
  await own.close();
  expect(lstatSync(at).isFile()).toBe(true);
});
