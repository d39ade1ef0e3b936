/** MCP over HTTP on the socket: official clients unchanged, both eras, and what a hostile program may try. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import {
  StreamableHTTPClientTransport as StatelessTransport,
  Client as StatelessClient,
} from '@modelcontextprotocol/client';
import { Client as HandshakeClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HandshakeTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { alice } from '../samples/pipeline.ts';
import { answer, echo, startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { begin, fetchOver, post, stateless } from './stand/http-client.ts';

let stand: GatewayStand;
let socketPath: string;
beforeAll(async () => {
  stand = await startGateway();
  ({ socketPath } = stand);
});
afterEach(() => {
  stand.behaviour.onCall = echo;
});
afterAll(() => stand.stop());

const url = new URL('http://localhost/mcp');
const who = { name: 'sdk-test', version: '1.0.0' };
const call = { name: 'probe_echo', arguments: { text: 'hi' } };
const request = (method: string, params: object = {}, id = 1): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

describe('official clients, unchanged', () => {
  it('SDK 1.x: a session with its stream', async () => {
    const transport = new HandshakeTransport(url, { fetch: fetchOver(socketPath) });
    const client = new HandshakeClient(who);
    const changed = vi.fn();
    await client.connect(transport);
    client.setNotificationHandler(
      (await import('@modelcontextprotocol/sdk/types.js')).ToolListChangedNotificationSchema,
      changed,
    );
    expect(transport.sessionId).toMatch(/^[\w-]{43}$/);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([
      'probe_echo',
      'probe_write',
      'probe_hasty',
    ]);
    expect((await client.callTool(call)).structuredContent).toEqual({ text: 'hi' });
    const refused = await client.callTool({ name: 'probe_echo', arguments: { text: 'hi', more: 1 } });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: 'invalid_arguments' } });
    stand.identify(null);
    await vi.waitUntil(() => changed.mock.calls.length > 0, { timeout: 20_000 });
    stand.identify(alice);
    await transport.terminateSession();
    await client.close();
  });

  it('SDK 2.x: each request alone', async () => {
    const transport = new StatelessTransport(url, { fetch: fetchOver(socketPath) });
    const client = new StatelessClient(who, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(transport);
    await vi.waitUntil(async () => (await client.listTools()).tools.length === 3, { timeout: 20_000 });
    expect((await client.callTool(call)).structuredContent).toEqual({ text: 'hi' });
    const refused = await client.callTool({ name: 'probe_echo', arguments: {} });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: 'invalid_arguments' } });
    await client.close();
  });
});

describe('2026-07-28', () => {
  it('tells who listens that the tools changed, on that response, and nobody else', async () => {
    const { body, headers } = stateless('subscriptions/listen', { notifications: { toolsListChanged: true } }, 'l');
    const stop = new AbortController();
    const response = await fetchOver(socketPath)(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream, application/json' },
      signal: stop.signal,
    });
    const got: string[] = [];
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const read = async (): Promise<void> => {
      got.push((await reader.read()).value ?? '');
    };
    await read();
    expect(got.join('')).toContain('notifications/subscriptions/acknowledged');
    stand.identify(null);
    await read();
    expect(got.join('')).toContain('notifications/tools/list_changed');
    stand.identify(alice);
    stop.abort();
    await reader.closed.catch(() => undefined);
  });

  it('a response that is closed cancels its call', async () => {
    let reached = (): void => undefined;
    const running = new Promise<void>((resolve) => (reached = resolve));
    stand.behaviour.onCall = () => {
      reached();
      return new Promise(() => undefined);
    };
    const { body, headers } = stateless('tools/call', call);
    const sent = http.request({
      socketPath,
      path: '/mcp',
      method: 'POST',
      headers: { ...headers, host: 'localhost', 'content-type': 'application/json' },
    });
    sent.on('error', () => undefined);
    sent.end(body);
    await running;
    sent.destroy();
    await vi.waitUntil(() => stand.behaviour.tickets.at(-1)?.open === false, { timeout: 20_000 });
    expect(stand.behaviour.tickets.at(-1)).toMatchObject({ cancelled: 'connector_timeout' });
  });

  const discover = stateless('server/discover');
  const withHeader = (sent: Refused['sent'], name: string, value: string): Refused['sent'] => ({
    ...sent,
    headers: { ...sent.headers, [name]: value },
  });
  interface Refused {
    readonly sent: { readonly body: string; readonly headers: Record<string, string> };
    readonly code: number;
    readonly status?: number;
  }
  it.each<[string, Refused]>([
    ['no _meta', { sent: { body: request('server/discover'), headers: discover.headers }, code: -32602 }],
    ['a header of another version', { sent: withHeader(discover, 'mcp-protocol-version', '2027-01-01'), code: -32020 }],
    ['no version header', { sent: { ...discover, headers: { 'mcp-method': 'server/discover' } }, code: -32020 }],
    ['a header of another method', { sent: withHeader(discover, 'mcp-method', 'tools/list'), code: -32020 }],
    [
      'a header of another tool',
      { sent: withHeader(stateless('tools/call', call), 'mcp-name', 'probe_secret'), code: -32020 },
    ],
    ['an unknown method', { sent: stateless('unknown/method'), code: -32601, status: 404 }],
    ['a method of the other era', { sent: stateless('ping'), code: -32601, status: 404 }],
    ['a batch', { sent: { body: `[${discover.body}]`, headers: discover.headers }, code: -32600 }],
  ])('%s is refused with its status and the id', async (_what, { sent, code, status = 400 }) => {
    const got = await post({ socketPath, ...sent });
    expect(got.status).toBe(status);
    expect(got.message).toMatchObject({ id: code === -32600 ? null : 1, error: { code } });
  });

  it('an encoded name counts as what it says', async () => {
    const { body, headers } = stateless('tools/call', call);
    const name = `=?base64?${Buffer.from(call.name).toString('base64')}?=`;
    expect((await post({ socketPath, body, headers: { ...headers, 'mcp-name': name } })).status).toBe(200);
  });
});

describe('2025', () => {
  it('answers a batch of 2025-03-26 in one, and refuses it in later revisions', async () => {
    const batch = `[${request('ping', {}, 1)},${request('tools/list', {}, 2)}]`;
    const old = await post({ socketPath, body: batch, headers: await begin(socketPath, '2025-03-26') });
    expect(old.message).toHaveLength(2);
    const later = await post({ socketPath, body: batch, headers: await begin(socketPath) });
    expect(later.message).toMatchObject({ error: { code: -32600 } });
  });

  it('needs the session, and ends it when asked', async () => {
    const body = request('tools/list');
    expect((await post({ socketPath, body })).status).toBe(400);
    const headers = await begin(socketPath);
    expect((await post({ socketPath, body, headers })).message).toHaveProperty('result.tools');
    expect((await post({ socketPath, body: '', headers, method: 'DELETE' })).status).toBe(204);
    expect((await post({ socketPath, body, headers })).status).toBe(404);
  });

  it('a session that another process shows does not exist', async () => {
    const headers = await begin(socketPath);
    const script = `
      const http = require('node:http');
      const headers = JSON.parse(process.argv[2]);
      const sent = http.request({ socketPath: process.argv[1], path: '/mcp', method: 'POST',
        headers: { ...headers, host: 'localhost', 'content-type': 'application/json' } },
        (response) => { console.log(response.statusCode); response.resume(); });
      sent.end('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');`;
    const thief = spawn(process.execPath, ['-e', script, socketPath, JSON.stringify(headers)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const text of thief.stdout) said += String(text);
    expect(said.trim()).toBe('404');
    expect((await post({ socketPath, body: request('ping'), headers })).status).toBe(200);
  });

  it('the seventeenth session of a process ends its longest unused one', async () => {
    const sessions: Record<string, string>[] = [];
    for (let count = 0; count < 17; count += 1) sessions.push(await begin(socketPath));
    const statuses = [];
    for (const headers of sessions) statuses.push((await post({ socketPath, body: request('ping'), headers })).status);
    expect(statuses[0]).toBe(404);
    expect(statuses.slice(1)).toEqual(Array.from({ length: 16 }, () => 200));
    for (const headers of sessions) await post({ socketPath, body: '', headers, method: 'DELETE' });
  });

  it('an initialize that fails leaves no session', async () => {
    const before = (await stand.shell.request('status', {})).agents.length;
    const got = await post({ socketPath, body: request('initialize', { protocolVersion: 1 }) });
    expect(got.message).toMatchObject({ error: { code: -32602 } });
    expect((await stand.shell.request('status', {})).agents).toHaveLength(before);
  });

  it('a session that ends, ends its stream', async () => {
    const headers = await begin(socketPath);
    const stream = await fetchOver(socketPath)(url, { headers: { ...headers, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    expect((await post({ socketPath, body: '', headers, method: 'DELETE' })).status).toBe(204);
    expect(await stream.text()).toBe('');
  });
});

describe('connections', () => {
  /** VS Code has an HTTP agent of its own for each request to a `unix:` URL, and leaves its connection open. */
  const agents: http.Agent[] = [];
  const ask = (): Promise<{ status: number; text: string }> => {
    const agent = new http.Agent({ keepAlive: true });
    agents.push(agent);
    const { body, headers } = stateless('tools/call', call);
    return new Promise((resolve, reject) => {
      const sent = http.request(
        {
          socketPath,
          agent,
          path: '/mcp',
          method: 'POST',
          headers: { ...headers, host: 'localhost', 'content-type': 'application/json' },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      sent.once('error', reject).end(body);
    });
  };
  afterEach(() => {
    for (const agent of agents.splice(0)) agent.destroy();
  });

  it('close with the answer: none is left over to be counted', async () => {
    for (let count = 0; count < 40; count += 1) expect((await ask()).status).toBe(200);
  });

  it('of one process are limited while they are in use, and the others are told so in HTTP', async () => {
    const gates: (() => void)[] = [];
    stand.behaviour.onCall = async (header, stream) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      await echo(header, stream);
    };
    const asked = Array.from({ length: 20 }, () => ask());
    const refused: { status: number; text: string }[] = [];
    for (const each of asked) void each.then((got) => got.status === 200 || refused.push(got));
    await vi.waitUntil(() => gates.length === 16 && refused.length === 4, { timeout: 20_000 });
    for (const each of refused) {
      expect(each.status).toBe(503);
      expect(JSON.parse(each.text)).toMatchObject({ error: { data: { code: 'too_many_requests_in_flight' } } });
    }
    for (const open of gates) open();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(16);
  });

  it('take one request: a second one ends them', async () => {
    const reached = vi.fn();
    stand.behaviour.onCall = () => {
      reached();
      return new Promise(() => undefined);
    };
    const { body, headers } = stateless('tools/call', call);
    const head = Object.entries({ ...headers, host: 'localhost', 'content-type': 'application/json' })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    const one = `POST /mcp HTTP/1.1\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const socket = net.connect(socketPath);
    socket.write(one);
    await vi.waitUntil(() => reached.mock.calls.length === 1, { timeout: 20_000 });
    socket.on('error', () => undefined).write(one);
    await new Promise((resolve) => socket.once('close', resolve).resume());
    await vi.waitUntil(() => stand.behaviour.tickets.at(-1)?.open === false, { timeout: 20_000 });
    expect(reached).toHaveBeenCalledTimes(1);
  });
});

describe('what is refused before it is read', () => {
  it.each([
    ['a foreign host', { host: 'evil.example.com' }, 403],
    ['a host that only begins well', { host: 'localhost.evil.example' }, 403],
    ['a foreign origin', { host: 'localhost', origin: 'http://evil.example.com' }, 403],
    ['an origin with a user', { host: 'localhost', origin: 'http://localhost@evil.example' }, 403],
    ['a null origin', { host: 'localhost', origin: 'null' }, 403],
    ['another type', { host: 'localhost', 'content-type': 'text/plain' }, 415],
    ['a body without its length', { host: 'localhost', 'transfer-encoding': 'chunked' }, 411],
    ['a client that takes neither', { host: 'localhost', accept: 'text/html' }, 406],
  ])('%s', async (_what, headers, status) => {
    const { body, headers: standard } = stateless('tools/call', call);
    const tickets = stand.behaviour.tickets.length;
    expect((await post({ socketPath, body, headers: { ...standard, ...headers } })).status).toBe(status);
    expect(stand.behaviour.tickets).toHaveLength(tickets);
  });

  it.each(['localhost', 'localhost:3000', '127.0.0.1', '[::1]:8080'])('%s is this machine', async (host) => {
    const { body, headers } = stateless('tools/list');
    expect((await post({ socketPath, body, headers: { ...headers, host, origin: `http://${host}` } })).status).toBe(
      200,
    );
  });

  it.each([
    ['bad JSON', '{"jsonrpc":', [400, 'malformed']],
    ['a duplicate member', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', [400, 'malformed']],
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), [400, 'invalid_utf8']],
    ['more than 4 MiB', Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), [413, 'frame_too_large']],
    ['nothing', '', [400, 'malformed']],
  ])('%s', async (_what, body, expected) => {
    const got = await post({ socketPath, body });
    expect([got.status, got.message?.error?.data?.['code']]).toEqual(expected);
  });

  it('another path, another method, another protocol', async () => {
    expect((await post({ socketPath, body: '{}', path: '/' })).status).toBe(404);
    expect((await post({ socketPath, body: '', method: 'PUT' })).status).toBe(405);
    const socket = net.connect(socketPath);
    socket.write('GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
  });

  it('a body that never ends is ended, and its neighbour is served meanwhile', async () => {
    const { headers } = stateless('tools/list');
    const slow = http.request({
      socketPath,
      path: '/mcp',
      method: 'POST',
      headers: { ...headers, host: 'localhost', 'content-type': 'application/json', 'content-length': 1000 },
    });
    const status = new Promise((resolve) =>
      slow.once('response', (response) => resolve(response.statusCode)).once('error', resolve),
    );
    slow.write('{');
    const list = stateless('tools/list');
    expect((await post({ socketPath, ...list })).status).toBe(200);
    expect(await status).toBe(408);
    slow.destroy();
  });
});

