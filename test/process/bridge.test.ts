/** The bridge as an agent starts it, against a gateway that comes and goes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './harness.ts';

type Json = Record<string, unknown>;

const entry = fileURLToPath(new URL('stand-ins/bridge-to-anyone.ts', import.meta.url));
const tools = [{ name: 'postgres_query' }];

let home: string;
let socketPath: string;
let bridge: ChildProcess;
let heard: Json[];
let server: net.Server | undefined;
let sockets: net.Socket[];
/** Every line that reached the gateway, of all connections. */
let arrived: Json[];

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'sallyport-bridge-'));
  mkdirSync(path.join(home, 'run'), { mode: 0o700 });
  socketPath = path.join(home, 'run', 'mcp.sock');
  heard = [];
  arrived = [];
  sockets = [];
});
afterEach(async () => {
  bridge.kill('SIGKILL');
  await stopGateway();
  rmSync(home, { recursive: true, force: true });
});

function startBridge(): void {
  bridge = spawn(process.execPath, [entry, 'mcp', '--agent', 'me', '--socket', socketPath], {
    env: { HOME: home },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  readline.createInterface({ input: bridge.stdout! }).on('line', (line) => heard.push(JSON.parse(line) as Json));
}

/** Answers everything but calls, as the gateway would. */
async function startGateway(mode = 0o600): Promise<void> {
  const fresh = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    readline.createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as Json;
      arrived.push(message);
      const { id, method } = message;
      if (id === undefined || method === 'tools/call') return;
      const result =
        method === 'tools/list'
          ? { tools }
          : { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'sallyport', version: '1' } };
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
    });
  });
  server = fresh;
  await new Promise<void>((resolve) => fresh.listen(socketPath, resolve));
  chmodSync(socketPath, mode);
}

async function stopGateway(): Promise<void> {
  const ending = server;
  server = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
  if (ending) await new Promise((resolve) => ending.close(resolve));
}

const say = (body: Json): void => void bridge.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', ...body })}\n`);
const answerTo = (id: unknown): Json | undefined => heard.find((message) => message['id'] === id);
const initialize = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
};
const call = (id: number): Json => ({ id, method: 'tools/call', params: { name: 'postgres_query', arguments: {} } });
const codeOf = (message: Json | undefined): unknown =>
  ((message?.['result'] as Json | undefined)?.['structuredContent'] as Json | undefined)?.['code'];
const count = (method: string): number => arrived.filter((message) => message['method'] === method).length;

test('answers at once while Sallyport is closed: its own revision, no tools yet, a coded refusal for a call', async () => {
  startBridge();
  say(initialize);
  say({ id: 1, method: 'tools/list' });
  say(call(2));
  say({ id: 3, method: 'ping' });
  say({
    id: 4,
    method: 'server/discover',
    params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
  });
  say({ id: 5, method: 'sampling/createMessage' });
  await eventually(() => heard.length === 6);
  expect(answerTo(0)).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
  expect(answerTo(1)).toMatchObject({ result: { tools: [] } });
  expect(codeOf(answerTo(2))).toBe('not_signed_in');
  expect(answerTo(3)).toMatchObject({ result: {} });
  expect(answerTo(4)).toMatchObject({
    result: { resultType: 'complete', supportedVersions: expect.arrayContaining(['2026-07-28']) },
  });
  expect(answerTo(5)).toMatchObject({ error: { code: -32601, data: { code: 'unknown_method' } } });
});

test('says who started it, passes lines unchanged, and makes the handshake again after an end', async () => {
  await startGateway();
  startBridge();
  say(initialize);
  say({ method: 'notifications/initialized' });
  say({ id: 1, method: 'tools/list' });
  await eventually(() => answerTo(1) !== undefined);
  expect(arrived[0]).toEqual({ jsonrpc: '2.0', method: 'notifications/sallyport/agent', params: { agent: 'me' } });
  expect(arrived[1]).toEqual({ jsonrpc: '2.0', ...initialize });
  await stopGateway();
  // The list of before, from the cache.
  await eventually(() => {
    say({ id: 2, method: 'tools/list' });
    return answerTo(2) !== undefined;
  });
  expect(answerTo(2)).toMatchObject({ result: { tools } });
  await startGateway();
  await eventually(() => heard.some(({ method }) => method === 'notifications/tools/list_changed'));
  expect(count('initialize')).toBe(2);
  expect(heard.filter(({ id }) => typeof id === 'string')).toEqual([]);
  say({ id: 3, method: 'tools/list' });
  await eventually(() => answerTo(3) !== undefined);
});

test('a call in flight when Sallyport ends is answered once with a code and never sent again', async () => {
  await startGateway();
  startBridge();
  say(initialize);
  say(call(1));
  await eventually(() => count('tools/call') === 1);
  await stopGateway();
  await eventually(() => answerTo(1) !== undefined);
  expect(codeOf(answerTo(1))).toBe('connector_failed');
  await startGateway();
  await eventually(() => count('initialize') === 2);
  say({ id: 2, method: 'ping' });
  await eventually(() => answerTo(2) !== undefined);
  expect(count('tools/call')).toBe(1);
  expect(heard.filter(({ id }) => id === 1)).toHaveLength(1);
});

test('says nothing to a socket that others may open, or in a folder that others may enter', async () => {
  await startGateway(0o666);
  startBridge();
  say(call(1));
  await eventually(() => answerTo(1) !== undefined);
  expect(codeOf(answerTo(1))).toBe('not_signed_in');
  chmodSync(socketPath, 0o600);
  chmodSync(path.dirname(socketPath), 0o755);
  say(call(2));
  await eventually(() => answerTo(2) !== undefined);
  expect(arrived).toEqual([]);
});

test('large lines pass whole in both directions', async () => {
  await startGateway();
  startBridge();
  const text = 'ä'.repeat(1_000_000);
  say({ id: 1, method: 'echo', params: { text } });
  await eventually(() => answerTo(1) !== undefined);
  expect(arrived.at(-1)).toMatchObject({ params: { text } });
  sockets.at(-1)?.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { text } })}\n`);
  await eventually(() => heard.some(({ method }) => method === 'notifications/message'));
  expect(heard.at(-1)).toMatchObject({ params: { text } });
});

test('ends with its agent, after the last answer', async () => {
  await startGateway();
  startBridge();
  const ended = new Promise<number | null>((resolve) => bridge.once('exit', resolve));
  say(initialize);
  bridge.stdin!.end();
  expect(await ended).toBe(0);
  await eventually(() => answerTo(0) !== undefined);
});
