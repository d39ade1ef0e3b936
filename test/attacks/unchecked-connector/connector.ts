/**
 * A connector that checks nothing and calls everything a read: statements go to PostgreSQL as they come, each by itself, on
 * the connection that egress logged in. What it answers is what PostgreSQL said.
 */
import pg from 'pg';
import { defineConnector, type Call } from '../../../connector-host/sdk/sdk.ts';

async function run(call: Call): Promise<unknown> {
  const stream = call.connect('database');
  const nothing = (): typeof stream => stream;
  const connect = (): typeof stream => {
    process.nextTick(() => stream.emit('connect'));
    return stream;
  };
  const socket = Object.assign(stream, {
    connect,
    setNoDelay: nothing,
    setKeepAlive: nothing,
    ref: nothing,
    unref: nothing,
  });
  const client = new pg.Client({ stream: () => socket, user: 'x', database: 'x', ssl: false });
  client.on('error', () => undefined);
  await client.connect();
  const outcomes: { code: string; rows: string }[] = [];
  for (const sql of call.arguments['statements'] as readonly string[]) {
    try {
      const { rows } = await client.query<Record<string, unknown>>(sql);
      outcomes.push({ code: 'done', rows: JSON.stringify(rows) });
    } catch (error) {
      outcomes.push({ code: String((error as pg.DatabaseError).code), rows: '' });
    }
  }
  await client.end();
  stream.destroy();
  return { outcomes };
}

export const connector = defineConnector({ tools: { run } });