describe('bodies', () => {
  /** Sent piece by piece; says in the end whether the answer repeats its text. */
  function begun(bytes: number) {
    // Letters alone: a few hundred thousand characters of base64 now and then hold what has the form of a credential.
    const text = Buffer.from(randomBytes(Math.ceil((bytes * 4) / 3)).map((byte) => 97 + (byte & 15))).toString(
      'latin1',
    );
    const { body, headers } = stateless('tools/call', { name: 'probe_echo', arguments: { text } });
    const sent = http.request({
      socketPath,
      path: '/mcp',
      method: 'POST',
      agent: false,
      headers: { ...headers, host: 'localhost', 'content-type': 'application/json', 'content-length': body.length },
    });
    const repeated = new Promise<boolean>((resolve, reject) => {
      sent.once('error', reject).once('response', (response) => {
        let got = '';
        response.setEncoding('utf8').on('data', (piece: string) => (got += piece));
        response.once('end', () => resolve(got.includes(text)));
      });
    });
    let at = 0;
    return {
      repeated,
      write(count: number): boolean {
        sent.write(body.slice(at, at + count));
        at += count;
        return at < body.length;
      },
    };
  }
  /** The gateway has read what was sent before. */
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 2; turn += 1) await post({ socketPath, ...stateless('tools/list') });
  };

  it('arrive as they were sent, however they are cut', async () => {
    const sizes = [10, 5_000, 66_000, 130_000, 190_000, 170_000, 150_000, 70_000, 20, 3_000];
    const asked = sizes.map(async (size, at) => {
      const body = begun(size);
      for (let piece = 1; body.write(piece); piece = Math.min(piece * (at + 2), 50_000))
        await new Promise((resolve) => setImmediate(resolve));
      return body.repeated;
    });
    expect(await Promise.all(asked)).toEqual(sizes.map(() => true));
  });

  it('arrive as they were sent after they waited for the one block of their process', async () => {
    const [holder, waiting] = [begun(190_000), begun(190_000)];
    holder.write(100_000);
    await turns();
    for (let more = true; more;) {
      more = waiting.write(40_000);
      await turns();
    }
    while (holder.write(50_000));
    expect([await holder.repeated, await waiting.repeated]).toEqual([true, true]);
  });
});

it('large answers reach a slow reader whole', async () => {
  const text = 'x'.repeat(900_000);
  stand.behaviour.onCall = (_header, stream) => answer(stream, { ok: true, value: { text } });
  const got = await post({ socketPath, ...stateless('tools/call', call) });
  expect(got.message?.result?.structuredContent).toEqual({ text });
});
