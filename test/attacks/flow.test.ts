/**
 * Carrying what was read to where less may go, against a real gateway: in parallel, under another name, past a sign-out, by an
 * approval that was given before.
 */
import { afterEach, expect, it, vi } from 'vitest';
import type { ApprovalAnswer } from '../../main/contract/approval.ts';
import type { ConnectorManifest } from '../../main/contract/manifest.ts';
import type { Principal } from '../../main/contract/principal.ts';
import { alice, answer, bob, manifest, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { initialized, type Answer, type LineClient } from '../process/stand/line-client.ts';

const timeoutMs = 40_000;
let stand: GatewayStand;
const clients: LineClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await stand.stop();
});

const permit = (more: string): string =>
  `@id("all") @exposure("sensitive") @approval("none") ${more} permit (principal, action, resource)
   when { principal.username like "*" };`;
const receiving = (receives: 'internal' | 'sensitive'): ConnectorManifest => {
  const { database } = manifest.destinations;
  return database === undefined ? manifest : { ...manifest, destinations: { database: { ...database, receives } } };
};

interface Scene {
  readonly agent: (name?: string) => Promise<LineClient>;
  /** The connector answers no read before `release`. */
  readonly hold: () => () => void;
  readonly say: (answer: ApprovalAnswer, question: number) => Promise<void>;
}

async function scene(more = '', given = manifest): Promise<Scene> {
  const questions: ((answer: ApprovalAnswer) => void)[] = [];
  let gate: Promise<void> = Promise.resolve();
  stand = await startGateway({
    manifest: given,
    policies: [{ name: 'flow.cedar', text: permit(more) }],
    approve: () => new Promise((resolve) => questions.push(resolve)),
  });
  stand.behaviour.onCall = async (header, stream) => {
    if (header.tool === 'secret') await gate;
    await answer(stream, { ok: true, value: { text: 'done' } });
  };
  return {
    agent: async (name) => {
      const client = await initialized(stand.socketPath, undefined, name);
      clients.push(client);
      return client;
    },
    hold: () => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => (release = resolve));
      return () => release();
    },
    say: async (what, question) => {
      const resolve = await vi.waitUntil(() => questions[question], { timeout: timeoutMs });
      resolve(what);
    },
  };
}

const call = (client: LineClient, name: string): Promise<Answer> =>
  client.ask('tools/call', { name: `probe_${name}`, arguments: { text: 'x' } });
const codeOf = ({ result }: Answer): unknown =>
  result?.isError === true ? result.structuredContent?.['code'] : 'released';

/** Resolves when the gateway knows: it tells its clients. */
async function becomes(client: LineClient, principal: Principal | null): Promise<void> {
  const told = () => client.received.filter(({ method }) => method === 'notifications/tools/list_changed').length;
  const before = told();
  stand.identify(principal);
  await vi.waitUntil(() => told() > before, { timeout: timeoutMs });
}

it('refuses a write beside a read that was not answered yet, and asks nobody', async () => {
  const { agent, hold } = await scene();
  const client = await agent();
  const release = hold();
  const reading = call(client, 'secret');
  await vi.waitUntil(() => stand.behaviour.tickets.length === 1, { timeout: timeoutMs });
  expect(codeOf(await call(client, 'write'))).toBe('flow_not_allowed');
  release();
  expect(codeOf(await reading)).toBe('released');
  expect(codeOf(await call(client, 'write'))).toBe('flow_not_allowed');
  expect(stand.approvals).toEqual([]);
  await vi.waitUntil(() => stand.auditRecords().filter(({ event }) => event === 'call-outcome').length === 3);
  expect(stand.auditRecords().at(-1)).toMatchObject({ stage: 'ask-approval', code: 'flow_not_allowed', policy: 'all' });
});

it('holds on another connection of the same program, and not for another program', async () => {
  const { agent, say } = await scene();
  await call(await agent('one'), 'secret');
  expect(codeOf(await call(await agent('one'), 'write'))).toBe('flow_not_allowed');
  const writing = call(await agent('two'), 'write');
  await say('approve', 0);
  expect(codeOf(await writing)).toBe('released');
});

it('ends with a sign-out and with another person, and with nothing that a program does', async () => {
  const { agent, say } = await scene();
  const client = await agent();
  expect(codeOf(await call(client, 'secret'))).toBe('released');
  await becomes(client, { ...alice, authenticatedAt: 2 });
  expect(codeOf(await call(client, 'write'))).toBe('flow_not_allowed');
  await becomes(client, bob);
  const writing = call(client, 'write');
  await say('approve', 0);
  expect(codeOf(await writing)).toBe('released');
  expect(codeOf(await call(client, 'secret'))).toBe('released');
  await becomes(client, null);
  await becomes(client, bob);
  const again = call(client, 'write');
  await say('approve', 1);
  expect(codeOf(await again)).toBe('released');
});

it('where policy lets the person decide they are told, and an approval from before is none', async () => {
  const { agent, say } = await scene('@flow("approve")');
  const client = await agent();
  const first = call(client, 'write');
  await vi.waitUntil(() => stand.approvals.length === 1, { timeout: timeoutMs });
  expect(codeOf(await call(client, 'secret'))).toBe('released');
  await say('approve', 0);
  // Its program read more than the person was told.
  expect(codeOf(await first)).toBe('approval_expired');
  const second = call(client, 'write');
  await say('approve', 1);
  expect(codeOf(await second)).toBe('released');
  expect(stand.approvals.map((approval) => approval.hasRead)).toEqual([undefined, 'sensitive']);
});

it('lets what may be received go where it may be received', async () => {
  const { agent, say } = await scene('', receiving('sensitive'));
  const client = await agent();
  expect(codeOf(await call(client, 'secret'))).toBe('released');
  const writing = call(client, 'write');
  await say('approve', 0);
  expect(codeOf(await writing)).toBe('released');
});
