/** The walls around a connector: what they are on each level, that the host behind them works, and that it does not start without them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { chooseLevel, probeLauncher, probeNamespaces, sandboxCommand } from '../../main/connectors/sandbox.ts';
import type { LaunchOrder } from '../../main/contract/launch-order.ts';
import { hostExitCodes } from '../../main/contract/connector-process.ts';
import { host, innermost, launcher, probeEntry, startConnector, valueOf, type Sandboxed } from './sandboxed.ts';

const wanted = { entry: probeEntry, host, launcher, runtime: process.execPath, ends: 2 } as const;
let connector: Sandboxed;

beforeAll(async () => {
  connector = startConnector({ entry: probeEntry, onConnect: (_, stream) => void echo(stream) });
  await connector.gateway.request('configure', { settings: {} });
});
afterAll(() => connector.stop());

async function echo(
  stream: AsyncIterable<Uint8Array> & { write(bytes: Uint8Array): Promise<void>; end(): void },
): Promise<void> {
  for await (const piece of stream) await stream.write(piece);
  stream.end();
}

it('in namespaces it is nobody, sees two processes, has no capability, and its calls are filtered', async () => {
  expect(valueOf(await connector.call('attempt', { what: 'ids' }))).toEqual({ pid: 2, parent: 1, user: 65_534 });
  const status = readFileSync(`/proc/${innermost(connector.process.pid ?? 0)}/status`, 'utf8');
  for (const line of [/^CapEff:\s0+$/m, /^CapBnd:\s0+$/m, /^NoNewPrivs:\s1$/m, /^Seccomp:\s2$/m])
    expect(status).toMatch(line);
});

it('behind the launcher its calls are filtered, it gains nothing, and has no descriptor but its own', async () => {
  const other = startConnector({ entry: probeEntry, level: 'launcher' });
  await other.gateway.request('configure', { settings: {} });
  const pid = other.process.pid ?? 0;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  for (const line of [/^CapEff:\s0+$/m, /^NoNewPrivs:\s1$/m, /^Seccomp:\s2$/m]) expect(status).toMatch(line);
  const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) =>
    readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:'),
  );
  expect(sockets.sort()).toEqual(['2', '3', '4']);
  await other.stop();
});

it('in namespaces it has no descriptor but its two channels', () => {
  const links = readdirSync(`/proc/${innermost(connector.process.pid ?? 0)}/fd`).map(Number);
  expect(links.filter((fd) => fd >= 3 && fd <= 5)).toEqual(expect.arrayContaining([3, 4]));
});

describe('the host', () => {
  it('answers, and reaches its destination only through egress', async () => {
    expect(valueOf(await connector.call('echo', { text: 'héllo '.repeat(5000) }))).toEqual({
      text: 'héllo '.repeat(5000),
    });
  });
  it('a mistake becomes a code and no more', async () => {
    const result = await connector.call('fail', {});
    expect(result).toMatchObject({ ok: false, code: 'connector_failed' });
    expect(JSON.stringify([result, connector.logs])).not.toMatch(/secret|connector\.mjs/);
  });
  it('a result beyond the bound of its tool does not come', async () => {
    expect(await connector.call('large', { size: 70_000 })).toMatchObject({ ok: false, code: 'invalid_arguments' });
  });
  it('noise harms nobody', async () => {
    expect(valueOf(await connector.call('noise', {}))).toEqual({ done: true });
    expect(connector.logs.length).toBeLessThan(300);
    expect(valueOf(await connector.call('attempt', { what: 'ids' }))).toMatchObject({ parent: 1 });
  });
  it('a cancelled call stops, others go on', async () => {
    const cancelled = connector.call(
      'wait',
      {},
      { onStream: (stream) => setTimeout(() => stream.reset('connector_timeout'), 50) },
    );
    await expect(cancelled).rejects.toThrow();
    expect(await connector.call('wait', {}, { deadlineMs: 50 })).toMatchObject({ ok: false, code: 'connector_failed' });
  });
  it('a mistake outside a call ends the process', async () => {
    const other = startConnector({ entry: probeEntry });
    await other.gateway.request('configure', { settings: {} });
    await other.call('stray', {}).catch(() => undefined);
    expect(await other.ended).toBe(hostExitCodes.connectorCrashed);
    await other.stop();
  });
  it('ends when the gateway is gone', async () => {
    const other = startConnector({ entry: probeEntry });
    await other.gateway.request('configure', { settings: {} });
    other.gateway.close();
    expect(await other.ended).toBe(hostExitCodes.channelGone);
    await other.stop();
  });
});

describe('fails closed', () => {
  /** Each way to weaken it, and that the host will not start with it. */
  const without = (flag: string) => (args: readonly string[]) => args.filter((arg) => !arg.startsWith(flag));
  const weaker: readonly (readonly [string, (args: readonly string[]) => readonly string[]])[] = [
    ['without the permission model', (args) => without('--permission')(without('--allow-fs-read')(args))],
    [
      'with all files readable',
      (args) => args.map((arg) => (arg === '--allow-fs-read=/connector' ? '--allow-fs-read=*' : arg)),
    ],
    [
      'with programs',
      (args) => args.flatMap((arg) => (arg === '--permission' ? [arg, '--allow-child-process'] : [arg])),
    ],
    ['with native code', (args) => args.flatMap((arg) => (arg === '--permission' ? [arg, '--allow-addons'] : [arg]))],
    ['with an inspector by signal', without('--disable-sigusr1')],
    ['with code from strings', without('--disallow-code-generation-from-strings')],
    ['with __proto__', without('--disable-proto')],
    [
      'with an environment',
      (args) => args.flatMap((arg) => (arg === '--clearenv' ? [arg, '--setenv', 'A', 'b'] : [arg])),
    ],
    // Nothing to see on a machine that has no network itself.
    ...(Object.keys(os.networkInterfaces()).some((name) => name !== 'lo')
      ? [
          [
            'with the network of the machine',
            (args: readonly string[]) =>
              args.flatMap((arg) => (arg === '--unshare-all' ? [arg, '--share-net'] : [arg])),
          ] as const,
        ]
      : []),
    ['without a filter', (args) => args.filter((arg, index) => arg !== '--seccomp' && args[index - 1] !== '--seccomp')],
    [
      'with the processes of the machine',
      (args) =>
        args.flatMap((arg) => {
          if (arg === '--unshare-all') return ['--unshare-user', '--unshare-net', '--unshare-uts'];
          return arg === '--proc' ? ['--ro-bind', '/proc'] : [arg];
        }),
    ],
  ];
  it.each(weaker)('%s', async (_, weaken) => {
    const other = startConnector({
      entry: probeEntry,
      alter: ({ command, args, filter }) => ({ command, args: weaken(args), ...(filter && { filter }) }),
    });
    expect(await other.ended).toBe(hostExitCodes.protectionMissing);
    await other.stop();
  });

  it('outside any wall', async () => {
    for (const level of ['namespaces', 'launcher'] as const) {
      const { args } = sandboxCommand({ ...wanted, level: 'launcher' });
      const order = JSON.parse(args.at(-1) ?? '') as LaunchOrder;
      const other = startConnector({
        entry: probeEntry,
        alter: () => ({
          command: process.execPath,
          args: order.arguments.map((arg) => (arg === 'launcher' ? level : arg)),
        }),
      });
      expect(await other.ended).toBe(hostExitCodes.protectionMissing);
      await other.stop();
    }
  });

  it('where a file is not there, or Landlock knows too little', async () => {
    const orders: readonly Partial<LaunchOrder>[] = [{ readable: ['/nowhere'] }, { mostAbi: 0 }];
    for (const each of orders) {
      const other = startConnector({
        entry: probeEntry,
        level: 'launcher',
        alter: ({ command, args }) => {
          const order = JSON.parse(args.at(-1) ?? '') as LaunchOrder;
          return { command, args: [...args.slice(0, -1), JSON.stringify({ ...order, ...each })] };
        },
      });
      expect(await other.ended).toBe(hostExitCodes.protectionMissing);
      await other.stop();
    }
  });
});

