/** Many connections, many long lines, many refusals: what they cost stays with the program that causes them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { connectLines, initialized, type Answer, type LineClient } from './stand/line-client.ts';

let stand: GatewayStand;
const neighbours: ChildProcess[] = [];
const clients: LineClient[] = [];
beforeAll(async () => {
  stand = await startGateway();
});
afterAll(() => stand.stop());
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const neighbour of neighbours.splice(0)) neighbour.kill();
  const deadline = Date.now() + 10_000;
  while ((await stand.shell.request('status', {})).agents.length > 0 && Date.now() < deadline);
});

async function open(count: number): Promise<LineClient[]> {
  const opened = await Promise.all(Array.from({ length: count }, () => connectLines(stand.socketPath)));
  clients.push(...opened);
  return opened;
}

/** Another process, which sends `text` on each of `count` connections and tells every line that it gets. */
async function neighbour(count: number, text: string): Promise<AsyncIterator<string>> {
  const source = `let text = '';
    process.stdin.on('data', (piece) => (text += piece)).once('end', () => {
      for (let at = 0; at < ${count}; at += 1)
        require('node:net').connect(process.argv[1]).on('data', (got) => process.stdout.write(got)).write(text);
    });`;
  const child = spawn(process.execPath, ['-e', source, stand.socketPath], { stdio: ['pipe', 'pipe', 'inherit'] });
  neighbours.push(child);
  child.stdin.end(text);
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

const ping = (more = ''): string => `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"${more}"}}\n`;
const read = async (lines: AsyncIterator<string>): Promise<Answer> =>
  JSON.parse(String((await lines.next()).value)) as Answer;

it('refuses a program’s 17th connection with a code, and still serves another program', async () => {
  const all = await open(17);
  // Those in place answer; the one too many is told why.
  const told = await Promise.race(all.map((client) => client.until(({ error }) => error !== undefined)));
  expect(told).toMatchObject({ id: null, error: { data: { code: 'too_many_requests_in_flight' } } });
  const left = all.filter(({ received }) => received.length === 0);
  expect(left).toHaveLength(16);
  for (const client of left) expect(await client.ask('ping')).toMatchObject({ result: {} });
  expect(await read(await neighbour(1, ping()))).toMatchObject({ result: {} });
});

it('ends a connection that says nothing, with a code', async () => {
  const [silent, talking] = await open(2);
  await talking!.ask('ping');
  await silent!.closed;
  expect(silent!.received).toMatchObject([{ id: null, error: { data: { code: 'too_many_requests_in_flight' } } }]);
  expect(await talking!.ask('ping')).toMatchObject({ result: {} });
}, 30_000);

it('gives a neighbour room for a long line while a program holds half lines open', async () => {
  for (const { socket } of await open(8)) socket.write('x'.repeat(70_000));
  expect(await read(await neighbour(1, ping('x'.repeat(200_000))))).toMatchObject({ id: 1, result: {} });
});

it('lets long lines of one program wait for each other instead of refusing them', async () => {
  const all = await open(8);
  const asked = all.map(async (client) => {
    client.send(ping('x'.repeat(3_000_000)));
    return client.until(() => true);
  });
  for (const got of await Promise.all(asked)) expect(got).toMatchObject({ id: 1, result: {} });
});

it('counts refusals beyond a rate instead of writing each', async () => {
  stand.identify(null);
  const client = await initialized(stand.socketPath);
  clients.push(client);
  const before = stand.auditRecords().length;
  const sent = 5000;
  const refuse = `{"jsonrpc":"2.0","id":"n","method":"tools/call","params":{"name":"nope","arguments":{}}}\n`;
  for (let at = 0; at < sent; at += 50) {
    client.send(
      refuse.replace('"n"', `"${at}"`) +
        Array.from({ length: 49 }, (_, of) => refuse.replace('"n"', `"${at}-${of}"`)).join(''),
    );
    await client.ask('ping');
  }
  const written = () => stand.auditRecords().slice(before);
  const counted = (): number =>
    written().reduce((sum, record) => {
      if (record.event === 'refusals-folded') return sum + record.count;
      return sum + (record.event === 'call-outcome' ? 1 : 0);
    }, 0);
  const deadline = Date.now() + 10_000;
  while (counted() < sent && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(counted()).toBe(sent);
  expect(written().length).toBeLessThan(sent / 4);
  expect(written().find(({ event }) => event === 'refusals-folded')).toMatchObject({
    code: 'not_signed_in',
    person: null,
  });
}, 60_000);
