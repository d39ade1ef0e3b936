/** The namespaces of a wrapped server with a network: it reaches its declared ports there, which the interceptor has, and nothing else. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { sandboxCommand, startSandboxed } from '../../main/connectors/sandbox.ts';
import { ipcEnvironment } from '../../main/connectors/sandbox-options.ts';
import { whyNoNetwork } from '../../main/connectors/wrapped/server-door.ts';
import type { ServerProgram } from '../../main/connectors/wrapped/server-program.ts';
import { serverCommand } from '../../main/connectors/wrapped/server-walls.ts';
import { root, walls } from './stand/wrapped-stand.ts';

const standIn = (name: string): string => path.join(root, 'test/process/stand-ins', name);
const network = { ports: [443, 8443], hosts: ['api.example.com', 'localhost'] };
const tcp = createServer((socket) => socket.end('of this machine'));
const heard: string[] = [];
const udp = createSocket('udp4', (message) => heard.push(message.toString()));
const started: ChildProcess[] = [];
const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-doors-'));
/** With the lockdown of every host, in the interceptor's place. */
const inItsPlace = `
  import { missingProtections, removeFromReach } from './connector-host/lockdown.ts';
  const [level, order] = process.argv.slice(2);
  const missing = missingProtections(level);
  removeFromReach();
  const files = [process.permission.has('fs.read', '/etc/passwd'), process.permission.has('fs.read', '/connector')];
  const seen = { level, missing, names: Object.keys(process.env), files, ...JSON.parse(order) };
  let taken = 0;
  process.on('message', ({ listener }, server) => {
    server.on('connection', (socket) => socket.end(JSON.stringify({ ...seen, listener }) + '\\n'));
    taken += 1;
    if (taken === seen.destinations.length) process.send({ authority: 'the authority' }, () => process.disconnect());
  });`;

beforeAll(async () => {
  await build({
    ...{ stdin: { contents: inItsPlace, resolveDir: root }, bundle: true, format: 'esm', platform: 'node' },
    outfile: path.join(folder, 'interceptor.mjs'),
  });
  tcp.listen(0, '127.0.0.1');
  udp.bind(0, '127.0.0.1');
  await Promise.all([tcp, udp].map((one) => once(one, 'listening')));
});
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  tcp.close();
  udp.close();
  rmSync(folder, { recursive: true, force: true });
});

function serverOf(command: string, args: readonly string[], environment = {}): ServerProgram {
  const script = standIn('door-server.mjs');
  const files = [{ path: script, real: script, mode: 'read' as const }];
  return { command, real: command, args, environment, program: null, files, sha256: '' };
}

interface Run {
  readonly said: string;
  readonly code: number | null;
  /** When the server ended. */
  readonly interceptorLived: boolean;
}

/** Behind its walls, with a stand-in for the interceptor. */
async function run(program: (interceptor: number) => ServerProgram, ...more: string[]): Promise<Run> {
  const door = createSocketPair();
  const interceptor = spawn(
    process.execPath,
    [standIn('door-interceptor.mjs'), JSON.stringify(network.ports), ...more],
    { stdio: ['ignore', 'ignore', 'inherit', door.a], env: ipcEnvironment(3) },
  );
  const command = serverCommand({ ...program(interceptor.pid ?? 0), network }, 'namespaces', walls);
  const server = startSandboxed(command, ['ignore', 'pipe', 'inherit', door.b]);
  started.push(interceptor, server);
  for (const end of [door.a, door.b]) closeSync(end);
  let said = '';
  server.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code] = (await once(server, 'close')) as [number | null];
  const interceptorLived = interceptor.exitCode === null && interceptor.signalCode === null;
  interceptor.kill('SIGKILL');
  return { said, code, interceptorLived };
}

const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

