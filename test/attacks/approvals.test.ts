/**
 * Approvals against a real gateway, with a person who answers as each test says: nothing over the socket approves, and what was
 * approved is what runs, once.
 */
import { afterEach, expect, it, vi } from 'vitest';
import type { Approval, ApprovalAnswer } from '../../main/contract/approval.ts';
import type { CallHeader } from '../../main/contract/channels.ts';
import { alice, answer, bob, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { initialized, type Answer, type LineClient } from '../process/stand/line-client.ts';

/** Longer than a call waits for the person. */
const waitTimeoutMs = 40_000;

let stand: GatewayStand;
const clients: LineClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await stand.stop();
});

interface Scene {
  readonly agent: LineClient;
  /** What reached the connector. */
  readonly ran: CallHeader[];
  /** The person, answering the n-th question. */
  readonly say: (answer: ApprovalAnswer, question?: number) => Promise<void>;
}

async function agentOf(): Promise<LineClient> {
  const client = await initialized(stand.socketPath);
  clients.push(client);
  return client;
}

async function scene(): Promise<Scene> {
  const questions: ((answer: ApprovalAnswer) => void)[] = [];
  stand = await startGateway({ approve: () => new Promise((resolve) => questions.push(resolve)) });
  const ran: CallHeader[] = [];
  stand.behaviour.onCall = (header, stream) => {
    ran.push(header);
    return answer(stream, { ok: true, value: { text: 'done' } });
  };
  return {
    agent: await agentOf(),
    ran,
    say: async (what, question = 0) => {
      const resolve = await vi.waitUntil(() => questions[question], { timeout: waitTimeoutMs });
      resolve(what);
    },
  };
}

const write = (client: LineClient, text: string): Promise<Answer> =>
  client.ask('tools/call', { name: 'probe_write', arguments: { text } });
const codeOf = ({ result }: Answer): unknown =>
  result?.isError === true ? result.structuredContent?.['code'] : 'released';

it('runs what was approved, with what the person was shown, and writes down who said what', async () => {
  const { agent, ran, say } = await scene();
  const running = write(agent, 'move 12\u202E21');
  await say('approve');
  expect(codeOf(await running)).toBe('released');
  expect(ran.map(({ arguments: args }) => args)).toEqual([{ text: 'move 12\u202E21' }]);
  expect(stand.approvals).toMatchObject([
    { tool: 'probe_write', operation: 'write', person: 'alice', shown: '{\n  "text": "move 12\\u{202E}21"\n}' },
  ]);
  await vi.waitUntil(() => stand.auditRecords().some(({ event }) => event === 'call-outcome'));
  const whats = stand.auditRecords().flatMap((record) => (record.event === 'lifecycle' ? [record] : []));
  expect(whats.map(({ what }) => what)).toEqual(['started', 'approval-asked', 'approval-given']);
  expect(whats.at(-1)).toMatchObject({ person: { subject: alice.subject }, subject: 'probe_write' });
  expect(JSON.stringify(stand.auditRecords())).not.toContain('move 12');
});

it('a second call of the same, at once or later, is a question of its own', async () => {
  const { agent, ran, say } = await scene();
  const running = write(agent, 'once');
  await vi.waitUntil(() => stand.approvals.length === 1, { timeout: waitTimeoutMs });
  expect(codeOf(await write(agent, 'once'))).toBe('approval_pending');
  await say('approve');
  expect(codeOf(await running)).toBe('released');
  const again = write(agent, 'once');
  await say('deny', 1);
  expect(codeOf(await again)).toBe('approval_denied');
  expect(ran).toHaveLength(1);
});

it('waits a while with progress, then the same call runs once after the person approved, and no other call', async () => {
  const { agent, ran, say } = await scene();
  agent.send({
    jsonrpc: '2.0',
    id: 'first',
    method: 'tools/call',
    params: { name: 'probe_write', arguments: { text: 'later' }, _meta: { progressToken: 'p' } },
  });
  const pending = await agent.until(({ id }) => id === 'first', waitTimeoutMs);
  expect(pending.result).toMatchObject({
    isError: true,
    structuredContent: { code: 'approval_pending', retry: 'after_approval' },
  });
  const notes = agent.received.filter(({ method }) => method === 'notifications/progress');
  expect(notes.length).toBeGreaterThan(3);
  expect(ran).toEqual([]);
  await say('approve');
  // Other arguments ask anew, and take nothing of what was approved.
  const changed = write(agent, 'later!');
  await say('deny', 1);
  expect(codeOf(await changed)).toBe('approval_denied');
  // From another connection of the same program.
  expect(codeOf(await write(await agentOf(), 'later'))).toBe('released');
  expect(ran.map(({ arguments: args }) => args)).toEqual([{ text: 'later' }]);
  const third = write(agent, 'later');
  await say('deny', 2);
  expect(codeOf(await third)).toBe('approval_denied');
}, 120_000);

