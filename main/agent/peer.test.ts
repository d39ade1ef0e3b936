/** Who connected, told from real processes; and the ways in which one could pass for another. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readlinkSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fileAt } from '../local-socket/process-view.ts';
import { callerOf } from './label.ts';
import { createIdentifyPeer, findOwnBridge, type IdentifyPeer, type OwnBridge, type Peer } from './peer.ts';

const koffi = fileURLToPath(import.meta.resolve('koffi'));
const connects = `require('node:net').connect(process.argv[2]).on('error', () => 0)`;
let folder: string;
let server: Server;
const at = (name: string): string => path.join(folder, name);
const started: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-peer-'));
  server = createServer({ pauseOnConnect: true }).listen(at('s'));
  await once(server, 'listening');
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function script(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}

/** Runs it, and resolves with the connection that comes. */
async function connection(...args: readonly string[]): Promise<Socket> {
  const came = once(server, 'connection') as Promise<[Socket]>;
  const child = spawn(process.execPath, [...args, at('s')], { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder });
  started.push(child);
  const [socket] = await came;
  return socket;
}

async function identified(identify: IdentifyPeer, ...args: readonly string[]): Promise<Peer> {
  const socket = await connection(...args);
  const peer = await identify(socket);
  socket.destroy();
  if (typeof peer === 'string') throw new Error(peer);
  return peer;
}

const nobodys: OwnBridge = { runtime: '', entries: [] };
const identify = createIdentifyPeer(nobodys);