describe('a hostile server', () => {
  let found: Record<string, unknown>;
  let interceptorLived: boolean;
  beforeAll(async () => {
    const ran = await run((interceptor) => {
      const given = { ports: network.ports, host: 'api.example.com', tcp: port(tcp), udp: port(udp), interceptor };
      return serverOf(process.execPath, [standIn('door-server.mjs'), JSON.stringify(given)], {
        API_KEY: 'placeholder',
        NODE_OPTIONS: '--max-old-space-size=100',
      });
    });
    ({ interceptorLived } = ran);
    found = JSON.parse(ran.said) as Record<string, unknown>;
  });

  it('reaches the interceptor by the name and ports of its destinations', () => {
    expect(found['declared']).toEqual(['interceptor of 443', 'interceptor of 8443']);
    expect(found['byAddress']).toBe('interceptor of 443');
    expect([found['authority'], found['places']]).toEqual(['the authority', [true, true]]);
  });

  it('has no capability, no interface, no other name and no other place', async () => {
    expect(found['capabilities']).toEqual(Array(4).fill('0000000000000000'));
    expect(found['gains']).toEqual(['1', '2']);
    expect(found['interfaces']).toEqual(['lo']);
    for (const name of found['otherNames'] as unknown[]) expect(name).toMatch(/^E(NOTFOUND|AI_AGAIN)$/);
    expect(found['otherPlaces']).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ENETUNREACH', 'ENETUNREACH']);
    // What it sent stays in there; the control comes.
    const sender = createSocket('udp4');
    sender.send('control', port(udp), '127.0.0.1');
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heard).toEqual(['control']);
    sender.close();
  });

  it('takes no port of a destination over, and sees nothing of the interceptor', () => {
    expect(found['takenOver']).toEqual(['EACCES', 'EADDRINUSE', 'EADDRINUSE', 'EACCES']);
    expect(found['ownPort']).toBe('listened');
    expect(found['interceptor']).toEqual(['ESRCH', 'ENOENT']);
    expect(interceptorLived).toBe(true);
    expect(found['processes']).toBe(2);
    expect(found['ipc']).toBe('undefined');
  });

  it('has the environment of its manifest, and changes nothing of what opened its ports', () => {
    const { API_KEY, NODE_OPTIONS, ...others } = found['environment'] as Record<string, string>;
    expect([API_KEY, NODE_OPTIONS]).toEqual(['placeholder', '--max-old-space-size=100']);
    const trust = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'];
    expect(Object.keys(others).sort()).toEqual(['HOME', 'LANG', 'PATH', 'TMPDIR', ...trust].sort());
    expect(found['changed']).toEqual(['EROFS', 'EROFS', 'EROFS', 'EROFS']);
  });
});

it('holds no descriptor but its three', async () => {
  // What its environment makes Node.js load, the program before it does not.
  const environment = { NODE_OPTIONS: '--require=/nowhere.cjs' };
  const { said } = await run(() => serverOf('/usr/bin/ls', ['/proc/self/fd'], environment));
  // The last is its own look.
  expect(said.trim().split('\n')).toEqual(['0', '1', '2', '3']);
});

it('without an interceptor there is no server', async () => {
  expect(await run(() => serverOf('/usr/bin/echo', ['it ran']))).toMatchObject({ said: 'it ran\n', code: 0 });
  expect((await run(() => serverOf('/usr/bin/echo', ['it ran']), 'gone')).said).toBe('');
});

describe.each(['namespaces', 'launcher'] as const)('an interceptor on level %s', (level) => {
  it('passes the checks of a connector, has no file, and takes the sockets', async () => {
    const host = path.join(folder, 'interceptor.mjs');
    const [door, connector, egress] = [createSocketPair(), createSocketPair(), createSocketPair()];
    const entry = { order: JSON.stringify({ destinations: network.ports }), takesSockets: true };
    const { launcher, runtime } = walls;
    const command = sandboxCommand({ entry, host, launcher, runtime, level, ends: 3 });
    const ends = [connector.b, egress.a, door.a];
    const interceptor = startSandboxed(command, ['ignore', 'ignore', 'inherit', ...ends]);
    const script = `for port in 443 8443; do exec 5<>/dev/tcp/api.example.com/$port; /usr/bin/cat <&5; done`;
    const program = { ...serverOf('/usr/bin/bash', ['-c', script]), network };
    const server = startSandboxed(serverCommand(program, 'namespaces', walls), ['ignore', 'pipe', 'inherit', door.b]);
    started.push(interceptor, server);
    for (const pair of [door, connector, egress]) for (const end of [pair.a, pair.b]) closeSync(end);
    const said = (await text(server.stdout!)).trim().split('\n');
    const seen = { missing: [], names: level === 'namespaces' ? ['PWD'] : [], files: [false, false], level };
    expect(said.map((line) => JSON.parse(line) as unknown)).toEqual(
      network.ports.map((listener) => ({ ...seen, destinations: network.ports, listener })),
    );
    interceptor.kill('SIGKILL');
  });
});

it('on the weaker level there is no network, and that is said with the mend', () => {
  expect(whyNoNetwork('tickets', 'namespaces', network)).toEqual([]);
  expect(whyNoNetwork('tickets', 'launcher', network)).toEqual([
    {
      what: 'network of tickets',
      why: expect.stringContaining('namespaces of its own') as string,
      mend: expect.stringContaining('isolation of wrapped servers') as string,
    },
  ]);
});
