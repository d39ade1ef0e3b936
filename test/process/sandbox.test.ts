/**
 * The walls around a connector, from inside: the real host file in real bubblewrap. Each attempt is made three times:
 * without any wall (the control: it must succeed, or the test proves nothing), behind the namespaces alone, and in
 * the connector's real process.
 */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { probeSandbox, sandboxCommand } from '../../main/connectors/sandbox.ts';
import { hostExitCodes } from '../../main/contract/connector-process.ts';
import { host, innermost, probeEntry, startConnector, valueOf, type Sandboxed } from './sandboxed.ts';

const run = promisify(execFile);
const wanted = { entry: probeEntry, host, runtime: process.execPath };
const alone = path.join(path.dirname(probeEntry), 'attempt.mjs');

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-sandbox-'));
const secret = path.join(folder, 'secret');
/** Of this run alone: another user's file of the same name could not be written. */
const sharedFile = `/dev/shm/sallyport-probe-${randomUUID()}`;
const abstractName = `\0sallyport-${randomUUID()}`;
const reached = { tcp: 0, udp: 0 };
const tcp = createServer((socket) => {
  reached.tcp += 1;
  socket.destroy();
});
const named = createServer((socket) => socket.destroy());
const abstract = createServer((socket) => socket.destroy());
const udp = createSocket('udp4', () => (reached.udp += 1));
let connector: Sandboxed;

beforeAll(async () => {
  writeFileSync(secret, 'secret');
  tcp.listen(0, '127.0.0.1');
  named.listen(path.join(folder, 'named.sock'));
  abstract.listen(abstractName);
  udp.bind(0, '127.0.0.1');
  await Promise.all([
    once(tcp, 'listening'),
    once(named, 'listening'),
    once(abstract, 'listening'),
    once(udp, 'listening'),
  ]);
  connector = startConnector({ entry: probeEntry, onConnect: (_, stream) => void echo(stream) });
  await connector.gateway.request('configure', { settings: {} });
});

afterAll(async () => {
  await connector.stop();
  for (const server of [tcp, named, abstract]) server.close();
  udp.close();
  rmSync(sharedFile, { force: true });
  rmSync(folder, { recursive: true });
});

async function echo(
  stream: AsyncIterable<Uint8Array> & { write(bytes: Uint8Array): Promise<void>; end(): void },
): Promise<void> {
  for await (const piece of stream) await stream.write(piece);
  stream.end();
}

type Given = Record<string, unknown> & { what: string };

async function outside(given: Given): Promise<unknown> {
  const { stdout } = await run(process.execPath, [alone, JSON.stringify(given)], {
    env: { ...process.env, SECRET: 'x' },
  });
  return JSON.parse(stdout);
}

/** The same program behind the namespaces, without the runtime's permission model and the host's lockdown. */
async function behindWalls(given: Given): Promise<unknown> {
  const { command, args } = sandboxCommand({ ...wanted, level: 'namespaces' });
  const runtime = args.indexOf('--') + 1;
  const own = [...args.slice(0, runtime), args[runtime] ?? '', '/connector/attempt.mjs', JSON.stringify(given)];
  const { stdout } = await run(command, own, { env: {} });
  return JSON.parse(stdout);
}

const inConnector = async (given: Given): Promise<unknown> => valueOf(await connector.call('attempt', given));

const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

interface Attempt {
  readonly name: string;
  readonly given: () => Given;
  readonly free: unknown;
  readonly walled: unknown;
  readonly real?: unknown;
}

