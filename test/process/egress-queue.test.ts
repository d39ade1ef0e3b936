/** More calls than sessions, on a real egress process and a real server. */
import { expect, it } from 'vitest';
import { cluster, egress, endCode, query, startUp, until, useEgress } from './stand/egress-family.ts';

useEgress();

interface Waiting {
  readonly ticket: string;
  readonly closed: Promise<string | undefined>;
}

/** A call whose statement would run for a minute, as soon as it is its turn. */
async function slowCall(program: string): Promise<Waiting> {
  const { ticket } = await egress.openTicket({ program, deadlineMs: 60_000 });
  const stream = egress.connector.open('connect', { ticket, destination: 'database' });
  await stream.write(Buffer.concat([startUp, query('SELECT pg_sleep(60)')]));
  return { ticket, closed: stream.closed };
}
const slowCalls = (program: string, count: number): Promise<Waiting[]> =>
  Promise.all(Array.from({ length: count }, () => slowCall(program)));

const atWork = async (): Promise<number> =>
  (
    await cluster.observe(
      `SELECT 1 FROM pg_stat_activity WHERE query ~ 'pg_sleep' AND state = 'active' AND usename <> 'observer'`,
    )
  ).length;
const inAll = async (): Promise<number> =>
  (
    await cluster.observe(
      `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'observer'`,
    )
  ).length;

it('programs share 24 sessions, the spare included, and room is left for one more', async () => {
  await slowCalls('hog', 60);
  await until('the first has its share', async () => (await atWork()) === 12);
  await slowCalls('second', 60);
  await until('the second has half of the rest', async () => (await atWork()) === 18);
  await slowCalls('third', 60);
  await until('the third too', async () => (await atWork()) === 21);
  expect(await inAll()).toBeLessThanOrEqual(24);
});

it('a waiting call ends with its ticket: cancelled, closed, or all at a revoke', async () => {
  await slowCalls('hog', 12);
  await until('the share is taken', async () => (await atWork()) === 12);
  const [cancelled, closed, revoked] = await slowCalls('hog', 3);
  egress.gateway.notify('cancel-ticket', { ticket: cancelled!.ticket, code: 'connector_timeout' });
  expect(await cancelled!.closed).toBe('connector_timeout');
  expect(await endCode(cancelled!.ticket)).toBe('connector_timeout');
  await egress.gateway.request('close-ticket', { ticket: closed!.ticket });
  expect(await closed!.closed).toBe('not_permitted');
  expect(await atWork()).toBe(12);
  egress.vaultChannel.notify('revoke', { reason: 'signed_out' });
  expect(await revoked!.closed).toBe('access_ended');
  await until('nothing is left', async () => (await inAll()) === 0);
  await until('egress counts none', async () => (await egress.shell.request('status', {})).openConnections === 0);
});

it('a deadline that passes in the queue ends the call, and nothing of it reaches the server', async () => {
  await slowCalls('hog', 12);
  await until('the share is taken', async () => (await atWork()) === 12);
  const { ticket } = await egress.openTicket({ program: 'hog', deadlineMs: 300 });
  const stream = egress.connector.open('connect', { ticket, destination: 'database' });
  expect(await stream.closed).toBe('connector_timeout');
  const { connections } = await egress.gateway.request('close-ticket', { ticket });
  expect(connections[0]).toMatchObject({ code: 'connector_timeout', bytesToBackend: 0 });
});
