import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOwnUser } from '../local-socket/kernel.ts';
import { createIdentifyPeer, type Peer } from './peer.ts';
import { createAgentSocket, type AgentSocket } from './socket.ts';

let folder: string;
const opened: AgentSocket[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-socket-'));
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
  rmSync(folder, { recursive: true, force: true });
});

function door(
  socketPath: string,
  onConnection: (socket: Socket, peer: Peer) => void = (socket) => socket.destroy(),
): AgentSocket {
  const socket = createAgentSocket({
    socketPath,
    identify: createIdentifyPeer({ runtime: '', entries: [] }),
    onConnection,
    onUnidentified: (unidentified) => unidentified.destroy(),
    onTaken: () => undefined,
  });
  opened.push(socket);
  return socket;
}

describe('the socket', () => {
  it('lies in a folder of its user, 0700 and 0600, and goes at close', async () => {
    const at = path.join(folder, 'new', 'mcp.sock');
    const socket = door(at);
    await socket.listen();
    expect([lstatSync(path.dirname(at)).mode & 0o777, lstatSync(at).mode & 0o777]).toEqual([0o700, 0o600]);
    socket.close();
    expect(() => lstatSync(at)).toThrow('ENOENT');
  });

  it('refuses a folder that others can enter, a link, and a long path', async () => {
    const open = path.join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o755);
    await expect(door(path.join(open, 'mcp.sock')).listen()).rejects.toThrow(`chmod 700 ${open}`);
    symlinkSync(folder, path.join(folder, 'link'));
    await expect(door(path.join(folder, 'link', 'mcp.sock')).listen()).rejects.toThrow('is not a folder');
    // As root it is one's own, but open.
    await expect(door('/usr/mcp.sock').listen()).rejects.toThrow(process.getuid?.() === 0 ? 'open' : 'another user');
    await expect(door(path.join(folder, 'x'.repeat(100), 'mcp.sock')).listen()).rejects.toThrow('at most');
  });

  it('replaces a stale socket and never a living one', async () => {
    const at = path.join(folder, 'mcp.sock');
    const dead = createServer().listen(path.join(folder, 'dead'));
    await new Promise((resolve) => dead.once('listening', resolve));
    // Renamed away, so that closing leaves the file: what SIGKILL leaves.
    renameSync(path.join(folder, 'dead'), at);
    await new Promise((resolve) => dead.close(resolve));
    await door(at).listen();
    await expect(door(at).check()).rejects.toThrow('Another Sallyport is running');
  });

  it('leaves what somebody else put in its place', async () => {
    const at = path.join(folder, 'mcp.sock');
    const socket = door(at);
    await socket.listen();
    rmSync(at);
    writeFileSync(at, 'not ours');
    socket.close();
    expect(lstatSync(at).isFile()).toBe(true);
  });

  it.runIf(process.platform === 'linux')('names the program that connected, and refuses other users', async () => {
    const at = path.join(folder, 'mcp.sock');
    const met = new Promise<[Peer, boolean]>((resolve) => {
      void door(at, (socket, peer) => {
        resolve([peer, isOwnUser(socket, (process.getuid?.() ?? 0) + 1)]);
        socket.destroy();
      })
        .listen()
        .then(() => connect(at).resume());
    });
    const seen = { connected: process.pid, executable: process.execPath, pid: process.pid };
    expect(await met).toEqual([expect.objectContaining(seen), false]);
  });
});