const denied = 'ERR_ACCESS_DENIED';
const attempts: readonly Attempt[] = [
  {
    name: 'TCP to a server of the machine',
    given: () => ({ what: 'tcp', host: '127.0.0.1', port: port(tcp) }),
    free: 'connected',
    walled: 'ECONNREFUSED',
  },
  {
    name: 'a socket in a folder',
    given: () => ({ what: 'socket', path: path.join(folder, 'named.sock') }),
    free: 'connected',
    walled: 'ENOENT',
  },
  {
    name: 'an abstract socket',
    given: () => ({ what: 'socket', path: abstractName }),
    free: 'connected',
    walled: 'ECONNREFUSED',
  },
  {
    name: 'a file of the user',
    given: () => ({ what: 'read', path: secret }),
    free: 'read',
    walled: 'ENOENT',
    real: denied,
  },
  {
    name: 'the list of users',
    given: () => ({ what: 'read', path: '/etc/passwd' }),
    free: 'read',
    walled: 'ENOENT',
    real: denied,
  },
  {
    name: 'the runtime beside it',
    given: () => ({ what: 'list', path: '/usr' }),
    free: expect.arrayContaining(['bin']),
    walled: expect.not.arrayContaining(['bin', 'share']),
    real: denied,
  },
  {
    name: 'another process',
    given: () => ({ what: 'read', path: `/proc/${process.pid}/cmdline` }),
    free: 'read',
    walled: 'ENOENT',
    real: denied,
  },
  {
    name: 'a signal to the test',
    given: () => ({ what: 'signal', pid: process.pid }),
    free: 'reached',
    walled: 'ESRCH',
    real: 'TypeError',
  },
  { name: 'a shell', given: () => ({ what: 'program', path: '/bin/sh' }), free: 'ran', walled: 'ENOENT', real: denied },
  {
    name: 'writing where anybody may',
    given: () => ({ what: 'write', path: sharedFile }),
    free: 'written',
    walled: 'ENOENT',
    real: denied,
  },
  {
    name: 'writing to its own root',
    given: () => ({ what: 'write', path: '/probe' }),
    free: 'EACCES',
    walled: 'EROFS',
    real: denied,
  },
  {
    name: 'writing to its own code',
    given: () => ({ what: 'write', path: '/connector/probe' }),
    free: 'ENOENT',
    walled: 'EROFS',
    real: denied,
  },
  {
    name: 'the environment',
    given: () => ({ what: 'environment' }),
    free: expect.arrayContaining(['SECRET']),
    walled: ['PWD'],
  },
  {
    name: 'network interfaces',
    given: () => ({ what: 'interfaces' }),
    free: expect.arrayContaining(['lo']),
    walled: ['lo'],
  },
  { name: 'a thread', given: () => ({ what: 'thread' }), free: 'ran', walled: 'ran', real: denied },
  { name: 'code from a string', given: () => ({ what: 'code' }), free: 'ran', walled: 'ran', real: 'EvalError' },
  {
    name: 'native code',
    given: () => ({ what: 'native', path: '/lib/x86_64-linux-gnu/libc.so.6' }),
    free: 'ERR_DLOPEN_FAILED',
    walled: 'ERR_DLOPEN_FAILED',
    real: 'TypeError',
  },
  {
    name: 'the inspector',
    given: () => ({ what: 'inspector' }),
    free: 'open',
    walled: 'open',
    real: denied,
  },
];

describe.each(attempts)('$name', ({ given, free, walled, real = walled }) => {
  it('is there without walls', async () => expect(await outside(given())).toEqual(free));
  it('is not behind the namespaces', async () => expect(await behindWalls(given())).toEqual(walled));
  it('is not in the connector', async () => expect(await inConnector(given())).toEqual(real));
});

it('UDP and DNS: what is sent arrives nowhere', async () => {
  const given = [
    { what: 'udp', port: port(udp) },
    { what: 'dns', port: port(udp) },
  ];
  for (const each of given) await behindWalls(each);
  for (const each of given) await inConnector(each);
  const before = reached.udp;
  for (const each of given) await outside(each);
  const deadline = Date.now() + 5000;
  while (reached.udp < 2 && Date.now() < deadline) await delay(10);
  expect([before, reached.udp]).toEqual([0, 2]);
});

it('is nobody, sees two processes, and has no capability', async () => {
  expect(await inConnector({ what: 'ids' })).toEqual({ pid: 2, parent: 1, user: 65_534 });
  const numbers = (await behindWalls({ what: 'list', path: '/proc' })) as string[];
  expect(numbers.filter((name) => /^\d+$/.test(name))).toEqual(['1', '2']);
  const status = readFileSync(`/proc/${innermost(connector.process.pid ?? 0)}/status`, 'utf8');
  expect(status).toMatch(/^CapEff:\s0+$/m);
  expect(status).toMatch(/^CapBnd:\s0+$/m);
  expect(status).toMatch(/^NoNewPrivs:\s1$/m);
});

it('has no descriptor but its two channels', () => {
  const links = readdirSync(`/proc/${innermost(connector.process.pid ?? 0)}/fd`).map(Number);
  const inherited = links.filter((fd) => fd >= 3 && fd <= 4);
  expect(inherited).toEqual([3, 4]);
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
    expect(valueOf(await connector.call('attempt', { what: 'interfaces' }))).toEqual(['lo']);
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
      alter: ({ command, args }) => ({ command, args: weaken(args) }),
    });
    expect(await other.ended).toBe(hostExitCodes.protectionMissing);
    await other.stop();
  });

  it('outside any namespace', async () => {
    const { command, args } = sandboxCommand({ ...wanted, level: 'permissions' });
    const other = startConnector({
      entry: probeEntry,
      alter: () => ({ command, args: args.map((arg) => (arg === 'permissions' ? 'namespaces' : arg)) }),
    });
    expect(await other.ended).toBe(hostExitCodes.protectionMissing);
    await other.stop();
  });

  it('the probe says whether it works here, and what to mend', () => {
    expect(probeSandbox(wanted)).toEqual({ works: true });
    expect(probeSandbox({ ...wanted, runtime: '/bin/false' })).toMatchObject({
      works: false,
      mend: expect.any(String) as string,
    });
  });
});

it('ends with whoever started it, even when its channels stay open', async () => {
  const { command, args } = sandboxCommand({ ...wanted, level: 'namespaces' });
  const toGateway = createSocketPair();
  const toEgress = createSocketPair();
  const starter = `
    const child = require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { env: {}, stdio: ['ignore', 'ignore', 'ignore', 3, 4] });
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
});

function isHost(pid: number): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/sallyport/host.mjs') &&
      readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'bwrap\n'
    );
  } catch {
    return false;
  }
}
