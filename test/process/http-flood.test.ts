/** Hostile bodies over HTTP: what they cost is bounded, and a neighbour goes on. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { initialized } from './stand/line-client.ts';

let stand: GatewayStand;
beforeAll(async () => {
  stand = await startGateway();
});
afterAll(() => stand.stop());

const MiB = 1024 * 1024;
const text = { name: 'probe_echo', arguments: { text: 'hi' } };

/** Each is read whole before it is refused or does nothing. */
const bodies: Readonly<Record<string, Buffer>> = {
  malformed: Buffer.from(`{"jsonrpc":"2.0","id":1,"a":"${'a'.repeat(4000)}",}`),
  'of the maximum size': Buffer.alloc(4 * MiB, 'x'),
  'invalid UTF-8': Buffer.alloc(60_000, 0xff),
  'deep nesting': Buffer.from('[{"a":'.repeat(10_000)),
  random: randomBytes(200_000),
  'large and useless': Buffer.from(`{"jsonrpc":"2.0","method":"x","params":{"a":"${'é'.repeat(1_500_000)}"}}`),
  'many members': Buffer.from(
    `{"jsonrpc":"2.0","method":"x","params":{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":${at}`).join(',')}}}`,
  ),
};

function send(body: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const headers = { host: 'localhost', 'content-type': 'application/json', 'content-length': body.length };
    const { socketPath } = stand;
    const request = http.request({ socketPath, path: '/mcp', method: 'POST', agent: false, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', () => resolve(0));
    });
    request.once('error', () => resolve(0)).end(body);
  });
}

/** Resident bytes (proc_pid_statm(5)). */
const resident = (): number => Number(readFileSync(`/proc/${stand.child.pid ?? 0}/statm`, 'utf8').split(' ')[1]) * 4096;

it('200 calls of a neighbour succeed while 192 MiB of bodies come in, memory stays', async () => {
  const neighbour = await initialized(stand.socketPath);
  for (let warm = 0; warm < 200; warm += 1) await neighbour.ask('tools/call', text);
  const before = resident();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, resident())), 20);
  const kinds = Object.values(bodies);
  const share = (192 * MiB) / kinds.length;
  const flooding = Promise.all(
    kinds.map(async (body) => {
      const statuses = new Set<number>();
      for (let sent = 0; sent < share; sent += body.length) statuses.add(await send(body));
      return statuses;
    }),
  );
  let succeeded = 0;
  for (let turn = 0; turn < 200; turn += 1) {
    const got = await neighbour.ask('tools/call', text);
    if (got.result?.structuredContent?.['text'] === 'hi') succeeded += 1;
    // Spread over the flood.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const statuses = new Set((await flooding).flatMap((each) => [...each]));
  clearInterval(watch);
  expect(succeeded).toBe(200);
  // 503: sixteen connections are fewer than are open for a moment; 0: refused while it was still being sent.
  expect([...statuses].filter((status) => ![400, 503, 0].includes(status))).toEqual([]);
  process.stdout.write(`resident before ${before / MiB} MiB, highest ${highest / MiB} MiB\n`);
  expect(highest - before).toBeLessThan(64 * MiB);
}, 240_000);

it('bodies that never end hold one block of their process, and each is ended', async () => {
  const before = resident();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, resident())), 20);
  const unended = Array.from({ length: 12 }, async () => {
    const headers = { host: 'localhost', 'content-type': 'application/json', 'content-length': 4 * MiB };
    const { socketPath } = stand;
    const request = http.request({ socketPath, path: '/mcp', method: 'POST', agent: false, headers });
    request.write(Buffer.alloc(4 * MiB - 1, 'x'));
    return new Promise((resolve) => {
      request.once('response', (response) => resolve(response.resume().statusCode));
      request.once('error', () => resolve(0));
    });
  });
  const neighbour = await initialized(stand.socketPath);
  expect(await neighbour.ask('tools/call', text)).toMatchObject({ result: { structuredContent: { text: 'hi' } } });
  const statuses = await Promise.all(unended);
  clearInterval(watch);
  expect(new Set(statuses)).toEqual(new Set([408, 503]));
  process.stdout.write(`resident before ${before / MiB} MiB, highest ${highest / MiB} MiB\n`);
  expect(highest - before).toBeLessThan(48 * MiB);
}, 60_000);
