/** A server, the program that opens its ports, and the interceptor, behind their real walls; the test tells which call runs, and is egress. */
import { closeSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import readline from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { startSandboxed } from '../../main/connectors/sandbox.ts';
import { createInterceptorStarter } from '../../main/connectors/wrapped/interceptor-process.ts';
import { networkOf, type InterceptedDestination } from '../../main/connectors/wrapped/intercepted.ts';
import { serverCommand } from '../../main/connectors/wrapped/server-walls.ts';
import type { ByteStream, Channel } from '../../main/contract/channel.ts';
import { connectorEgress, connectorInterceptor } from '../../main/contract/channels.ts';
import { hostExitCodes } from '../../main/contract/connector-process.ts';
import { root, walls } from './stand/wrapped-stand.ts';

const destinations: readonly InterceptedDestination[] = [
  { name: 'api', host: 'api.example.com', port: 443, header: 'authorization', placeholder: 'the-placeholder' },
  { name: 'keyed', host: 'keyed.example.com', port: 443, header: 'x-key', placeholder: 'the-other-one' },
  { name: 'open', host: 'api.example.com', port: 8443, header: null },
];
const interceptHost = path.join(root, 'dist/connector-host/intercept.mjs');
const script = path.join(root, 'test/process/stand-ins/asking-server.mjs');
const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };

