import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ByteStream } from '../../main/contract/channel.ts';
import type { Fault } from '../../main/contract/errors.ts';
import { cString, encode, encodeBare, encodeStartUp, int32 } from '../../main/outbound/postgres-messages.ts';
import { startEgress, type EgressStand, type StandOptions, type Terms } from './stand/egress-stand.ts';
import { freePort, startCluster, type Cluster } from './stand/postgres-cluster.ts';

let cluster: Cluster;
let egress: EgressStand;

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

async function until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
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
const sessions = (): Promise<(Session & pg.QueryResultRow)[]> =>
  cluster.observe(`SELECT pid, application_name AS name, query FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usename <> 'observer'`);

const gone = (callId: string): Promise<void> =>
  until('the session is gone', async () => (await sessions()).every(({ name }) => name !== callId));

const running = (callId: string): Promise<void> =>
  until('the statement runs', async () => {
    const rows = await cluster.observe(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'active' AND query ~ 'pg_sleep'`,
      [callId],
    );
    return rows.length > 0;
  });

async function connected(terms?: Terms): Promise<{ client: pg.Client; ticket: string; callId: string }> {
  const opened = await egress.openTicket(terms);
  const client = egress.client(opened.ticket);
  await client.connect();
  return { client, ...opened };
}

/** The code of the record that the gateway gets: the truth about a connection. */
async function endCode(ticket: string): Promise<string | undefined> {
  const { connections } = await egress.gateway.request('close-ticket', { ticket });
  return connections.at(-1)?.code;
}

const refusal = async (ticket: string, destination = 'database'): Promise<string | undefined> =>
  egress.connector.open('connect', { ticket, destination }).closed;

/** Reads all that comes until the stream is over. */
async function drain(stream: ByteStream): Promise<{ bytes: Buffer; code: string | undefined }> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), code: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), code: (error as Fault).code };
  }
}

/** Collects what comes; `times` waits until it holds the pattern so often. */
function listen(stream: ByteStream): { times(pattern: RegExp, count: number): Promise<void> } {
  let text = '';
  void (async () => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString('latin1');
  })().catch(() => undefined);
  return {
    times: (pattern, count) => until(String(pattern), () => (text.match(pattern)?.length ?? 0) >= count),
  };
}

const startUp = encodeStartUp({ user: 'bob', database: 'postgres', options: '-c session_authorization=bob' });
const query = (sql: string): Buffer => encode('Q', cString(sql));

/** A connector that writes what it likes. */
async function hostile(
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

describe('a call', () => {
  it('has a session of its own, in the name of the person and of the call', async () => {
    const { client, ticket, callId } = await connected();
    const { rows } = await client.query(
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
      [1, 2, 3, 4].map((n) => client.query({ text: 'SELECT $1::int AS n', values: [n], name: 'ask' })),
    );
    expect(answers.map(({ rows: [row] }) => row.n)).toEqual([1, 2, 3, 4]);
    await client.end();

    const { bytes } = await hostile([
      startUp,
      query('COPY (SELECT item FROM orders) TO STDOUT'),
      query('SELECT 7'),
      encode('X'),
    ]);
    expect(bytes.toString('latin1')).toContain('alice item 3\n');
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

describe('a hostile connector', () => {
  it('chooses neither user nor database nor options, and cannot become somebody else', async () => {
    const { bytes } = await hostile([
      encodeBare(80_877_103),
      encodeBare(80_877_104),
      startUp,
      query('SET SESSION AUTHORIZATION bob'),
      query('SET ROLE bob'),
      query(`SELECT session_user || '/' || current_user || '/' || current_database()`),
      query('SELECT item FROM orders'),
      query(`SELECT set_config('role', 'bob', false)`),
      query('SELECT item FROM orders'),
      encode('X'),
    ]);
    const text = bytes.toString('latin1');
    expect(text.startsWith('NN')).toBe(true);
    expect(text).toContain('alice/alice/shop');
    expect(text.match(/alice item \d/g)).toHaveLength(6);
    expect(text).not.toContain('bob item');
  });

  it.each([
    ['a password message', encode('p', cString('secret'))],
    ['a fast-path function call', encode('F', int32(1299), Buffer.alloc(8))],
    ['an unknown letter', encode('!')],
    ['a message of a gigabyte', Buffer.concat([Buffer.from('Q'), int32(1_000_000_000), Buffer.alloc(50_000, 0x20)])],
    ['a length under four', Buffer.concat([Buffer.from('Q'), int32(3)])],
  ])('is cut for %s', async (_what, bytes) => {
    const { code, ticket, callId } = await hostile([startUp, bytes, query('SELECT item FROM orders')]);
    expect(code).toBe('connector_failed');
    expect(await endCode(ticket)).toBe('connector_failed');
    await gone(callId);
  });

  it.each([
    ['a CancelRequest', encodeBare(80_877_102, randomKey()), 'not_permitted'],
    ['another protocol', encodeBare(131_072, Buffer.alloc(8)), 'connector_failed'],
    ['a start-up of 20 kB', encodeStartUp({ user: 'x'.repeat(20_000) }), 'connector_failed'],
    ['no start-up at all', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'connector_failed'],
    ['half a start-up', startUp.subarray(0, 12), 'connector_failed'],
    [
      'SSLRequests for ever',
      Buffer.concat(Array.from({ length: 9 }, () => encodeBare(80_877_103))),
      'connector_failed',
    ],
  ])('is refused for %s', async (_what, bytes, code) => {
    const answer = await hostile([bytes]);
    expect(answer.code).toBe(code);
    expect(await endCode(answer.ticket)).toBe(code);
  });

  it('gets a made-up cancel key', async () => {
    const { bytes } = await hostile([startUp, query('SELECT pg_backend_pid() + 1000000000 AS pid'), encode('X')]);
    const key = bytes.indexOf('K\0\0\0\x0c');
    expect(key).toBeGreaterThan(0);
    const pid = Number(/10000\d{5}|1\d{9}/.exec(bytes.toString('latin1'))?.[0]) - 1_000_000_000;
    expect(pid).toBeGreaterThan(0);
    expect(bytes.readUInt32BE(key + 5)).not.toBe(pid);
  });

  it('cannot leave statements behind that run after the cut', async () => {
    const { ticket, callId } = await egress.openTicket();
    const stream = egress.connector.open('connect', { ticket, destination: 'database' });
    const answer = drain(stream);
    const ahead = Array.from({ length: 8 }, () => query('SELECT pg_sleep(20)'));
    await stream.write(Buffer.concat([startUp, query('SET client_connection_check_interval = 0'), ...ahead]));
    await running(callId);
    egress.gateway.notify('cancel-ticket', { ticket, code: 'paused' });
    expect((await answer).code).toBe('paused');
    await gone(callId);
    expect(await endCode(ticket)).toBe('paused');
  });
});

const randomKey = (): Buffer => Buffer.alloc(8, 7);

describe('an end', () => {
  it('at the deadline cancels the statement at the server', async () => {
    const { client, ticket, callId } = await connected({ deadlineMs: 1_000 });
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
    await stream.write(Buffer.concat([startUp, query('SELECT pg_sleep(60)')]));
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

describe('the credential', () => {
  it.each(['not_signed_in', 'reauthentication_required', 'identity_unavailable'] as const)(
    'refused by the vault as %s ends the call so',
    async (code) => {
      egress.vault.refuse = code;
      const { ticket } = await egress.openTicket();
      expect(await refusal(ticket)).toBe(code);
      expect(await endCode(ticket)).toBe(code);
    },
  );

  it('is asked for once by many calls at once', async () => {
    const clients = await Promise.all([1, 2, 3].map(async () => (await connected()).client));
    await Promise.all(clients.map((client) => client.end()));
    expect(egress.vault.issued).toBe(1);
  });

  it('that the database withdrew early is replaced once', async () => {
    const first = await connected();
    await first.client.end();
    await until('a spare is logged in', async () => (await sessions()).some(({ name }) => name === 'sallyport'));
    await cluster.observe(`ALTER ROLE alice PASSWORD 'another desktop was given a new one'`);
    await cluster.observe(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport'`,
    );
    const { client } = await connected();
    await client.end();
    expect(egress.vault.issued).toBe(2);
    egress.vault.fixed = { role: 'alice', password: 'not the password of this role' };
    egress.vaultChannel.notify('revoke', { reason: 'signed_out' });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_refused');
    expect(egress.vault.issued).toBe(3);
  });

  it.each(['trusted', 'clear'])('is not used where the server asks for less than SCRAM (%s)', async (role) => {
    const password = 'a long password of a weak role';
    await cluster.observe(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    egress.vault.fixed = { role, password };
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_refused');
    expect(await endCode(ticket)).toBe('backend_refused');
  });

  it('reaches the connector in no form, whatever the backend echoes', async () => {
    const plain = await hostile([startUp, query('SELECT item FROM orders'), encode('X')]);
    const secret = egress.vault.passwords[0]!;
    const bytes = [plain.bytes];
    const forms = [
      secret,
      Buffer.from(secret).toString('hex'),
      Buffer.from(`"${secret}"`).toString('base64'),
      Buffer.from(`é${secret}.`).toString('base64url'),
    ];
    for (const form of forms) {
      for (const before of [0, 8_100, 16_350]) {
        await cluster.observe('DELETE FROM echoes');
        await cluster.observe('INSERT INTO echoes VALUES ($1)', ['x'.repeat(before) + form]);
        const echoed = await hostile([startUp, query('SELECT text FROM echoes'), query('SELECT 1'), encode('X')]);
        expect(echoed.code).toBe('output_not_allowed');
        bytes.push(echoed.bytes);
      }
    }
    const all = Buffer.concat(bytes).toString('latin1');
    const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1);
    for (const form of [secret, secret.slice(0, 12), Buffer.from(secret).toString('hex'), base64])
      expect(all).not.toContain(form);
    expect(egress.log()).toBe('');
  }, 60_000);
});

describe('a server', () => {
  const other = async (options: Partial<StandOptions>): Promise<void> => {
    await egress.stop();
    egress = await startEgress({ cluster, ...options });
  };

  it('whose certificate nobody we trust signed is refused', async () => {
    await other({ authorities: [] });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_certificate');
    expect(await endCode(ticket)).toBe('backend_certificate');
  });

  it('whose certificate is for another host is refused', async () => {
    await other({ host: '127.0.0.2' });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_certificate');
  });

  it('that does not answer is unreachable', async () => {
    await other({ port: await freePort() });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_unreachable');
    await other({ host: 'no-such-host.invalid' });
    expect(await refusal((await egress.openTicket()).ticket)).toBe('backend_unreachable');
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
