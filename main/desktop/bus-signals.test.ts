import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isLock, lockBuses } from './lock-signals.ts';
import { listenToBus, type BusSignal } from './bus-signals.ts';

let folder: string;
let bus: ChildProcess;
let address: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-bus-'));
  address = `unix:path=${folder}/bus`;
  bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=${address}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => bus.stdout?.once('data', resolve));
});
afterAll(() => {
  bus.kill();
  rmSync(folder, { recursive: true, force: true });
});

function say(name: string, member: string, value: string): void {
  const target = [
    '--session',
    '--object-path',
    `/${name.replaceAll('.', '/')}`,
    '--signal',
    `${name}.${member}`,
    value,
  ];
  spawnSync('gdbus', ['emit', ...target], { env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address } });
}

describe('the session bus', () => {
  it('tells of a screen saver that locks, whichever it is, and of nothing else', async () => {
    const locks: BusSignal[] = [];
    const heard: BusSignal[] = [];
    const ready = vi.fn();
    const [session] = lockBuses({ DBUS_SESSION_BUS_ADDRESS: address });
    const stop = listenToBus({
      address,
      rules: session?.rules ?? [],
      onReady: ready,
      onEnd: () => undefined,
      onSignal(signal) {
        heard.push(signal);
        if (isLock(signal)) locks.push(signal);
      },
    });
    await vi.waitFor(() => expect(ready).toHaveBeenCalled());
    await vi.waitFor(
      () => {
        say('org.freedesktop.ScreenSaver', 'ActiveChanged', 'true');
        expect(locks).not.toEqual([]);
      },
      { timeout: 10_000, interval: 100 },
    );
    locks.length = heard.length = 0;
    say('org.example.Other', 'ActiveChanged', 'true');
    say('org.gnome.ScreenSaver', 'ActiveChanged', 'false');
    say('org.gnome.ScreenSaver', 'ActiveChanged', '"true"');
    say('org.gnome.ScreenSaver', 'ActiveChanged', 'true');
    const gnome = { interface: 'org.gnome.ScreenSaver', member: 'ActiveChanged', flag: true };
    await vi.waitFor(() => expect(locks).toContainEqual(gnome), { timeout: 10_000 });
    expect(locks.filter(({ interface: from }) => from === gnome.interface)).toEqual([gnome]);
    expect(heard.map(({ interface: from }) => from)).not.toContain('org.example.Other');
    stop();
  });

  it.each(['', 'tcp:host=localhost,port=1', 'unix:path=/nowhere/bus'])(
    '%s: it says that nobody is heard',
    async (at) => {
      const ended = vi.fn();
      listenToBus({ address: at, rules: [], onReady: () => undefined, onEnd: ended, onSignal: () => undefined });
      await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
    },
  );
});

describe('a hostile bus', () => {
  /** Says this once the client began. */
  function hostile(bytes: Buffer): Promise<{ readonly server: Server; readonly at: string }> {
    const at = path.join(folder, `hostile-${String(bytes.length)}`);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(Buffer.concat([Buffer.from('OK 0\r\n'), bytes])));
    });
    return new Promise((resolve) => server.listen(at, () => resolve({ server, at: `unix:path=${at}` })));
  }
  const head = (bodyLength: number, fieldsLength: number): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.set([0x6c, 4, 0, 1]);
    bytes.writeUInt32LE(bodyLength, 4);
    bytes.writeUInt32LE(fieldsLength, 12);
    return bytes;
  };

  it.each<[string, Buffer]>([
    ['a message without end', Buffer.concat([head(0xffffffff, 0), Buffer.alloc(70_000)])],
    ['fields without end', Buffer.concat([head(0, 0xfffffff0), Buffer.alloc(70_001)])],
  ])('%s ends the connection', async (_, bytes) => {
    const { server, at } = await hostile(bytes);
    const ended = vi.fn();
    const onSignal = vi.fn();
    listenToBus({ address: at, rules: [], onReady: () => undefined, onEnd: ended, onSignal });
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
    expect(onSignal).not.toHaveBeenCalled();
    server.close();
  });

  it('lengths that lie inside a message are skipped', async () => {
    const lying = Buffer.concat([head(0, 16), Buffer.from([2, 1, 0x73, 0, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(8)]);
    const { server, at } = await hostile(Buffer.concat([lying, lying, lying]));
    const onSignal = vi.fn();
    const ready = vi.fn();
    const stop = listenToBus({ address: at, rules: [], onReady: ready, onEnd: () => undefined, onSignal });
    await vi.waitFor(() => expect(ready).toHaveBeenCalled());
    expect(onSignal.mock.calls.filter(([signal]) => isLock(signal as BusSignal))).toEqual([]);
    stop();
    server.close();
  });
});

it('logind is asked for the own session alone, where it is known', () => {
  const rules = lockBuses({ XDG_SESSION_ID: '2' })[1]?.rules;
  expect(rules).toEqual([expect.stringContaining("path='/org/freedesktop/login1/session/_32'")]);
});