describe('the level', () => {
  it('is the launcher where this user can read the runtime, and that is said', () => {
    expect(chooseLevel(wanted)).toEqual({
      level: 'launcher',
      weaker: {
        why: expect.stringContaining('can be read') as string,
        mend: expect.stringContaining('0711') as string,
      },
    });
  });
  it('is never less than the configuration demands', () => {
    expect(() => chooseLevel(wanted, 'namespaces')).toThrow(/as the configuration demands/);
  });
  it('is none where the launcher does not work, with both reasons and mends', () => {
    expect(probeLauncher(wanted)).toEqual({ works: true });
    expect(() => chooseLevel({ ...wanted, mostAbi: 0 })).toThrow(/Landlock takes no rules.*5\.13.*can be read/s);
  });
  it('namespaces work here, or the probe says why not and what to mend', () => {
    expect(probeNamespaces(wanted)).toEqual({ works: true });
    expect(probeNamespaces({ ...wanted, runtime: '/bin/false' })).toMatchObject({
      works: false,
      mend: expect.any(String) as string,
    });
  });
});

it.each(['namespaces', 'launcher'] as const)(
  '%s: it ends with whoever started it, even when its channels stay open',
  async (level) => {
    const { command, args, filter } = sandboxCommand({ ...wanted, level });
    const toGateway = createSocketPair();
    const toEgress = createSocketPair();
    const starter = `
    const child = require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { env: {}, stdio: ['ignore', 'ignore', 'ignore', 3, 4, 'pipe'] });
    child.stdio[5].end(Buffer.from(${JSON.stringify(filter?.toString('base64') ?? '')}, 'base64'));
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', starter], {
      stdio: ['ignore', 'pipe', 'ignore', toGateway.b, toEgress.a],
    });
    closeSync(toGateway.b);
    closeSync(toEgress.a);
    const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
    const launcher = Number(line.toString());
    const deadline = Date.now() + 10_000;
    while (!isHost(innermost(launcher)) && Date.now() < deadline) await delay(10);
    const inner = innermost(launcher);
    expect(isHost(inner)).toBe(true);
    parent.kill('SIGKILL');
    while (existsSync(`/proc/${inner}`) && isHost(inner) && Date.now() < deadline) await delay(10);
    expect(isHost(inner)).toBe(false);
    closeSync(toGateway.a);
    closeSync(toEgress.b);
  },
);

function isHost(pid: number): boolean {
  try {
    return (
      /host\.mjs\0(namespaces|launcher)\0/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) &&
      readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'bwrap\n'
    );
  } catch {
    return false;
  }
}
