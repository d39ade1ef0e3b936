/** The gateway as agents meet it: both eras on one socket, every refusal with its code, and what is written down. */
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyLog } from '../../main/audit/verify.ts';
import type { Code, OutcomeCode } from '../../main/contract/errors.ts';
import { alice, answer, bob, echo, startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { connectLines, initialized, statelessMeta, type Answer, type LineClient } from './stand/line-client.ts';
import { handshakeClient, statelessClient } from './stand/sdk-clients.ts';

let stand: GatewayStand;
const clients: LineClient[] = [];
beforeAll(async () => {
  stand = await startGateway();
});
afterAll(() => stand.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.destroy();
  stand.behaviour.onCall = echo;
  stand.behaviour.refuseTicket = undefined;
  stand.behaviour.connections = [];
});

async function raw(): Promise<LineClient> {
  const client = await connectLines(stand.socketPath);
  clients.push(client);
  return client;
}

async function agent(): Promise<LineClient> {
  const client = await initialized(stand.socketPath);
  clients.push(client);
  return client;
}

const call = (client: LineClient, name: string, args: Record<string, unknown> = { text: 'hi' }): Promise<Answer> =>
  client.ask('tools/call', { name, arguments: args });
const codeOf = (got: Answer): unknown => got.result?.structuredContent?.['code'];

async function poll(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error('it never held');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('both eras', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('serves %s with initialize', async (version) => {
    const client = await raw();
    const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 't', version: '1' } };
    const hello = await client.ask('initialize', params);
    expect(hello.result).toMatchObject({ protocolVersion: version, serverInfo: { name: 'sallyport' } });
    expect((await client.ask('ping')).result).toEqual({});
    const got = await call(client, 'probe_echo');
    expect(got.result).toEqual({
      content: [{ type: 'text', text: '{"text":"hi"}' }],
      structuredContent: { text: 'hi' },
    });
  });

  it('answers an unknown version with its newest, as initialize must', async () => {
    const client = await raw();
    const params = { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: { name: 't', version: '1' } };
    expect((await client.ask('initialize', params)).result).toMatchObject({ protocolVersion: '2025-11-25' });
  });

  it('serves 2026-07-28 without state', async () => {
    const client = await raw();
    const discover = await client.ask('server/discover', statelessMeta);
    expect(discover.result).toMatchObject({ resultType: 'complete', capabilities: { tools: { listChanged: true } } });
    const list = await client.ask('tools/list', statelessMeta);
    expect(list.result).toMatchObject({ resultType: 'complete', cacheScope: 'private', ttlMs: 30_000 });
    const got = await client.ask('tools/call', { ...statelessMeta, name: 'probe_echo', arguments: { text: 'hi' } });
    expect(got.result).toMatchObject({ resultType: 'complete', structuredContent: { text: 'hi' } });
    const unknown = await client.ask('tools/call', { ...statelessMeta, name: 'nothing', arguments: {} });
    expect(unknown.error).toMatchObject({ code: -32602, data: { code: 'unknown_tool', retry: 'never' } });
  });

  it('works with the SDK 1.x client, refusals included', async () => {
    const client = await handshakeClient(stand.socketPath);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['probe_echo', 'probe_write', 'probe_hasty']);
    expect(tools[0]).toMatchObject({
      annotations: { readOnlyHint: true },
      inputSchema: { additionalProperties: false },
    });
    const good = await client.callTool({ name: 'probe_echo', arguments: { text: 'hi' } });
    expect(good.structuredContent).toEqual({ text: 'hi' });
    // This client checks structuredContent of a refusal against outputSchema as well.
    const bad = await client.callTool({ name: 'probe_echo', arguments: { text: 'hi', more: 1 } });
    expect(bad).toMatchObject({ isError: true, structuredContent: { code: 'invalid_arguments', retry: 'never' } });
    await client.close();
  });

  it('works with the SDK 2.x client, refusals included', async () => {
    const client = await statelessClient(stand.socketPath);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['probe_echo', 'probe_write', 'probe_hasty']);
    const good = await client.callTool({ name: 'probe_echo', arguments: { text: 'hi' } });
    expect(good.structuredContent).toEqual({ text: 'hi' });
    const bad = await client.callTool({ name: 'probe_echo', arguments: {} });
    expect(bad).toMatchObject({ isError: true, structuredContent: { code: 'invalid_arguments' } });
    await client.close();
  });

  it('tells both eras when the tools change', async () => {
    const old = await agent();
    const modern = await raw();
    modern.send({
      jsonrpc: '2.0',
      id: 'listen:1',
      method: 'subscriptions/listen',
      params: { ...statelessMeta, notifications: { toolsListChanged: true } },
    });
    const ack = await modern.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
    expect(ack.params).toMatchObject({ notifications: { toolsListChanged: true } });
    stand.identify(null);
    await old.until(({ method }) => method === 'notifications/tools/list_changed');
    const told = await modern.until(({ method }) => method === 'notifications/tools/list_changed');
    expect(told.params).toEqual({ _meta: { 'io.modelcontextprotocol/subscriptionId': 'listen:1' } });
    expect((await old.ask('tools/list')).result).toEqual({ tools: [] });
    stand.identify(alice);
    await poll(async () => ((await old.ask('tools/list')).result?.['tools'] as unknown[]).length > 0);
  });
});

