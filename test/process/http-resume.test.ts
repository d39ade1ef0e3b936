/** A stream of 2025-11-25 that broke: its own client comes back to it, and nobody once somebody else may be there. */
import { Client as HandshakeClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HandshakeTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { alice, bob, echo, startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { begin, fetchOver, post } from './stand/http-client.ts';

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
const request = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

/** A call whose answer comes when it is let go. */
function held() {
  let go = (): void => undefined;
  const gone = new Promise<void>((resolve) => (go = resolve));
  stand.behaviour.onCall = async (header, stream) => {
    await gone;
    await echo(header, stream);
  };
  return { go };
}
const resumed = (headers: Record<string, string>, id: string): Promise<Response> =>
  fetchOver(socketPath)(url, { headers: { ...headers, accept: 'text/event-stream', 'last-event-id': id } });
/** The gateway knows of the change. */
const listed = (headers: Record<string, string>, count: number): Promise<unknown> =>
  vi.waitUntil(
    async () => {
      const { message } = await post({ socketPath, body: request('tools/list'), headers });
      return (message?.result?.['tools'] as unknown[]).length === count;
    },
    { timeout: 20_000 },
  );
const reports = async (): Promise<number> => (await stand.shell.request('status', {})).calls.length;

/** The id of its first event. */
async function broken(headers: Record<string, string>): Promise<string> {
  const stop = new AbortController();
  const response = await fetchOver(socketPath)(url, {
    method: 'POST',
    body: request('tools/call', call),
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    signal: stop.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  stop.abort();
  await reader.closed.catch(() => undefined);
  return /^id: (\S+)\nretry: \d+\ndata: \n\n$/.exec(value ?? '')?.[1] ?? '';
}

it('SDK 1.x comes back for the answer by itself', async () => {
  const { go } = held();
  const ways: string[] = [];
  const overSocket = fetchOver(socketPath);
  const breaking: typeof fetch = async (input, init) => {
    const isCall = typeof init?.body === 'string' && init.body.includes('tools/call');
    const isBack = new Headers(init?.headers).has('last-event-id');
    if (isBack) ways.push('came back');
    const stop = new AbortController();
    const response = await overSocket(input, isCall ? { ...init, signal: stop.signal } : init);
    if (isBack) go();
    if (!isCall) return response;
    const { value } = await response.body!.pipeThrough(new TextDecoderStream()).getReader().read();
    stop.abort();
    ways.push('broke');
    return new Response(value, { status: response.status, headers: response.headers });
  };
  const client = new HandshakeClient(who);
  await client.connect(new HandshakeTransport(url, { fetch: breaking }));
  expect((await client.callTool(call)).structuredContent).toEqual({ text: 'hi' });
  expect(ways).toEqual(['broke', 'came back']);
  await client.close();
});

it('is its own session’s', async () => {
  const { go } = held();
  const headers = await begin(socketPath);
  const id = await broken(headers);
  expect((await resumed(await begin(socketPath), id)).status).toBe(400);
  expect((await resumed({ ...headers, 'mcp-session-id': 'another' }, id)).status).toBe(404);
  const back = await resumed(headers, id);
  go();
  expect(await back.text()).toContain('"structuredContent":{"text":"hi"}');
});

it.each<[string, () => unknown, () => unknown]>([
  ['another person', () => stand.identify(bob), () => stand.identify(alice)],
  ['a sign-out', () => stand.identify(null), () => stand.identify(alice)],
  [
    'a pause',
    () => stand.shell.request('pause', { paused: true }),
    () => stand.shell.request('pause', { paused: false }),
  ],
])('after %s its answer is gone', async (_what, change, back) => {
  const { go } = held();
  const headers = await begin(socketPath);
  const before = await reports();
  const id = await broken(headers);
  go();
  await vi.waitUntil(async () => (await reports()) > before, { timeout: 20_000 });
  await change();
  await listed(headers, 0);
  expect((await resumed(headers, id)).status).toBe(400);
  await back();
  await listed(headers, 3);
});
