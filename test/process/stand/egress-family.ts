/** What the egress tests share: one cluster for a file, a fresh egress process for each test, and how to talk to both. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ByteStream } from '../../../main/contract/channel.ts';
import type { Fault } from '../../../main/contract/errors.ts';
import { cString, encode, encodeStartUp } from '../../../main/outbound/postgres-messages.ts';
import { startEgress, type EgressStand, type StandOptions, type Terms } from './egress-stand.ts';
import { startCluster, type Cluster } from './postgres-cluster.ts';

export let cluster: Cluster;
export let egress: EgressStand;

export function useEgress(): void {
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(async () => {
    await cluster.stop();
  });
  beforeEach(async () => {
    egress = await startEgress({ cluster });
  });
  afterEach(async () => {
    await egress.stop();
  });
}

export async function restartEgress(options: Partial<StandOptions>): Promise<void> {
  await egress.stop();
  egress = await startEgress({ cluster, ...options });
}

export async function until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await delay(20);
  }
}

interface Session {
  readonly pid: number;
  readonly name: string;
  readonly query: string;
}

/** The server's own view. */
export const sessions = (): Promise<(Session & pg.QueryResultRow)[]> =>
  cluster.observe(`SELECT pid, application_name AS name, query FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usename <> 'observer'`);

export const gone = (callId: string): Promise<void> =>
  until('the session is gone', async () => (await sessions()).every(({ name }) => name !== callId));

export const running = (callId: string): Promise<void> =>
  until('the statement runs', async () => {
    const rows = await cluster.observe(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' AND query ~ 'pg_sleep'`,
      [callId],
    );
    return rows.length > 0;
  });

export async function connected(terms?: Terms): Promise<{ client: pg.Client; ticket: string; callId: string }> {
  const opened = await egress.openTicket(terms);
  const client = egress.client(opened.ticket);
  await client.connect();
  return { client, ...opened };
}

/** The code of the record that the gateway gets: the truth about a connection. */
export async function endCode(ticket: string): Promise<string | undefined> {
  const { connections } = await egress.gateway.request('close-ticket', { ticket });
  return connections.at(-1)?.code;
}

export const refusal = async (ticket: string, destination = 'database'): Promise<string | undefined> =>
  egress.connector.open('connect', { ticket, destination }).closed;

/** Reads all that comes until the stream is over. */
export async function drain(stream: ByteStream): Promise<{ bytes: Buffer; code: string | undefined }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), code: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), code: (error as Fault).code };
  }
}

/** Collects what comes; `times` waits until it holds the pattern so often. */
export function listen(stream: ByteStream): { times(pattern: RegExp, count: number): Promise<void> } {
  let text = '';
  void (async () => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString('latin1');
  })().catch(() => undefined);
  return {
    times: (pattern, count) => until(String(pattern), () => (text.match(pattern)?.length ?? 0) >= count),
  };
}

export const startUp = encodeStartUp({ user: 'bob', database: 'postgres', options: '-c session_authorization=bob' });
export const query = (sql: string): Buffer => encode('Q', cString(sql));

/** A connector that writes what it likes. */
export async function hostile(
  bytes: readonly Buffer[],
  terms?: Terms,
): Promise<{ bytes: Buffer; code: string | undefined; ticket: string; callId: string }> {
  const opened = await egress.openTicket(terms);
  const stream = egress.connector.open('connect', { ticket: opened.ticket, destination: 'database' });
  const answer = drain(stream);
  for (const part of bytes) await stream.write(part).catch(() => undefined);
  stream.end();
  return { ...(await answer), ...opened };
}
