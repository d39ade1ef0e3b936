/**
 * What egress costs: `SELECT 1` on an open connection, a whole call (connect, SELECT 1, end), and a large result, through a
 * real egress process and directly over the same TLS, in one run, alternating. Prints one JSON object.
 */
import type pg from 'pg';
import { startEgress } from '../process/stand/egress-stand.ts';
import { startCluster } from '../process/stand/postgres-cluster.ts';

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

const clients = { direct: await direct(), egress: await through() };
const ask = (sql: string) => ({ direct: () => clients.direct.query(sql), egress: () => clients.egress.query(sql) });
await compare(200, ask('SELECT 1'));
const result = {
  unit: 'ms',
  selectOne: await compare(rounds.query, ask('SELECT 1')),
  wholeCall: await compare(rounds.call, { direct: call(direct), egress: call(through) }),
  fiftyMegabytes: await compare(rounds.large, ask(largeSql)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await Promise.all([clients.direct.end(), clients.egress.end()]);
await egress.stop();
await cluster.stop();