describe('protocol errors', () => {
  const cases: [string, string | Buffer, { data: { code: Code }; code: number }][] = [
    ['bad JSON', '{"jsonrpc":\n', { code: -32700, data: { code: 'malformed' } }],
    [
      'a duplicate member',
      '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n',
      { code: -32700, data: { code: 'malformed' } },
    ],
    [
      '__proto__',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}\n',
      { code: -32700, data: { code: 'malformed' } },
    ],
    [
      'a lone surrogate',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\ud800"}}\n',
      { code: -32700, data: { code: 'malformed' } },
    ],
    ['nesting', `${'['.repeat(100_000)}\n`, { code: -32700, data: { code: 'malformed' } }],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n', { code: -32600, data: { code: 'malformed' } }],
    ['no version', '{"id":1,"method":"ping"}\n', { code: -32600, data: { code: 'malformed' } }],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}\n', { code: -32600, data: { code: 'malformed' } }],
    [
      'invalid UTF-8',
      Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d, 0x0a]),
      { code: -32700, data: { code: 'invalid_utf8' } },
    ],
    [
      'a line over 4 MiB',
      `{"a":"${'a'.repeat(4 * 1024 * 1024)}"}\n`,
      { code: -32600, data: { code: 'frame_too_large' } },
    ],
  ];
  it.each(cases)('answers %s with a code and goes on', async (_what, bytes, error) => {
    const client = await raw();
    client.socket.write(bytes);
    const got = await client.until((answered) => answered.error !== undefined);
    expect(got.error).toMatchObject(error);
    client.send({ jsonrpc: '2.0', id: 'after', method: 'ping' });
    await client.until(({ id }) => id === 'after');
  });

  it('names unknown methods and versions by the codes of each era', async () => {
    const client = await raw();
    expect((await client.ask('resources/list')).error).toMatchObject({
      code: -32601,
      data: { code: 'unknown_method' },
    });
    expect((await client.ask('tools/list')).error).toMatchObject({
      code: -32600,
      data: { code: 'unsupported_version' },
    });
    const stateless = { ...statelessMeta._meta };
    expect((await client.ask('ping', { _meta: stateless })).error).toMatchObject({ code: -32601 });
    const future = { _meta: { ...stateless, 'io.modelcontextprotocol/protocolVersion': '2030-01-01' } };
    expect((await client.ask('tools/list', future)).error).toMatchObject({
      code: -32022,
      data: { code: 'unsupported_version', supported: ['2026-07-28'], requested: '2030-01-01' },
    });
    const bare = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
    expect((await client.ask('tools/list', bare)).error).toMatchObject({ code: -32602 });
  });

  it('limits what runs at once on a connection', async () => {
    const gates: (() => void)[] = [];
    stand.behaviour.onCall = async (header, stream) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      await echo(header, stream);
    };
    const client = await agent();
    const message = (id: number) => ({
      jsonrpc: '2.0',
      id: `n${id}`,
      method: 'tools/call',
      params: { name: 'probe_echo', arguments: { text: 'x' } },
    });
    for (let id = 0; id < 65; id += 1) client.send(message(id));
    const got = await client.until(({ error }) => error !== undefined);
    expect(got).toMatchObject({ id: 'n64', error: { data: { code: 'too_many_requests_in_flight' } } });
    await poll(() => gates.length === 64);
    for (const open of gates) open();
    await poll(() => client.received.filter(({ result }) => result?.structuredContent !== undefined).length === 64);
  });

  it('closes a connection after ten errors in a row', async () => {
    const client = await raw();
    client.socket.write('nonsense\n'.repeat(50));
    await client.closed;
    expect(client.received).toHaveLength(10);
  });
});

