import { describe, expect, it } from 'vitest';
import { cString, encode, encodeBare, encodeStartUp, int32 } from '../../main/outbound/postgres-messages.ts';
import {
  cluster,
  connected,
  drain,
  egress,
  endCode,
  gone,
  hostile,
  query,
  refusal,
  restartEgress,
  running,
  sessions,
  startUp,
  until,
  useEgress,
} from './stand/egress-family.ts';
import { freePort } from './stand/postgres-cluster.ts';

useEgress();

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

  it.each([
    ['before its start-up', []],
    ['during the login', [startUp]],
  ])('cannot choose the code of the record by a reset %s', async (_what, parts) => {
    const { ticket } = await egress.openTicket();
    const stream = egress.connector.open('connect', { ticket, destination: 'database' });
    for (const part of parts) await stream.write(part);
    stream.reset('backend_certificate');
    await until('the record is there', () => egress.records.length > 0);
    expect(await endCode(ticket)).toBe('connector_failed');
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
  it('whose certificate nobody we trust signed is refused', async () => {
    await restartEgress({ authorities: [] });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_certificate');
    expect(await endCode(ticket)).toBe('backend_certificate');
  });

  it('whose certificate is for another host is refused', async () => {
    await restartEgress({ host: '127.0.0.2' });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_certificate');
  });

  it('may be named by its address, when the certificate does', async () => {
    await restartEgress({ host: '127.0.0.1' });
    const { client } = await connected();
    await client.end();
  });

  it('that does not answer is unreachable', async () => {
    await restartEgress({ port: await freePort() });
    const { ticket } = await egress.openTicket();
    expect(await refusal(ticket)).toBe('backend_unreachable');
    await restartEgress({ host: 'no-such-host.invalid' });
    expect(await refusal((await egress.openTicket()).ticket)).toBe('backend_unreachable');
  });
});
