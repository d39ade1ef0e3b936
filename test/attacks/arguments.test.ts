/** What a manipulated agent can write into a call's arguments, against a real gateway: it becomes nobody else by it. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CallHeader } from '../../main/contract/channels.ts';
import type { ToolManifest } from '../../main/contract/manifest.ts';
import { alice, answer, manifest, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { initialized, type LineClient } from '../process/stand/line-client.ts';

const text = { type: 'string', maxLength: 200 } as const;
const about = { ...text, 'x-sallyport-identity': 'data' } as const;
const find: ToolManifest = {
  ...manifest.tools[0]!,
  name: 'find',
  inputSchema: {
    type: 'object',
    properties: {
      user: about,
      tenant: about,
      role: about,
      'x-ms-client-principal': about,
      folder: { ...text, 'x-sallyport-text': 'path' },
    },
    additionalProperties: false,
  },
};
/** It would permit whatever bob or an administrator asks for. */
const policies = [
  {
    name: 'a.cedar',
    text: '@id("alice") permit (principal, action, resource) when { principal.roles.contains("analyst") };',
  },
  {
    name: 'b.cedar',
    text: '@id("admins") permit (principal, action, resource) when { principal.roles.contains("admin") };',
  },
];

let stand: GatewayStand;
let agent: LineClient;
let headers: CallHeader[];
beforeAll(async () => {
  stand = await startGateway({ manifest: { ...manifest, tools: [find] }, policies });
  agent = await initialized(stand.socketPath);
});
afterAll(async () => {
  agent.socket.destroy();
  await stand.stop();
});
beforeEach(() => {
  headers = [];
  stand.behaviour.onCall = (header, stream) => {
    headers.push(header);
    return answer(stream, { ok: true, value: { text: 'x' } });
  };
});

const call = (args: Record<string, unknown>) => agent.ask('tools/call', { name: 'probe_find', arguments: args });

it('arguments named like an identity are data: person, ticket, policy and connector see the person who signed in', async () => {
  const claim = Buffer.from('{"userId":"bob-subject","userRoles":["admin"]}').toString('base64');
  const args = { user: 'bob-subject', tenant: 'other', role: 'admin', 'x-ms-client-principal': claim };
  expect((await call(args)).result?.isError).toBeUndefined();
  const ticket = stand.behaviour.tickets.at(-1);
  expect(ticket?.subject).toBe(alice.subject);
  // What the connector got beside the arguments says nothing of a person at all.
  const { arguments: got, ...rest } = headers[0]!;
  expect(got).toEqual(args);
  expect(JSON.stringify(rest)).not.toMatch(/bob|admin|alice/);
  const intent = stand.auditRecords().findLast((record) => record.event === 'call-intent');
  expect(intent).toMatchObject({ person: { subject: alice.subject }, policy: 'alice' });
});

it.each([
  'user_id',
  'on_behalf_of',
  'impersonate',
  'as_user',
  'sub',
  'principal',
  'User',
  'USER',
  '__user',
  'callId',
  'ticket',
])('undeclared: %s', async (name) => {
  const got = await call({ [name]: 'bob-subject' });
  expect(got.result?.structuredContent).toMatchObject({ code: 'invalid_arguments', retry: 'never' });
  expect(headers).toEqual([]);
});

it('beside the arguments they are no part of a call', async () => {
  const got = await agent.ask('tools/call', {
    name: 'probe_find',
    arguments: {},
    user: 'bob-subject',
    principal: { subject: 'bob-subject' },
    _meta: { 'x-ms-client-principal': 'bob-subject', user: 'bob-subject' },
  });
  expect(got.result?.isError).toBeUndefined();
  expect(stand.behaviour.tickets.at(-1)?.subject).toBe(alice.subject);
  expect(JSON.stringify(headers)).not.toContain('bob');
});

it.each([
  ['../../etc/passwd'],
  ['reports/..\\..\\x'],
  ['reports/\u202Evsc.exe'],
  ['rep\u200Borts'],
  ['rеports'],
  ['\uFF0E\uFF0E/x'],
  ['reports/%2e%2e/x'],
])('a path that is not what it looks like does not reach the connector: %j', async (folder) => {
  const got = await call({ folder });
  expect(got.result?.structuredContent?.['code']).toBe('invalid_arguments');
  expect(headers).toEqual([]);
});

it.each(['{"folder":"a","folder":"b"}', '{"__proto__":{"user":"bob"}}', '{"\\u005f_proto__":{}}', '{"folder":1e999}'])(
  'is refused: %s',
  async (args) => {
    const other = await initialized(stand.socketPath);
    other.send(
      `{"jsonrpc":"2.0","id":"raw","method":"tools/call","params":{"name":"probe_find","arguments":${args}}}\n`,
    );
    const got = await other.until(({ id, error }) => id === 'raw' || error !== undefined);
    expect(JSON.stringify(got)).toMatch(/malformed|invalid_arguments/);
    expect(headers).toEqual([]);
    other.socket.destroy();
  },
);