describe('refusals and faults', () => {
  it.each<[string, Record<string, unknown>, OutcomeCode]>([
    ['probe_nothing', {}, 'unknown_tool'],
    ['probe_echo', {}, 'invalid_arguments'],
    ['probe_echo', { text: 'x', count: 11 }, 'invalid_arguments'],
    ['probe_echo', { text: 'x', role: 'admin' }, 'invalid_arguments'],
    ['probe_secret', { text: 'x' }, 'not_permitted'],
    ['probe_write', { text: 'x' }, 'approval_denied'],
  ])('%s %j ends as %s and reaches no connector', async (name, args, code) => {
    const before = stand.behaviour.tickets.length;
    const got = await call(await agent(), name, args);
    expect(got.result).toMatchObject({ isError: true, structuredContent: { code, retry: 'never' } });
    expect(stand.behaviour.tickets).toHaveLength(before);
  });

  it('withholds what the output schema does not declare', async () => {
    stand.behaviour.onCall = (_header, stream) => answer(stream, { ok: true, value: { text: 'x', salary: 1 } });
    const got = await call(await agent(), 'probe_echo');
    expect(codeOf(got)).toBe('output_not_allowed');
    expect(JSON.stringify(got)).not.toContain('salary');
  });

  it('stops a result at its byte limit', async () => {
    stand.behaviour.onCall = (_header, stream) => answer(stream, { ok: true, value: { text: 'x'.repeat(5000) } });
    expect(codeOf(await call(await agent(), 'probe_hasty'))).toBe('output_not_allowed');
  });

  it('stops a connector that hangs, and cancels its ticket', async () => {
    stand.behaviour.onCall = () => Promise.resolve();
    expect(codeOf(await call(await agent(), 'probe_hasty'))).toBe('connector_timeout');
    expect(stand.behaviour.tickets.at(-1)).toMatchObject({ open: false, cancelled: 'connector_timeout' });
  });

  it.each<[string, unknown]>([
    ['nonsense', 'no'],
    ['an unknown code', { ok: false, code: 'paused', say: 'x' }],
  ])('calls a connector that answers %s failed', async (_what, result) => {
    stand.behaviour.onCall = (_header, stream) => answer(stream, result);
    const got = await call(await agent(), 'probe_echo');
    expect(got.result?.structuredContent).toMatchObject({
      code: 'connector_failed',
      retry: 'after',
      retryAfterMs: 2000,
    });
  });

  it('passes on a connector’s own refusal, as plain text', async () => {
    const say = 'Only SELECT.\u202E\u0000 Try again.';
    stand.behaviour.onCall = (_header, stream) => answer(stream, { ok: false, code: 'invalid_arguments', say });
    const got = await call(await agent(), 'probe_echo');
    expect(got.result).toMatchObject({
      content: [{ text: 'Only SELECT. Try again.' }],
      structuredContent: { code: 'invalid_arguments' },
    });
  });

  it('believes egress, not the connector', async () => {
    const at = { connector: 'probe', destination: 'database', address: 'localhost:1', startedAt: 1, durationMs: 1 };
    stand.behaviour.connections = [{ ...at, bytesToBackend: 1, bytesFromBackend: 7, code: 'backend_certificate' }];
    expect(codeOf(await call(await agent(), 'probe_echo'))).toBe('backend_certificate');
  });

  it('ends a call with egress’s code when the ticket is refused', async () => {
    stand.behaviour.refuseTicket = 'reauthentication_required';
    expect(codeOf(await call(await agent(), 'probe_echo'))).toBe('reauthentication_required');
  });

  it('says so while nobody is signed in, a connector waits, or all is paused', async () => {
    const client = await agent();
    const ends = (code: OutcomeCode): Promise<void> =>
      poll(async () => codeOf(await call(client, 'probe_echo')) === code);
    stand.identify(null);
    await ends('not_signed_in');
    stand.identify(alice, ['probe']);
    await ends('reauthentication_required');
    stand.identify(alice);
    await stand.shell.request('pause', { paused: true });
    await ends('paused');
    await stand.shell.request('pause', { paused: false });
    await poll(async () => codeOf(await call(client, 'probe_echo')) === undefined);
  });

  it('ends what runs for the former person', async () => {
    const started = new Promise<void>((resolve) => {
      stand.behaviour.onCall = () => {
        resolve();
        return Promise.resolve();
      };
    });
    const client = await agent();
    const pending = call(client, 'probe_echo');
    await started;
    stand.identify(bob);
    expect(codeOf(await pending)).toBe('access_ended');
    expect(stand.behaviour.tickets.at(-1)).toMatchObject({
      subject: alice.subject,
      open: false,
      cancelled: 'access_ended',
    });
    expect(codeOf(await call(client, 'probe_echo'))).toBe('not_permitted');
    stand.identify(alice);
    await poll(async () => ((await client.ask('tools/list')).result?.['tools'] as unknown[]).length > 0);
  });

  it('cancels on request and does not answer', async () => {
    const started = new Promise<void>((resolve) => {
      stand.behaviour.onCall = () => {
        resolve();
        return Promise.resolve();
      };
    });
    const client = await agent();
    client.send({
      jsonrpc: '2.0',
      id: 'gone',
      method: 'tools/call',
      params: { name: 'probe_echo', arguments: { text: 'x' } },
    });
    await started;
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'gone' } });
    await poll(() => stand.behaviour.tickets.at(-1)?.open === false);
    await client.ask('ping');
    expect(client.received.some(({ id }) => id === 'gone')).toBe(false);
  });

  it('says a lost connector failed, and goes on with its successor', async () => {
    const client = await agent();
    stand.connector.close();
    await poll(async () => codeOf(await call(client, 'probe_echo')) === 'connector_failed');
    await stand.attachPair();
    await poll(async () => codeOf(await call(client, 'probe_echo')) === undefined);
    expect(stand.behaviour.settings).toEqual({ some: 'setting' });
  });
});