describe.runIf(process.platform === 'linux')('a program on the socket', () => {
  it('is its executable by device and inode, its script with its hash, and what started it', async () => {
    const agent = script('agent.js', connects);
    const { traits, ...peer } = await identified(identify, agent);
    expect(peer).toEqual({ connected: started[0]?.pid, pid: started[0]?.pid, executable: process.execPath });
    const sha256 = createHash('sha256').update(connects).digest('hex');
    expect(traits).toMatchObject({
      file: await fileAt(process.execPath),
      script: { path: agent, sha256, options: '' },
      bridge: false,
      publisher: null,
    });
    expect(traits?.parents[0]).toEqual({ path: process.execPath, file: await fileAt(process.execPath) });
  });

  it('is another one as soon as a byte of its script is changed', async () => {
    const key = async (): Promise<string> => callerOf('a', await identified(identify, at('changing.js'))).key;
    script('changing.js', connects);
    const before = await key();
    expect(await key()).toBe(before);
    script('changing.js', `${connects};`);
    utimesSync(at('changing.js'), 1, 1);
    const longer = await key();
    expect(longer).not.toBe(before);
    // Of the same length, and its time of change set back.
    script('changing.js', `${connects} `);
    utimesSync(at('changing.js'), 1, 1);
    expect(await key()).not.toBe(longer);
  });

  it('is told by what comes before its script, and by code on its command line', async () => {
    script('agent.js', connects);
    script('more.js', '');
    const traits = async (...args: string[]) => (await identified(identify, ...args)).traits?.script;
    expect(await traits('-r', './more.js', 'agent.js')).toMatchObject({ path: at('more.js'), options: '-r' });
    expect(await traits('--require=./more.js', 'agent.js')).toMatchObject({ options: '--require=./more.js' });
    const code = `require('node:net').connect(process.argv[1])`;
    const sha256 = createHash('sha256').update(code).digest('hex');
    expect(await traits('-e', code)).toEqual({ path: '-e', sha256, options: '' });
  });

  it('is nobody once it ended and left its socket to a child', async () => {
    const leaves = script(
      'leaves.js',
      `const socket = require('node:net').connect(process.argv[2], () => {
        require('node:child_process').spawn('sleep', ['30'], { stdio: ['ignore', 'ignore', socket], detached: true }).unref();
        process.exit(0);
      });`,
    );
    const socket = await connection(leaves);
    const [child] = started;
    if (child?.exitCode === null) await once(child, 'exit');
    expect(await identify(socket)).toBe('unidentified');
    socket.destroy();
  });

  it('is nobody where it becomes another program while it is looked at', async () => {
    const becomes = script(
      'becomes.js',
      `process.on('SIGUSR2', () => process.execve('/bin/sleep', ['sleep', '30']));
      ${connects}.on('connect', () => setInterval(() => 0, 1000));`,
    );
    const socket = await connection(becomes);
    const [child] = started;
    const meanwhile = createIdentifyPeer(nobodys, async () => {
      child?.kill('SIGUSR2');
      while (path.basename(readlinkSync(`/proc/${child?.pid ?? 0}/exe`)) === path.basename(process.execPath))
        await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(await meanwhile(socket)).toBe('unidentified');
    socket.destroy();
  });

  it('is nobody where another file came under its path, and runs there, while it is looked at', async () => {
    script('bridge.js', connects);
    const sh = at('agent-sh');
    copyFileSync('/bin/sh', sh);
    const starts = `"${process.execPath}" "${at('bridge.js')}" "${at('s')}" & while :; do wait; done`;
    const came = once(server, 'connection') as Promise<[Socket]>;
    const child = spawn(sh, ['-c', `trap 'exec "${sh}" -c "sleep 30; :"' USR1; ${starts}`], { stdio: 'ignore' });
    started.push(child);
    const [socket] = await came;
    const ran = `/proc/${child.pid ?? 0}/exe`;
    const through = createIdentifyPeer(await findOwnBridge([at('bridge.js')]), async () => {
      const before = await fileAt(ran);
      copyFileSync('/bin/sh', at('other-sh'));
      renameSync(at('other-sh'), sh);
      child.kill('SIGUSR1');
      while ((await fileAt(ran)) === before) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(await through(socket)).toBe('unidentified');
    socket.destroy();
  });

  it('is nobody where what started it ends while it is looked at', async () => {
    const leaves = script(
      'leaves-program.js',
      `require('node:child_process').spawn(process.execPath, [${JSON.stringify(script('left.js', connects))}, process.argv[2]], { stdio: 'ignore', detached: true }).unref();
      setInterval(() => 0, 1000);`,
    );
    const socket = await connection(leaves);
    const [child] = started;
    const meanwhile = createIdentifyPeer(nobodys, async () => {
      child?.kill('SIGKILL');
      await once(child as ChildProcess, 'exit');
    });
    expect(await meanwhile(socket)).toBe('unidentified');
    socket.destroy();
  });

  it('that closes itself to its user is told by what it says, and marked so', async () => {
    const closes = script(
      'closes.js',
      `require(${JSON.stringify(koffi)}).load(null).func('int prctl(int, unsigned long)')(4, 0); ${connects}`,
    );
    const peer = await identified(identify, closes);
    if (process.getuid?.() === 0) return;
    expect(peer.executable).toBeNull();
    expect(peer.traits).toMatchObject({ file: null, says: process.execPath });
    expect(callerOf(null, peer).program).toBe('node');
    const open = await identified(identify, script('open.js', connects));
    expect(callerOf(null, peer).key).not.toBe(callerOf(null, open).key);
  });
});

describe.runIf(process.platform === 'linux')('through our bridge', () => {
  async function bridged(): Promise<IdentifyPeer> {
    script('bridge.js', connects);
    return createIdentifyPeer(await findOwnBridge([at('bridge.js')]));
  }

  const agentWith = (args: readonly string[]): string =>
    script(
      'agent-of-bridge.js',
      `require('node:child_process').spawn(process.execPath, [...${JSON.stringify(args)}, process.argv[2]], { stdio: 'ignore' });
      setInterval(() => 0, 1000);`,
    );

  it('the program is the one that started it', async () => {
    const through = await bridged();
    const peer = await identified(through, agentWith([at('bridge.js')]));
    expect(peer).toMatchObject({
      pid: started[0]?.pid,
      traits: { bridge: true, script: { path: at('agent-of-bridge.js') } },
    });
    expect(peer.connected).not.toBe(peer.pid);
  });

  it('whose parent ended, it is what adopted it, and never what that was', async () => {
    const through = await bridged();
    const leaves = script(
      'leaves-bridge.js',
      `require('node:child_process').spawn(process.execPath, [${JSON.stringify(at('bridge.js'))}, process.argv[2]], { stdio: 'ignore', detached: true }).unref();`,
    );
    const socket = await connection(leaves);
    const [child] = started;
    if (child?.exitCode === null) await once(child, 'exit');
    const peer = await through(socket);
    socket.destroy();
    // Init, or what reaps orphans here: another user's, mostly.
    expect(peer).toMatchObject({ traits: { bridge: true } });
    expect(typeof peer === 'string' ? 0 : peer.pid).not.toBe(child?.pid);
    expect(JSON.stringify(peer)).not.toContain('leaves-bridge.js');
  });

  it.each([
    ['a copy of it', () => [script('copy.js', connects)]],
    ['one that was given more code', () => [`--require=${script('more.js', '')}`, at('bridge.js')]],
  ])('%s is a program of its own', async (_what, args) => {
    const through = await bridged();
    const peer = await identified(through, agentWith(args()));
    expect(peer.traits?.bridge).toBe(false);
    expect(peer.pid).toBe(peer.connected);
  });
});
