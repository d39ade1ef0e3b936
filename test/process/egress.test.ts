import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cString, encode } from '../../main/outbound/postgres-messages.ts';
import {
  cluster,
  connected,
  egress,
  endCode,
  gone,
  hostile,
  listen,
  query,
  refusal,
  running,
  sessions,
  startUp,
  until,
  useEgress,
} from './stand/egress-family.ts';

useEgress();

describe('a call', () => {
  it('has a session of its own, in the name of the person and of the call', async () => {
    const { client, ticket, callId } = await connected();
    const { rows } = await client.query<{ item: string }>(
      `SELECT item, current_setting('application_name') AS name, session_user AS me FROM orders ORDER BY item`,
    );
    expect(rows.map((row) => row.item)).toEqual(['alice item 1', 'alice item 2', 'alice item 3']);
    expect(rows[0]).toMatchObject({ name: callId, me: 'alice' });
    expect((await sessions()).map(({ name }) => name)).toContain(callId);
    await client.end();
    await gone(callId);
    const { connections } = await egress.gateway.request('close-ticket', { ticket });
    expect(connections).toHaveLength(1);
    expect(connections[0]).toMatchObject({ callId, destination: 'database', address: `127.0.0.1:${cluster.port}` });
    expect(connections[0]!.bytesFromBackend).toBeGreaterThan(100);
    expect(connections[0]).not.toHaveProperty('code');
    expect(egress.records).toContainEqual(expect.objectContaining({ event: 'connection', callId, code: null }));
  });

  it('never gets a session that another call used, and takes the spare without a new credential', async () => {
    const pids = new Set<number>();
    for (let call = 0; call < 4; call += 1) {
      const { client } = await connected();
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      pids.add(rows[0]!.pid);
      await client.end();
      await until('a spare is logged in', async () => (await sessions()).some(({ name }) => name === 'sallyport'));
    }
    expect(pids.size).toBe(4);
    expect(egress.vault.issued).toBe(1);
    const spare = (await sessions()).find(({ name }) => name === 'sallyport');
    const { client } = await connected();
    expect((await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid).toBe(spare!.pid);
    await client.end();
  });

  it('works on when the server has closed the spare', async () => {
    const first = await connected();
    await first.client.end();
    await until('a spare is logged in', async () => (await sessions()).some(({ name }) => name === 'sallyport'));
    await cluster.observe(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport'`,
    );
    const { client } = await connected();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it('carries large results whole, pipelines, prepared statements and COPY OUT', async () => {
    const { client } = await connected({ maxBytes: 100_000_000 });
    const { rows } = await client.query<{ text: string }>(
      `SELECT string_agg(md5(n::text), '') AS text FROM generate_series(1, 600000) n`,
    );
    expect(rows[0]!.text).toHaveLength(19_200_000);
    const again = await client.query(
      `SELECT md5(string_agg(md5(n::text), '')) AS sum FROM generate_series(1, 600000) n`,
    );
    expect(createHash('md5').update(rows[0]!.text).digest('hex')).toBe(again.rows[0].sum);
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => client.query<{ n: number }>({ text: 'SELECT $1::int AS n', values: [n], name: 'ask' })),
    );
    expect(answers.map(({ rows: [row] }) => row?.n)).toEqual([1, 2, 3, 4]);
    await client.end();

    const { bytes } = await hostile([
      startUp,
      query('COPY (SELECT item FROM orders) TO STDOUT'),
      query('SELECT 7'),
      encode('X'),
    ]);
    expect(bytes.toString('latin1')).toContain('alice item 3\n');
  });

  it('is read from the server only as fast as the connector reads', async () => {
    const { ticket } = await egress.openTicket({ maxBytes: 100_000_000 });
    const stream = egress.connector.open('connect', { ticket, destination: 'database' });
    await stream.write(Buffer.concat([startUp, query(`SELECT repeat('x', 1000) FROM generate_series(1, 60000)`)]));
    await until('the server waits for us', async () => {
      const rows = await cluster.observe(`SELECT 1 FROM pg_stat_activity WHERE wait_event = 'ClientWrite'`);
      return rows.length > 0;
    });
    const { connections } = await egress.gateway.request('close-ticket', { ticket });
    expect(connections[0]!.bytesFromBackend).toBeLessThan(1_000_000);
  });

  it('takes COPY FROM STDIN, simple and extended, without getting stuck', async () => {
    const { ticket } = await egress.openTicket();
    const stream = egress.connector.open('connect', { ticket, destination: 'database' });
    const heard = listen(stream);
    const copy = 'COPY scratch FROM STDIN';
    const data = Buffer.concat([encode('d', Buffer.from('one\n')), encode('c')]);
    const parse = encode('P', cString(''), cString(copy), Buffer.alloc(2));
    const extended = Buffer.concat([parse, encode('B', Buffer.alloc(8)), encode('E', Buffer.alloc(5)), encode('S')]);
    await stream.write(Buffer.concat([startUp, query('CREATE TEMPORARY TABLE scratch (line text)'), query(copy)]));
    await heard.times(/G\0\0\0\x09/g, 1);
    await stream.write(Buffer.concat([data, extended]));
    await heard.times(/G\0\0\0\x09/g, 2);
    await stream.write(
      Buffer.concat([data, encode('S'), query('SELECT count(*) || $$ lines$$ FROM scratch'), encode('X')]),
    );
    await heard.times(/2 lines/g, 1);
    stream.end();
    expect(await stream.closed).toBeUndefined();
  });
});

describe('an end', () => {
  it('at the deadline cancels the statement at the server', async () => {
    const { client, ticket, callId } = await connected({ deadlineMs: 1_500 });
    // Else the server would notice by itself that we are gone.
    await client.query('SET client_connection_check_interval = 0');
    await expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await gone(callId);
    expect(await endCode(ticket)).toBe('connector_timeout');
  });

  it('at the byte budget cuts before the bytes pass', async () => {
    const { client, ticket, callId } = await connected({ maxBytes: 200_000 });
    await expect(client.query(`SELECT repeat('x', 1000) FROM generate_series(1, 100000)`)).rejects.toThrow();
    await gone(callId);
    const { connections } = await egress.gateway.request('close-ticket', { ticket });
    expect(connections[0]).toMatchObject({ code: 'output_not_allowed' });
    expect(connections[0]!.bytesFromBackend).toBeLessThanOrEqual(200_000);
  });

  it('of access (revoke) cuts in the middle of a statement, and forgets credential and spare', async () => {
    const { client, ticket, callId } = await connected();
    const failed = expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await running(callId);
    egress.vaultChannel.notify('revoke', { reason: 'signed_out' });
    await failed;
    await until('no session is left', async () => (await sessions()).length === 0);
    expect(await endCode(ticket)).toBe('access_ended');
    expect(await egress.shell.request('status', {})).toEqual({ openConnections: 0, credentialUntil: null });
  });

  it('of the credential cuts what still runs', async () => {
    egress.vault.lifetimeMs = 2_000;
    const { client, ticket, callId } = await connected();
    await expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await gone(callId);
    expect(await endCode(ticket)).toBe('access_ended');
  });

  it('of the connector, in the middle of a statement, cancels it', async () => {
    const { ticket, callId } = await egress.openTicket();
    const stream = egress.connector.open('connect', { ticket, destination: 'database' });
    const unnoticed = query('SET client_connection_check_interval = 0');
    await stream.write(Buffer.concat([startUp, unnoticed, query('SELECT pg_sleep(60)')]));
    await running(callId);
    stream.reset('connector_failed');
    await gone(callId);
    await until('the record is there', () => egress.records.some((record) => record.event === 'connection'));
  });

  it('of the connector process drops the credential', async () => {
    const { callId } = await connected();
    egress.connector.close();
    await gone(callId);
    await until(
      'the credential is gone',
      async () => (await egress.shell.request('status', {})).credentialUntil === null,
    );
  });

  it.each(['shell', 'gateway', 'vaultChannel'] as const)(
    'of the %s channel ends the process and its sessions',
    async (name) => {
      const { client, callId } = await connected();
      client.query('SELECT pg_sleep(60)').catch(() => undefined);
      await running(callId);
      egress[name].close();
      await egress.ended;
      await until('no session is left', async () => (await sessions()).length === 0);
    },
  );

  it('by SIGKILL leaves no statement running', async () => {
    const { client, callId } = await connected();
    client.query('SELECT pg_sleep(60)').catch(() => undefined);
    await running(callId);
    egress.child.kill('SIGKILL');
    await until('no session is left', async () => (await sessions()).length === 0);
  });

  it('by stop is answered after everything was cut', async () => {
    const { callId } = await connected();
    await egress.shell.request('stop', {});
    await gone(callId);
    await egress.ended;
  });
});

describe('a ticket', () => {
  it('must be live, and for this destination', async () => {
    expect(await refusal('A'.repeat(43))).toBe('not_permitted');
    const { ticket } = await egress.openTicket({ destinations: ['other'] });
    expect(await refusal(ticket)).toBe('destination_not_allowed');
    expect(await endCode(ticket)).toBe('destination_not_allowed');
    expect(await refusal(ticket, 'other')).toBe('not_permitted');
    const late = await egress.openTicket({ deadlineMs: 1 });
    await delay(20);
    expect(await refusal(late.ticket)).toBe('connector_timeout');
    const cancelled = await egress.openTicket();
    egress.gateway.notify('cancel-ticket', { ticket: cancelled.ticket, code: 'agent_suspended' });
    await egress.gateway.request('close-ticket', { ticket: (await egress.openTicket()).ticket });
    expect(await refusal(cancelled.ticket)).toBe('agent_suspended');
    expect(await endCode(cancelled.ticket)).toBe('agent_suspended');
    expect(egress.vault.issued).toBe(0);
  });

  it('opens once', async () => {
    const terms = {
      callId: randomUUID(),
      subject: 'alice',
      program: 'test',
      destinations: ['database'],
      deadlineMs: 1000,
      maxBytes: 1,
    };
    await egress.gateway.request('open-ticket', { ...terms, ticket: 'B'.repeat(43) });
    await expect(egress.gateway.request('open-ticket', { ...terms, ticket: 'B'.repeat(43) })).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  it('closed by the gateway ends what still runs, without a code: the call was over', async () => {
    const { client, ticket, callId } = await connected();
    client.query('SELECT pg_sleep(60)').catch(() => undefined);
    await running(callId);
    expect(await endCode(ticket)).toBeUndefined();
    await gone(callId);
  });

  it('of another person is refused', async () => {
    const { ticket } = await egress.openTicket({ subject: 'bob' });
    expect(await refusal(ticket)).toBe('access_ended');
    expect(await endCode(ticket)).toBe('access_ended');
    egress.vault.subject = 'bob';
    const { client } = await connected({ subject: 'bob' });
    expect((await client.query('SELECT item FROM orders')).rows).toEqual([
      { item: 'bob item 1' },
      { item: 'bob item 2' },
    ]);
    await client.end();
    const stale = await egress.openTicket();
    expect(await refusal(stale.ticket)).toBe('access_ended');
  });
});

it('protects itself before it takes anything', async () => {
  expect(await egress.shell.request('hardening', {})).toEqual({
    notDumpable: true,
    noCoreDumps: true,
    noNewPrivileges: true,
    dieWithParent: true,
    lockedMemory: true,
  });
});