describe('what the shell and the disk see', () => {
  it('reports agents, calls and stages', async () => {
    const client = await agent();
    client.send({ jsonrpc: '2.0', method: 'notifications/sallyport/agent', params: { agent: 'claude-code' } });
    await call(client, 'probe_echo');
    const status = await stand.shell.request('status', {});
    expect(status.agents.at(-1)).toMatchObject({
      program: 'claude-code (node)',
      pid: process.pid,
      protocol: '2025-11-25',
    });
    expect(status.calls.at(-1)).toMatchObject({ tool: 'probe_echo', outcome: 'released', person: alice.username });
    expect(status.stages.map(({ stage, mode }) => `${stage} ${mode}`)).toEqual([
      'admit enforced',
      'check-arguments enforced',
      'authorize enforced',
      'limit-rate enforced',
      'ask-approval enforced',
      'check-contract enforced',
      'classify enforced',
      'redact enforced',
      'minimize enforced',
      'scrub-secrets enforced',
    ]);
  });

  it('writes intent and outcome with shapes and without values', async () => {
    const client = await agent();
    const before = stand.auditRecords().length;
    await call(client, 'probe_echo', { text: 'a value that must not be written' });
    await poll(() => stand.auditRecords().length >= before + 2);
    const [intent, outcome] = stand.auditRecords().slice(-2);
    expect(intent).toMatchObject({
      event: 'call-intent',
      argumentShape: { text: 'string(32)' },
      policy: 'analysts-read',
      person: { username: 'alice' },
    });
    expect(outcome).toMatchObject({ event: 'call-outcome', decision: 'released', code: null, policy: 'analysts-read' });
    expect(JSON.stringify(stand.auditRecords())).not.toContain('must not be written');
    expect(await verifyLog(path.join(stand.folder, 'audit'))).toMatchObject({ ok: true });
  });

  it('keeps socket, folder and log to their user', () => {
    const mode = (...parts: string[]): number => lstatSync(path.join(stand.folder, ...parts)).mode & 0o777;
    const [log = ''] = readdirSync(path.join(stand.folder, 'audit'));
    expect([mode('run'), mode('run', 'mcp.sock'), mode('audit'), mode('audit', log)]).toEqual([
      0o700, 0o600, 0o700, 0o600,
    ]);
  });

  it('is hardened', async () => {
    expect(await stand.shell.request('hardening', {})).toMatchObject({
      notDumpable: true,
      noNewPrivileges: true,
      dieWithParent: true,
    });
  });
});
