/**
 * What a hostile connector tries to get out, on each level of isolation. Each attempt is made without any wall (the control: it must
 * succeed, or the test proves nothing), behind the kernel's walls alone by native code, past everything of the runtime, and in the
 * connector's real process, by what JavaScript there has.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inside } from '../../main/connectors/namespaces.ts';
import { sandboxCommand, startSandboxed } from '../../main/connectors/sandbox.ts';
import type { LaunchOrder } from '../../main/contract/launch-order.ts';
import { host, launcher, probeEntry, root, startConnector, valueOf, type Sandboxed } from './sandboxed.ts';

const run = promisify(execFile);

const levels = [
  { name: 'A', level: 'namespaces' },
  { name: 'B', level: 'launcher' },
  { name: 'B with Landlock of 2021 (ABI 1)', level: 'launcher', mostAbi: 1 },
] as const;
type Level = (typeof levels)[number];

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-escapes-'));
/** What is bundled and loaded in there: the attempts, and koffi to make system calls with. */
const code = path.join(folder, 'code');
const things = path.join(folder, 'things');
const abstractName = `\0sallyport-${randomUUID()}`;
const tcp = createServer((socket) => socket.destroy());
const tcp6 = createServer((socket) => socket.destroy());
const named = createServer((socket) => socket.destroy());
const abstract = createServer((socket) => socket.destroy());
const reached = { udp: 0 };
const udp = createSocket('udp4', () => (reached.udp += 1));
let victim: ChildProcess;
let native: string;

