/** The walls around an interceptor: a connector's, but that it takes connections on sockets that are handed to it. It makes none, on either level. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { ipcEnvironment } from '../../main/connectors/sandbox-options.ts';
import { sandboxCommand, startSandboxed, type SandboxCommand } from '../../main/connectors/sandbox.ts';
import type { LaunchOrder } from '../../main/contract/launch-order.ts';
import { host, launcher, probeEntry, root } from './sandboxed.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-interceptor-'));
const code = path.join(folder, 'code');
const program = path.join(code, 'interceptor-attempts.mjs');
const file = path.join(folder, 'secret');
const other = createServer((socket) => socket.end());

beforeAll(async () => {
  mkdirSync(code);
  for (const name of ['koffi', `@koromix/koffi-linux-${process.arch}`])
    cpSync(path.join(root, 'node_modules', name), path.join(code, 'node_modules', name), {
      recursive: true,
      dereference: true,
    });
  cpSync(path.join(path.dirname(probeEntry), path.basename(program)), program);
  writeFileSync(file, 'secret');
  await once(other.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  other.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As it would be started, but for the program, which has native code and no permission model. */
function altered(level: 'namespaces' | 'launcher'): SandboxCommand {
  const entry = { order: '{}', takesSockets: true };
  const wanted = sandboxCommand({ entry, host, launcher, runtime: process.execPath, level, ends: 3 });
  const { args } = wanted;
  if (level === 'launcher') {
    const order = JSON.parse(args.at(-1) ?? '') as LaunchOrder;
    const own = { readable: [...order.readable, code], arguments: ['--openssl-config=/dev/null', program] };
    return { ...wanted, args: [...args.slice(0, -1), JSON.stringify({ ...order, ...own })] };
  }
  const [walls, end] = [args.indexOf('--proc'), args.indexOf('--')];
  const inside = ['--ro-bind', code, '/code', ...args.slice(walls, end + 2), `/code/${path.basename(program)}`];
  return { ...wanted, args: [...args.slice(0, walls), ...inside] };
}

/** Hands a listening socket over, as the program in the server's namespaces does, and dials it. */
async function attemptsOf(start: (end: number) => ChildProcess): Promise<Record<string, string>> {
  const pair = createSocketPair();
  const child = start(pair.a);
  const giver = spawn(
    process.execPath,
    [
      '-e',
      `const server = require('node:net').createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        process.send(${JSON.stringify({ port: (other.address() as AddressInfo).port, file })}, server, () =>
          // It leaves once the other has taken the socket.
          process.send({}, () => server.close(() => console.log(port))));
      });`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', pair.b], env: ipcEnvironment(3) },
  );
  for (const end of [pair.a, pair.b]) closeSync(end);
  try {
    const [said] = await once(giver.stdout!, 'data');
    const answer = await text(connect(Number(String(said)), '127.0.0.1'));
    // What one of them sent without walls.
    return JSON.parse(answer.replace(/^x/, '')) as Record<string, string>;
  } finally {
    for (const each of [child, giver]) each.kill('SIGKILL');
  }
}

it('without walls it dials', async () => {
  const found = await attemptsOf((end) =>
    spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'inherit', end], env: ipcEnvironment(3) }),
  );
  const could = ['a TCP socket', 'a UDP socket', 'a unix socket', 'a pair', 'a shared port', 'a file'];
  for (const name of could) expect([name, found[name]]).toEqual([name, 'done']);
});

it.each(['namespaces', 'launcher'] as const)('%s: it answers who dials it, and dials nobody', async (level) => {
  const found = await attemptsOf((end) => {
    const spare = createSocketPair();
    const child = startSandboxed(altered(level), ['ignore', 'ignore', 'inherit', spare.a, spare.b, end]);
    for (const each of [spare.a, spare.b]) closeSync(each);
    return child;
  });
  const { 'a file': opened, ...others } = found;
  expect(Object.entries(others).filter(([, what]) => what !== 'EPERM')).toEqual([]);
  expect(Object.keys(others).length).toBeGreaterThanOrEqual(14);
  expect(opened).toMatch(/^E(NOENT|ACCES)$/);
});