it.each([
  ['an argument', { arguments: { text: 'x', approved: true } }],
  [
    'metadata',
    { arguments: { text: 'x' }, _meta: { approved: true, approval: 'approve', 'sallyport/approval': 'approve' } },
  ],
  [
    'an answer to a question that was not asked',
    { arguments: { text: 'x' }, inputResponses: { a: { action: 'accept' } } },
  ],
])('nothing in a call approves it: %s', async (_what, params) => {
  const { agent, ran, say } = await scene();
  const running = agent.ask('tools/call', { name: 'probe_write', ...params });
  say('deny').catch(() => undefined);
  const got = await running;
  expect(['approval_denied', 'invalid_arguments']).toContain(codeOf(got));
  expect(ran).toEqual([]);
});

it('no MCP method approves', async () => {
  const { agent, ran } = await scene();
  const running = write(agent, 'x');
  await vi.waitUntil(() => stand.approvals.length === 1, { timeout: waitTimeoutMs });
  const { id } = stand.approvals[0]!;
  for (const method of ['approve', 'approvals/approve', 'tools/approve', 'elicitation/respond', 'sallyport/approve'])
    expect((await agent.ask(method, { id, decision: 'approve' })).error).toMatchObject({ code: -32601 });
  expect(ran).toEqual([]);
  stand.identify(null);
  expect(codeOf(await running)).toBe('access_ended');
});

it.each<[string, (gateway: GatewayStand) => unknown, string]>([
  ['signed out', (gateway) => gateway.identify(null), 'access_ended'],
  ['changed', (gateway) => gateway.identify({ ...bob, roles: ['analyst'] }), 'access_ended'],
  ['paused', (gateway) => gateway.shell.request('pause', { paused: true }), 'paused'],
])('a person who %s while it was asked: it is taken back, and an approval comes too late', async (_how, act, code) => {
  const { agent, ran, say } = await scene();
  const running = write(agent, 'x');
  await vi.waitUntil(() => stand.approvals.length === 1, { timeout: waitTimeoutMs });
  await act(stand);
  expect(codeOf(await running)).toBe(code);
  await vi.waitUntil(() => stand.over.length === 1, { timeout: waitTimeoutMs });
  expect(stand.over).toEqual([stand.approvals[0]?.id]);
  await say('approve');
  await stand.shell.request('pause', { paused: false });
  stand.identify(alice);
  await vi.waitUntil(
    async () => codeOf(await agent.ask('tools/call', { name: 'probe_echo', arguments: { text: 'x' } })) === 'released',
  );
  ran.length = 0;
  // What was approved for before is asked again.
  const again = write(agent, 'x');
  await say('deny', 1);
  expect(codeOf(await again)).toBe('approval_denied');
  expect(ran).toEqual([]);
});

it('a program that is told no cannot nag, with the same arguments or others', async () => {
  const { agent, ran, say } = await scene();
  for (let at = 0; at < 3; at += 1) {
    const running = write(agent, `try ${at}`);
    await say('deny', at);
    const { result } = await running;
    expect(result?.structuredContent).toMatchObject({ code: 'approval_denied', retry: 'never' });
  }
  for (let at = 0; at < 20; at += 1) expect(codeOf(await write(agent, `try ${at}`))).toBe('approval_denied');
  expect(stand.approvals).toHaveLength(3);
  expect(ran).toEqual([]);
});

it('a flood of questions is bounded, and reading goes on beside it', async () => {
  const { agent } = await scene();
  const all = Array.from({ length: 40 }, (_, at) => write(agent, `flood ${at}`));
  const crowded: Answer[] = [];
  for (const one of all) one.then((got) => codeOf(got) === 'rate_limited' && crowded.push(got)).catch(() => undefined);
  await vi.waitUntil(() => crowded.length === 35, { timeout: waitTimeoutMs });
  expect(stand.approvals).toHaveLength(5);
  expect(codeOf(await agent.ask('tools/call', { name: 'probe_echo', arguments: { text: 'x' } }))).toBe('released');
});

it('arguments that a person cannot read are not asked about', async () => {
  const { agent, ran } = await scene();
  const got = await write(agent, 'x'.repeat(20_000));
  expect(codeOf(got)).toBe('invalid_arguments');
  expect([stand.approvals, ran]).toEqual([[], []]);
});

it('a cancelled call is not asked about any more', async () => {
  const { agent, say, ran } = await scene();
  agent.send({
    jsonrpc: '2.0',
    id: 'c',
    method: 'tools/call',
    params: { name: 'probe_write', arguments: { text: 'x' } },
  });
  await vi.waitUntil(() => stand.approvals.length === 1, { timeout: waitTimeoutMs });
  agent.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } });
  await vi.waitUntil(() => stand.over.length === 1, { timeout: waitTimeoutMs });
  await say('approve');
  expect(codeOf(await agent.ask('tools/call', { name: 'probe_echo', arguments: { text: 'x' } }))).toBe('released');
  expect(ran.map(({ tool }) => tool)).toEqual(['echo']);
});

it('without a window it is refused, and says why', async () => {
  stand = await startGateway({ approve: (_: Approval) => Promise.resolve('unavailable') });
  const got = await write(await agentOf(), 'x');
  expect(got.result).toMatchObject({
    content: [{ text: expect.stringContaining('needs the tray') as unknown }],
    structuredContent: { code: 'approval_denied', retry: 'never' },
  });
});