/** A process of the same user, with something at a known address. */
async function startVictim(): Promise<string> {
  const script = `const koffi = require('koffi'); globalThis.kept = new BigUint64Array([5n]); console.log(String(koffi.address(globalThis.kept))); setInterval(() => {}, 1000);`;
  victim = spawn(process.execPath, ['-e', script], { cwd: code, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(victim.stdout!, 'data')) as [Buffer];
  return line.toString().trim();
}

beforeAll(async () => {
  for (const one of [code, things]) mkdirSync(one);
  for (const name of [
    'koffi/package.json',
    'koffi/index.js',
    'koffi/index.cjs',
    'koffi/indirect.cjs',
    'koffi/src',
    `@koromix/koffi-linux-${process.arch}`,
  ])
    cpSync(path.join(root, 'node_modules', name), path.join(code, 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  for (const name of ['attempt.mjs', 'native-attempts.mjs', 'start-again.mjs'])
    cpSync(path.join(path.dirname(probeEntry), name), path.join(code, name));
  for (const name of ['a', 'c']) writeFileSync(path.join(things, name), 'x');
  const file = path.join(folder, 'secret');
  writeFileSync(file, 'secret');
  writeFileSync(path.join(code, 'own'), 'x');
  symlinkSync(file, path.join(code, 'link'));
  native = JSON.stringify({ victim: 0, file, folder: things, link: path.join(code, 'link') });
  tcp.listen(0, '127.0.0.1');
  tcp6.listen(0, '::1');
  named.listen(path.join(folder, 'named.sock'));
  abstract.listen(abstractName);
  udp.bind(0, '127.0.0.1');
  const listening = [tcp, tcp6, named, abstract, udp].map((one) => once(one, 'listening'));
  const address = await startVictim();
  await Promise.all(listening);
  native = JSON.stringify({ ...(JSON.parse(native) as object), victim: victim.pid, address });
});
afterAll(() => {
  victim.kill('SIGKILL');
  for (const server of [tcp, tcp6, named, abstract]) server.close();
  udp.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The same runtime behind the same walls, without the permission model and the host. Answers what the program printed. */
async function behindWalls({ level, ...more }: Level, program: string, given: string): Promise<unknown> {
  const entry = path.join(code, program);
  const wanted = sandboxCommand({ entry, host, launcher, runtime: process.execPath, level, ends: 0, ...more });
  const own = [level === 'namespaces' ? `${inside.folder}/${program}` : entry, given];
  const altered = level === 'namespaces' ? namespaced(wanted.args, own) : launched(wanted.args, own);
  const child = startSandboxed({ ...wanted, args: altered }, ['ignore', 'pipe', 'inherit']);
  let said = '';
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(said);
}

const namespaced = (args: readonly string[], own: readonly string[]): string[] => [
  ...args.slice(0, args.indexOf('--') + 2),
  ...own,
];

function launched(args: readonly string[], own: readonly string[]): string[] {
  const order = JSON.parse(args.at(-1) ?? '') as LaunchOrder;
  return [...args.slice(0, -1), JSON.stringify({ ...order, arguments: ['--openssl-config=/dev/null', ...own] })];
}

type Results = readonly (readonly [string, string])[];

describe('by system calls', () => {
  it('each can be made without walls', async () => {
    const { stdout } = await run(process.execPath, [path.join(code, 'native-attempts.mjs'), native], {
      env: { CONTROL: '1' },
    });
    const results = JSON.parse(stdout) as Results;
    expect(results.filter(([, what]) => what !== 'done')).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(40);
  });

  it.each(levels)('none on $name', async (level) => {
    const results = (await behindWalls(level, 'native-attempts.mjs', native)) as Results;
    expect(results.filter(([, what]) => !/^E[A-Z]+$/.test(what))).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(40);
  });
});

describe('the runtime, started over itself without its flags', () => {
  it('starts without walls', async () => {
    await expect(run(process.execPath, [path.join(code, 'start-again.mjs')])).rejects.toMatchObject({ code: 7 });
  });

  it.each(levels.filter(({ level }) => level === 'launcher'))('is not on $name', async (level) => {
    expect(await behindWalls(level, 'start-again.mjs', '')).toBe('EPERM');
  });
});

const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** By what JavaScript has; `free`: what comes of it where nothing is walled in. */
const attempts = (): readonly {
  readonly name: string;
  readonly given: { what: string; [name: string]: unknown };
  readonly free: unknown;
}[] => [
  { name: 'TCP', given: { what: 'tcp', host: '127.0.0.1', port: port(tcp) }, free: 'connected' },
  { name: 'TCP by IPv6', given: { what: 'tcp', host: '::1', port: port(tcp6) }, free: 'connected' },
  { name: 'a socket in a folder', given: { what: 'socket', path: path.join(folder, 'named.sock') }, free: 'connected' },
  { name: 'an abstract socket', given: { what: 'socket', path: abstractName }, free: 'connected' },
  { name: 'a file of the user', given: { what: 'read', path: path.join(folder, 'secret') }, free: 'read' },
  { name: 'the list of users', given: { what: 'read', path: '/etc/passwd' }, free: 'read' },
  { name: 'another process', given: { what: 'read', path: `/proc/${String(victim.pid)}/cmdline` }, free: 'read' },
  { name: 'a signal', given: { what: 'signal', pid: victim.pid }, free: 'reached' },
  { name: 'a shell', given: { what: 'program', path: '/bin/sh' }, free: 'ran' },
  { name: 'the runtime again', given: { what: 'program', path: process.execPath }, free: 'ran' },
  { name: 'writing where anybody may', given: { what: 'write', path: path.join(things, 'written') }, free: 'written' },
];
const onlyInside = [
  { what: 'thread' },
  { what: 'code' },
  { what: 'native', path: '/lib/x86_64-linux-gnu/libc.so.6' },
  { what: 'inspector' },
];

describe('by JavaScript', () => {
  const outside = async (list: readonly object[]): Promise<unknown> => {
    const { stdout } = await run(process.execPath, [path.join(code, 'attempt.mjs'), JSON.stringify(list)]);
    return JSON.parse(stdout);
  };
  const isError = (what: unknown): boolean =>
    typeof what === 'string' && /^(E[A-Z_]+|ERR_[A-Z_]+|[A-Z][A-Za-z]+Error)$/.test(what);

  it('each can be made without walls, and datagrams arrive', async () => {
    const all = attempts();
    expect(await outside(all.map(({ given }) => given))).toEqual(all.map(({ free }) => free));
    await outside([
      { what: 'udp', port: port(udp) },
      { what: 'dns', port: port(udp) },
    ]);
    expect(reached.udp).toBe(2);
  });

  describe.each(levels)('on $name', (level) => {
    let connector: Sandboxed;
    beforeAll(async () => {
      connector = startConnector({ entry: probeEntry, ...level });
      await connector.gateway.request('configure', { settings: {} });
    });
    afterAll(() => connector.stop());
    const inConnector = async (given: { what: string }): Promise<unknown> =>
      valueOf(await connector.call('attempt', given));

    it('none behind the kernel’s walls alone', async () => {
      const before = reached.udp;
      const given = [
        ...attempts().map((each) => each.given),
        { what: 'udp', port: port(udp) },
        { what: 'dns', port: port(udp) },
      ];
      const results = (await behindWalls(level, 'attempt.mjs', JSON.stringify(given))) as unknown[];
      expect(results.slice(0, -2).filter((what) => !isError(what))).toEqual([]);
      expect(reached.udp).toBe(before);
    });

    it('none in the connector, nor code, threads, an inspector, interfaces or an environment', async () => {
      const before = reached.udp;
      const found: unknown[] = [];
      for (const { given } of attempts()) found.push(await inConnector(given));
      for (const given of onlyInside) found.push(await inConnector(given));
      expect(found.filter((what) => !isError(what))).toEqual([]);
      for (const what of ['udp', 'dns']) await inConnector({ what, port: port(udp) } as { what: string });
      expect(reached.udp).toBe(before);
      const [interfaces, environment] = [
        await inConnector({ what: 'interfaces' }),
        await inConnector({ what: 'environment' }),
      ];
      expect([isError(interfaces) ? [] : interfaces, environment]).toEqual([
        [],
        level.level === 'namespaces' ? ['PWD'] : [],
      ]);
    });

    it('and it works', async () => {
      expect(valueOf(await connector.call('noise', {}))).toEqual({ done: true });
    });
  });
});
