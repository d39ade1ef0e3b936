/** Programs of this user that pass for Sallyport before the bridge and the command, or take the gateway's socket. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { finished } from '../process/harness.ts';
import { readAudit, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { initialized } from '../process/stand/line-client.ts';

const main = fileURLToPath(new URL('../../main/', import.meta.url));
const koffi = fileURLToPath(import.meta.resolve('koffi'));
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'postgres_query', arguments: {} } };

let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-callers-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const listens = `
  const { openSync, writeFileSync, chmodSync, appendFileSync } = require('node:fs');
  const [folder, name] = process.argv.slice(2);
  const libc = require(${JSON.stringify(koffi)}).load(null);
  const lock = () => {
    libc.func('int flock(int, int)')(openSync(folder + '/instance.lock', 'a', 0o600), 6);
    writeFileSync(folder + '/instance.lock', String(process.pid));
  };
  const close = () => libc.func('int prctl(int, unsigned long)')(4, 0);
  // As the gateway is: a child of the one that holds the lock.
  const inChild = (work) => {
    if (process.env.CHILD) {
      // It ends with the one that started it.
      new (require('node:net').Socket)({ fd: 3 }).resume().once('close', () => process.exit());
      return work();
    }
    lock();
    const env = { CHILD: '1' };
    const stdio = ['inherit', 'inherit', 'inherit', 'pipe'];
    require('node:child_process').spawn(process.execPath, process.argv.slice(1), { env, stdio });
  };
  const listen = () => require('node:net').createServer((socket) => {
    socket.on('error', () => 0).on('data', (piece) => appendFileSync(folder + '/heard', piece));
  }).listen(folder + '/' + name, () => { chmodSync(folder + '/' + name, 0o600); process.stdout.write('ready'); });
`;
/** From what a thoughtless program does to what a thoughtful one does. */
const impostors: readonly (readonly [string, string, readonly string[]])[] = [
  ['just listens', 'listen();', []],
  ['took the lock as well', 'lock(); listen();', []],
  ['took the lock, and names our entries on its command line', 'lock(); listen();', ['gateway.ts', 'headless.ts']],
  ['took the lock, and closed itself', 'lock(); close(); listen();', ['gateway.ts', 'headless.ts']],
  [
    'took the lock, and wrote our command line over its own',
    'lock(); listen();',
    // `process.title` writes over the arguments: the kernel shows it as the only one.
    ['gateway.ts', '--title'],
  ],
];

async function impostor(does: string, names: readonly string[], socket: string): Promise<void> {
  const script = path.join(folder, 'impostor.cjs');
  const title = names.includes('--title')
    ? `process.title = ${JSON.stringify(`${process.execPath} ${main}gateway.ts`)};`
    : '';
  writeFileSync(script, `${listens}${title}${does}`);
  const entries = names.filter((name) => name !== '--title').map((name) => path.join(main, name));
  const child = spawn(process.execPath, [script, path.join(folder, 'run'), socket, ...entries], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

const ofLockHolder: readonly (readonly [string, string, readonly string[]])[] = [
  ['names our entry', 'inChild(listen);', ['gateway.ts']],
  ['names our entry and closed itself', 'inChild(() => { close(); listen(); });', ['gateway.ts']],
  ['wrote our command line over its own', 'inChild(listen);', ['gateway.ts', '--title']],
];

function heard(): string {
  try {
    return readFileSync(path.join(folder, 'run', 'heard'), 'utf8');
  } catch {
    return '';
  }
}

describe.runIf(process.platform === 'linux')('a program that listens in our place', () => {
  beforeEach(() => mkdirSync(path.join(folder, 'run'), { mode: 0o700 }));

  it.each([...impostors, ...ofLockHolder])(
    'and %s hears nothing from the bridge, which says what to do',
    async (_what, does, names) => {
      await impostor(does, names, 'mcp.sock');
      const socket = path.join(folder, 'run', 'mcp.sock');
      const bridge = spawn(
        process.execPath,
        [path.join(main, 'cli/bridge.ts'), 'mcp', '--agent', 'me', '--socket', socket],
        {
          env: { HOME: folder },
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      );
      children.push(bridge);
      const ended = finished(bridge);
      bridge.stdin.end(`${JSON.stringify(call)}\n`);
      const { stdout, stderr } = await ended;
      expect(JSON.parse(stdout)).toMatchObject({ result: { structuredContent: { code: 'protection_missing' } } });
      expect(stdout).toContain('start Sallyport again');
      expect(stderr).toContain('is not this Sallyport');
      expect(heard()).toBe('');
    },
  );

  it.each(impostors)('and %s hears no password from the command', async (_what, does, names) => {
    await impostor(does, names, 'control.sock');
    const socket = path.join(folder, 'run', 'mcp.sock');
    const args = [path.join(main, 'cli/sallyport.ts'), 'proxy-password', '--socket', socket];
    const command = spawn(process.execPath, args, { env: { HOME: folder }, stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(command);
    const ended = finished(command);
    command.stdin.end('hunter2\n');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not this Sallyport')]);
    expect(heard()).toBe('');
  });
});

describe.runIf(process.platform === 'linux')('a program that takes the name of the gateway’s socket', () => {
  let stand: GatewayStand;
  afterEach(() => stand.stop());

  it('keeps it for a moment; the gateway serves there again, and says that it happened', async () => {
    stand = await startGateway();
    const { socketPath, shell } = stand;
    const impostor = net.createServer((socket) => socket.destroy());
    const elsewhere = path.join(folder, 's');
    await new Promise<void>((resolve) => impostor.listen(elsewhere, resolve));
    renameSync(elsewhere, socketPath);
    await vi.waitUntil(async () => (await shell.request('status', {})).socket.taken === 1, { timeout: 15_000 });
    impostor.close();
    expect((await shell.request('status', {})).socket).toEqual({ serving: true, taken: 1 });
    const client = await initialized(socketPath);
    expect((await client.ask('tools/list')).result).toHaveProperty('tools.0.name', 'probe_echo');
    expect(readAudit(stand.folder)).toContainEqual(expect.objectContaining({ what: 'socket-taken' }));
  });
});
