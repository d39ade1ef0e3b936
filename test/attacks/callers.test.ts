/** Programs of this user that pass for Sallyport before the bridge and the command, or take the gateway's socket. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { finished } from '../process/harness.ts';
import { readAudit, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { initialized } from '../process/stand/line-client.ts';
import { startImpostor, type Impostor, type Imposture } from './impostor.ts';

const main = fileURLToPath(new URL('../../main/', import.meta.url));
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'postgres_query', arguments: {} } };

let folder: string;
let children: ChildProcess[];
let listening: Impostor[];
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-callers-'));
  children = [];
  listening = [];
});
afterEach(() => {
  for (const each of listening) each.end();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** What we are, as far as another program of this user can be that. The others lack one part of it each. */
const all: Omit<Imposture, 'place'> = { lock: 'held', isClosed: true, commandLine: 'ours' };
const impostors: readonly (readonly [what: string, lacks: Partial<Imposture>, why: string])[] = [
  ['just listens', { lock: 'none', isClosed: false, commandLine: 'script' }, 'does not belong to the instance'],
  ['has all but the lock', { lock: 'none' }, 'does not belong to the instance'],
  ['waits for the lock that another holds', { lock: 'waited for' }, 'does not belong to the instance'],
  ['runs code of its own', { commandLine: 'script' }, 'runs something else'],
  ['names our entry behind its own', { commandLine: 'named' }, 'runs something else'],
  ['wrote our command line over its own', { commandLine: 'title' }, 'runs something else'],
  ['has code before our entry', { commandLine: 'required' }, 'runs something else'],
  ['can be looked into', { isClosed: false }, 'runs another executable'],
];

async function impostor(imposture: Imposture): Promise<Impostor> {
  if (imposture.lock === 'waited for') {
    const at = path.join(folder, 'run', 'instance.lock');
    mkdirSync(path.dirname(at), { mode: 0o700 });
    const holder = spawn('flock', ['--no-fork', at, 'sh', '-c', 'echo; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(holder);
    await once(holder.stdout, 'data');
  }
  const started = await startImpostor(folder, imposture);
  listening.push(started);
  return started;
}

function ask(entry: string, ...args: readonly string[]): ChildProcess {
  const socket = path.join(folder, 'run', 'mcp.sock');
  const child = spawn(process.execPath, [path.join(main, 'cli', entry), ...args, '--socket', socket], {
    env: { HOME: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

describe.runIf(process.platform === 'linux')('a program that listens in our place', () => {
  it.each(impostors)('and %s hears nothing from the bridge, and is not heard', async (_what, lacks, why) => {
    const { heard } = await impostor({ ...all, ...lacks, place: 'mcp.sock' });
    const bridge = ask('bridge.ts', 'mcp', '--agent', 'me');
    const ended = finished(bridge);
    bridge.stdin?.end(`${JSON.stringify(call)}\n`);
    const { stdout, stderr } = await ended;
    expect(JSON.parse(stdout)).toMatchObject({ result: { structuredContent: { code: 'protection_missing' } } });
    expect(stdout).toContain('start Sallyport again');
    expect(stderr).toContain('is not this Sallyport');
    expect(stderr).toContain(why);
    expect(heard()).toBe('');
  });

  it.each(impostors)('and %s hears no password from the command, and is not heard', async (_what, lacks, why) => {
    const { heard } = await impostor({ ...all, ...lacks, place: 'control.sock' });
    const command = ask('sallyport.ts', 'proxy-password');
    const ended = finished(command);
    command.stdin?.end('hunter2\n');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not this Sallyport')]);
    expect(stderr).toContain(why);
    expect(heard()).toBe('');
  });

  // The control of the ones above, and a limit that SECURITY.md states.
  it('and lacks nothing is believed', async () => {
    const { heard } = await impostor({ ...all, place: 'control.sock' });
    await finished(ask('sallyport.ts', 'status'));
    await vi.waitUntil(() => heard().includes('"method":"status"'));
  });
});

const numbersOfItsOwn = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'];
const hasNumbers = spawnSync('unshare', [...numbersOfItsOwn, 'true']).status === 0;

it.runIf(hasNumbers).each(['leaves', 'bridge'])(
  'a number that became another program’s names nobody: %s',
  async (way) => {
    const script = path.join(import.meta.dirname, 'reused-number.ts');
    const args = [...numbersOfItsOwn, process.execPath, script, folder, way];
    const { stdout } = await finished(spawn('unshare', args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] }));
    expect(stdout).toBe('"unidentified"');
  },
);

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
