/**
 * What egress costs: a warm request of a sandboxed connector to an HTTPS API, `SELECT 1` on an open connection, a whole call (connect, SELECT 1, end), and a large result, through a
 * real egress process and directly over the same TLS, in one run, alternating. Prints one JSON object.
 */
import { randomBytes } from 'node:crypto';
import { Agent, get } from 'node:https';
import path from 'node:path';
import type pg from 'pg';
import { root, startConnector, type Sandboxed } from '../process/sandboxed.ts';
import { startEgress } from '../process/stand/egress-stand.ts';
import { destination, startBackend } from '../process/stand/https-backend.ts';
import { startCluster } from '../process/stand/postgres-cluster.ts';

const webEntry = path.join(root, 'test/process/web-connector/connector.mjs');
const rounds = { query: 2_000, call: 100, large: 5 };
const largeSql = `SELECT repeat('x', 1000) AS text FROM generate_series(1, 50000)`;

const cluster = await startCluster();
const egress = await startEgress({ cluster });
const password = 'a long password for the bench';
await cluster.observe(`CREATE ROLE direct LOGIN PASSWORD '${password}'`);

const through = async (): Promise<pg.Client> => {
  const { ticket } = await egress.openTicket({ deadlineMs: 600_000, maxBytes: 1_000_000_000 });
  const client = egress.client(ticket);
  await client.connect();
  return client;
};
const direct = async (): Promise<pg.Client> => {
  const client = cluster.direct('direct', password);
  await client.connect();
  return client;
};

async function measured(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Alternates, so that a busy machine slows both alike. */
async function compare(count: number, pairs: Record<'direct' | 'egress', () => Promise<unknown>>): Promise<object> {
  const times = { direct: [] as number[], egress: [] as number[] };
  for (let round = 0; round < count; round += 1) {
    times.direct.push(await measured(pairs.direct));
    times.egress.push(await measured(pairs.egress));
  }
  return summary(times);
}

function summary(times: Record<'direct' | 'egress', number[]>): object {
  const at = (list: number[], share: number): number =>
    Number(list.toSorted((a, b) => a - b)[Math.floor(list.length * share)]?.toFixed(3));
  return {
    direct: { p50: at(times.direct, 0.5), p95: at(times.direct, 0.95) },
    egress: { p50: at(times.egress, 0.5), p95: at(times.egress, 0.95) },
  };
}

const call = (open: () => Promise<pg.Client>) => async (): Promise<void> => {
  const client = await open();
  await client.query('SELECT 1');
  await client.end();
};

/** In the connector: `call.fetch` and its whole body. Directly: the same with Node's own keep-alive agent. Alternating. */
async function warmHttpsRequest(): Promise<object> {
  const backend = await startBackend();
  backend.answers['/v1/orders'] = (_, res) => res.end('{"orders":[]}');
  const token = randomBytes(900).toString('base64url');
  let connector: Sandboxed | undefined;
  const stand = await startEgress({
    cluster,
    authorities: [backend.authority.certificate],
    destinations: { api: destination(backend) },
    startConnector: (end) => (connector = startConnector({ entry: webEntry, egress: end })),
  });
  stand.vault.fixed = { role: 'api', password: token };
  const agent = new Agent({ keepAlive: true, ca: backend.authority.certificate });
  const directly = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      get({ host: 'localhost', port: backend.port, path: '/v1/orders', agent, headers }, (answer) => {
        answer.resume().on('end', resolve);
      }).on('error', reject);
    });
  const times = { direct: [] as number[], egress: [] as number[] };
  for (let round = 0; round < 40; round += 1) {
    const { ticket } = await stand.openTicket({ destinations: ['api'] });
    const answer = await connector?.call('time', { count: 50 }, { ticket });
    if (answer?.ok !== true) throw new Error(JSON.stringify(answer));
    const { ms } = answer.value as { ms: number[] };
    for (let n = 0; n < 50; n += 1) times.direct.push(await measured(directly));
    // The first of each call waits for nothing that the others do not; the first rounds warm up.
    if (round >= 5) times.egress.push(...ms);
    await stand.gateway.request('close-ticket', { ticket });
  }
  agent.destroy();
  await connector?.stop();
  await stand.stop();
  await backend.stop();
  return summary(times);
}

const clients = { direct: await direct(), egress: await through() };
const ask = (sql: string) => ({ direct: () => clients.direct.query(sql), egress: () => clients.egress.query(sql) });
await compare(200, ask('SELECT 1'));
const result = {
  unit: 'ms',
  warmHttpsRequest: await warmHttpsRequest(),
  selectOne: await compare(rounds.query, ask('SELECT 1')),
  wholeCall: await compare(rounds.call, { direct: call(direct), egress: call(through) }),
  fiftyMegabytes: await compare(rounds.large, ask(largeSql)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await Promise.all([clients.direct.end(), clients.egress.end()]);
await egress.stop();
await cluster.stop();
