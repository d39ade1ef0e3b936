/** Batches, the end of a connection, and a connector that nobody restarts: raw on the socket of a real gateway. */
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { echo, startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { initialized, type Answer, type LineClient } from './stand/line-client.ts';

let stand: GatewayStand;
const clients: LineClient[] = [];
beforeAll(async () => {
  stand = await startGateway();
});
afterAll(() => stand.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.destroy();
  stand.behaviour.onCall = echo;
});

async function agent(protocolVersion?: string): Promise<LineClient> {
  const client = await initialized(stand.socketPath, protocolVersion);
  clients.push(client);
  return client;
}

const call = (client: LineClient, name: string): Promise<Answer> =>
  client.ask('tools/call', { name, arguments: { text: 'hi' } });

async function poll(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error('it never held');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('batches', () => {
  const lines = async (socket: Socket, text: string): Promise<unknown[]> => {
    const got: unknown[] = [];
    const all = createInterface({ input: socket });
    socket.write(`${text}\n{"jsonrpc":"2.0","id":"after","method":"ping"}\n`);
    for await (const line of all) {
      got.push(JSON.parse(line));
      // Both must have come: a call may end after the ping that was sent later.
      if (got.length === 2) break;
    }
    return got;
  };
  const request = (id: unknown, method = 'ping', params?: object): object => ({ jsonrpc: '2.0', id, method, params });

  it('answers the messages of a 2025-03-26 batch as one array, each by itself', async () => {
    const client = await agent('2025-03-26');
    const batch = [
      request('a', 'tools/call', { name: 'probe_echo', arguments: { text: 'hi' } }),
      request('b'),
      { jsonrpc: '2.0', method: 'notifications/nothing' },
      request('c', 'initialize', {}),
      7,
    ];
    const got = await lines(client.socket, JSON.stringify(batch));
    const answers = got.find(Array.isArray) as Answer[];
    expect(answers.find(({ id }) => id === 'a')?.result?.structuredContent).toEqual({ text: 'hi' });
    expect(answers.find(({ id }) => id === 'b')?.result).toEqual({});
    expect(answers.find(({ id }) => id === 'c')?.error?.data).toEqual({ code: 'malformed' });
    expect(answers.find(({ id }) => id === null)?.error?.data).toEqual({ code: 'malformed' });
    expect(answers).toHaveLength(4);
  });

  it('answers a batch of notifications with nothing', async () => {
    const client = await agent('2025-03-26');
    client.send([{ jsonrpc: '2.0', method: 'notifications/nothing' }]);
    await client.ask('ping');
    expect(client.received).toHaveLength(2);
  });

  it('counts each of its calls as in flight', async () => {
    stand.behaviour.onCall = () => Promise.resolve();
    const client = await agent('2025-03-26');
    const calls = (from: number, count: number): object[] =>
      Array.from({ length: count }, (_, at) =>
        request(from + at, 'tools/call', { name: 'probe_echo', arguments: { text: 'x' } }),
      );
    for (const from of [100, 200]) client.send(calls(from, 32));
    client.send(calls(300, 1)[0]);
    const got = await client.until(({ id }) => id === 300);
    expect(got.error?.data).toEqual({ code: 'too_many_requests_in_flight' });
  });

  it.each<[string, string, unknown[]]>([
    ['empty', '2025-03-26', []],
    ['too long', '2025-03-26', Array.from({ length: 33 }, (_, id) => request(id))],
    ['of 2024-11-05', '2024-11-05', [request(1)]],
    ['of 2025-06-18', '2025-06-18', [request(1)]],
  ])('refuses one that is %s', async (_what, version, batch) => {
    const client = await agent(version);
    client.send(batch);
    const got = await client.until(({ error }) => error !== undefined);
    expect(got).toMatchObject({ id: null, error: { code: -32600, data: { code: 'malformed' } } });
  });
});

describe('the end of a connection', () => {
  it('comes after the answers in flight when a program ends only its side', async () => {
    const gates: (() => void)[] = [];
    stand.behaviour.onCall = async (header, stream) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      await echo(header, stream);
    };
    const socket = connect({ path: stand.socketPath, allowHalfOpen: true });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } };
    const hello = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const text = 'x'.repeat(250_000);
    const ask = JSON.stringify({
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'probe_echo', arguments: { text } },
    });
    socket.end(`${hello}\n${ask}\n`);
    await poll(() => gates.length === 1);
    for (const open of gates) open();
    const got: Answer[] = [];
    for await (const line of createInterface({ input: socket })) got.push(JSON.parse(line) as Answer);
    expect(got.map(({ id }) => id)).toEqual([1, 2]);
    expect(got[1]?.result?.structuredContent).toEqual({ text });
  });

  it('cancels what runs when the program is gone, at once or after it ended its side', async () => {
    for (const endFirst of [false, true]) {
      const started = new Promise<void>((resolve) => {
        stand.behaviour.onCall = () => {
          resolve();
          return Promise.resolve();
        };
      });
      const client = await agent();
      client.send({
        jsonrpc: '2.0',
        id: 'x',
        method: 'tools/call',
        params: { name: 'probe_echo', arguments: { text: 'x' } },
      });
      await started;
      if (endFirst) {
        await new Promise<void>((resolve) => client.socket.end(resolve));
        await stand.shell.request('status', {});
        expect(stand.behaviour.tickets.at(-1)?.open).toBe(true);
      }
      client.socket.destroy();
      await poll(() => stand.behaviour.tickets.at(-1)?.open === false);
      expect(stand.behaviour.tickets.at(-1)?.cancelled).toBe('connector_timeout');
    }
  });
});

describe('a connector that was given up', () => {
  it('is said to be, without a time to wait, until the shell starts it again', async () => {
    const client = await agent();
    stand.connector.close();
    const tell = (state: 'starting' | 'suspended'): void => {
      stand.shell.notify('connector-state', { connector: 'probe', state });
    };
    tell('suspended');
    await poll(async () => (await call(client, 'probe_echo')).result?.structuredContent?.['retry'] === 'never');
    const { result } = await call(client, 'probe_echo');
    expect(result?.['content']).toMatchObject([{ text: expect.stringContaining('stopped after repeated failures') }]);
    expect(result?.structuredContent).not.toHaveProperty('retryAfterMs');
    tell('starting');
    await poll(async () => (await call(client, 'probe_echo')).result?.structuredContent?.['retry'] === 'after');
    await stand.attachPair();
    await poll(async () => (await call(client, 'probe_echo')).result?.isError === undefined);
  });
});