interface Arrived {
  readonly destination: string;
  readonly ticket: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const arrived: Arrived[] = [];
let interceptor: ChildProcess;
let server: ChildProcess;
let connector: Channel<(typeof connectorInterceptor)['a']>;
let lines: AsyncIterator<string>;

/** In egress's place: whole answers, but for `/never`. */
async function answer(header: Omit<Arrived, 'body'>, stream: ByteStream): Promise<void> {
  let body = '';
  for await (const piece of stream) body += Buffer.from(piece).toString();
  arrived.push({ ...header, body });
  if (header.path === '/refused') {
    stream.reset('destination_not_allowed');
    return;
  }
  const head = Buffer.from(JSON.stringify({ status: 200, headers: [['content-type', 'text/plain']] }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  await stream.write(Buffer.concat([length, head, Buffer.from(`answer of ${header.destination}`)]));
  if (header.path !== '/never') stream.end();
}

beforeAll(() => {
  const [door, told, egress] = [createSocketPair(), createSocketPair(), createSocketPair()];
  const { runtime, launcher } = walls;
  const start = createInterceptorStarter({
    runtime,
    launcher,
    host: interceptHost,
  });
  interceptor = start(destinations, { connector: told.b, egress: egress.a, door: door.a }).process;
  const files = [{ path: script, real: script, mode: 'read' as const }];
  const about = { command: process.execPath, real: process.execPath, args: [script], files, environment: {} };
  const network = networkOf(destinations);
  if (network === undefined) throw new Error('no destination');
  const command = serverCommand({ ...about, program: null, sha256: '', network }, 'namespaces', walls);
  server = startSandboxed(command, ['pipe', 'pipe', 'inherit', door.b]);
  for (const end of [door.a, door.b, told.b, egress.a]) closeSync(end);
  connector = channelOverFd({ fd: told.a, contract: connectorInterceptor, side: 'a', handlers: nothing });
  const streams = {
    connect: (_: unknown, stream: ByteStream) => stream.reset('destination_not_allowed'),
    request: (header: Omit<Arrived, 'body'>, stream: ByteStream) => void answer(header, stream).catch(() => undefined),
  };
  channelOverFd({ fd: egress.b, contract: connectorEgress, side: 'b', handlers: { ...nothing, streams } });
  lines = readline.createInterface({ input: server.stdout! })[Symbol.asyncIterator]();
});
afterAll(() => {
  for (const child of [server, interceptor]) child.kill('SIGKILL');
});

const call = async (): Promise<string> => {
  const ticket = randomBytes(32).toString('base64url');
  await connector.request('call', { ticket, callId: randomUUID() });
  return ticket;
};
const none = (): Promise<unknown> => connector.request('call', { ticket: null, callId: null });
/** One at a time. */
async function ask(given: Record<string, unknown>): Promise<Record<string, unknown>> {
  server.stdin?.write(`${JSON.stringify(given)}\n`);
  const { value } = (await lines.next()) as { value: string };
  return JSON.parse(value) as Record<string, unknown>;
}
const api = 'https://api.example.com';

describe('a request', () => {
  it('outside a call is answered, and goes nowhere', async () => {
    expect(await ask({ url: `${api}/v1` })).toMatchObject({
      status: 503,
      text: expect.stringContaining('No call runs') as string,
    });
    expect(arrived).toEqual([]);
  });

  it('in a call goes to its destination under the ticket, without the placeholder', async () => {
    const ticket = await call();
    const headers = { authorization: 'Bearer the-placeholder', 'x-own': 'kept' };
    expect(await ask({ url: `${api}/v1?a=b`, headers, method: 'POST', body: 'what is sent' })).toMatchObject({
      status: 200,
      text: 'answer of api',
    });
    const [seen] = arrived.splice(0);
    expect(seen).toMatchObject({ destination: 'api', ticket, method: 'POST', path: '/v1?a=b', body: 'what is sent' });
    const names = seen?.headers.map(([name]) => name);
    expect(names).toContain('x-own');
    for (const name of [
      'authorization',
      'host',
      'connection',
      'accept-encoding',
      'content-length',
      'transfer-encoding',
    ])
      expect(names).not.toContain(name);
  });

  it.each([
    [
      'of another name on the same port',
      { url: 'https://keyed.example.com/', headers: { 'x-key': 'the-other-one' } },
      'keyed',
    ],
    ['on another port', { url: 'https://api.example.com:8443/' }, 'open'],
    ['without a credential', { url: `${api}/` }, 'api'],
  ])('%s goes to that one', async (_, given, name) => {
    expect(await ask(given)).toMatchObject({ status: 200, text: `answer of ${name}` });
    arrived.splice(0);
  });

  it.each([
    ['with a credential of its own', `${api}/`, { authorization: 'Bearer of-its-own' }],
    ['with a placeholder of another destination', `${api}/`, { authorization: 'the-other-one' }],
    ['with more than the placeholder', `${api}/`, { authorization: 'Bearer the-placeholder more' }],
  ])('%s is refused, and goes nowhere', async (_, url, headers) => {
    expect(await ask({ url, headers })).toMatchObject({ status: 403 });
    expect(arrived).toEqual([]);
  });

  it('that egress refuses is answered with its code', async () => {
    expect(await ask({ url: `${api}/refused` })).toMatchObject({ status: 403 });
    arrived.splice(0);
  });

  it.each([
    ['in plain HTTP', { url: 'http://api.example.com:8443/' }],
    ['under a name that is no destination', { url: api, servername: 'other.example.com' }],
    ['under no name', { url: api, servername: '' }],
  ])('%s ends', async (_, given) => {
    expect(await ask(given)).toHaveProperty('failed');
    expect(arrived).toEqual([]);
  });

  it('under one name that asks for another in its head is refused', async () => {
    const given = { url: api, servername: 'api.example.com', headers: { host: 'keyed.example.com' } };
    expect(await ask(given)).toMatchObject({ status: 400 });
    expect(arrived).toEqual([]);
  });

  it('that still runs ends with its call, and the next is answered', async () => {
    await call();
    const running = ask({ url: `${api}/never` });
    while (arrived.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await none();
    expect(await running).toHaveProperty('failed');
    await call();
    expect(await ask({ url: `${api}/` })).toMatchObject({ status: 200 });
  });
});

it('where the server has no network it still says that a call holds, and ends with its channels', async () => {
  const [told, egress] = [createSocketPair(), createSocketPair()];
  const { runtime, launcher } = walls;
  const start = createInterceptorStarter({ runtime, launcher, host: interceptHost });
  const { process: idle } = start(destinations, { connector: told.b, egress: egress.a });
  for (const end of [told.b, egress.a]) closeSync(end);
  const ended = new Promise((resolve) => idle.once('exit', resolve));
  const own = channelOverFd({ fd: told.a, contract: connectorInterceptor, side: 'a', handlers: nothing });
  expect(await own.request('call', { ticket: null, callId: null })).toEqual({});
  closeSync(egress.b);
  expect(await ended).toBe(hostExitCodes.channelGone);
});
