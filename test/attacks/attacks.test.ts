/**
 * The tables of `cases/` against a real gateway, whose connector and egress worker behave as each case says. Every case ends
 * with its code; what is refused before dispatch reached no connector; and nothing of what was withheld is in the answer.
 */
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyLog } from '../../main/audit/verify.ts';
import { auditRecordSchema } from '../../main/contract/audit.ts';
import { startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { post, stateless } from '../process/stand/http-client.ts';
import {
  connectLines,
  initialized,
  statelessMeta,
  type Answer,
  type LineClient,
} from '../process/stand/line-client.ts';
import { agentArguments } from './cases/agent-arguments.ts';
import { agentMessages } from './cases/agent-messages.ts';
import { agentRequests } from './cases/agent-requests.ts';
import { hostileContent } from './cases/backend-content.ts';
import { connectorAnswers } from './cases/connector-answers.ts';
import { egressAnswers } from './cases/egress-answers.ts';
import { codeOf, manifest, policies, value } from './cases/scene.ts';

let stand: GatewayStand;
/** Of a program that behaves. */
let neighbour: LineClient;
let reached = 0;
const clients: LineClient[] = [];

beforeAll(async () => {
  stand = await startGateway({ manifest, policies });
  neighbour = await initialized(stand.socketPath);
});
afterAll(async () => {
  neighbour.socket.destroy();
  await stand.stop();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  // The positive control of each case: the gateway, its connector and another program's call are as before.
  behave();
  const got = await neighbour.ask('tools/call', { name: 'probe_find', arguments: { text: 'x' } });
  expect(got.result?.structuredContent).toEqual({ text: 'as it should be' });
});

function behave(): void {
  stand.behaviour.refuseTicket = undefined;
  stand.behaviour.connections = [];
  stand.behaviour.onCall = (header, stream) => {
    reached += 1;
    return value({ text: 'as it should be' })(header, stream);
  };
  reached = 0;
}

async function agent(era: 'handshake' | 'stateless' = 'handshake'): Promise<LineClient> {
  const client = await (era === 'handshake' ? initialized(stand.socketPath) : connectLines(stand.socketPath));
  clients.push(client);
  return client;
}

/** Of the line that was sent last: what cannot be read has no id. */
async function answerTo(client: LineClient, bytes: string | Buffer): Promise<Answer> {
  const before = client.received.length;
  client.socket.write(Buffer.concat([Buffer.from(bytes), Buffer.from('\n')]));
  return client.until((got) => client.received.indexOf(got) >= before && got.method === undefined);
}

const callOf = (tool: string, raw: string, meta = ''): string =>
  `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"${tool}","arguments":${raw}${meta}}}`;
const metaText = `,${JSON.stringify(statelessMeta).slice(1, -1)}`;

describe('a manipulated agent', () => {
  it.each(agentMessages)('sends $name: $code', async ({ bytes, code }) => {
    expect(codeOf(await answerTo(await agent(), bytes))).toBe(code);
  });

  it.each(agentArguments)('calls with $name: $code, in both eras and over HTTP', async ({ tool, raw, code }) => {
    behave();
    const { headers } = stateless('tools/call', { name: tool });
    const overHttp = await post({ socketPath: stand.socketPath, headers, body: callOf(tool, raw, metaText) });
    const got = [
      await answerTo(await agent(), callOf(tool, raw)),
      await answerTo(await agent('stateless'), callOf(tool, raw, metaText)),
      overHttp.message,
    ];
    expect(got.map(codeOf)).toEqual([code, code, code]);
    expect(reached).toBe(0);
  });

  it.each(agentRequests)('asks for $name: $code', async ({ method, params, code }) => {
    behave();
    expect(codeOf(await (await agent()).ask(method, params))).toBe(code);
    expect(reached).toBe(0);
  });
});

async function call(tool: string): Promise<Answer> {
  return (await agent()).ask('tools/call', { name: tool, arguments: tool === 'probe_find' ? { text: 'x' } : {} });
}

describe('a compromised connector', () => {
  it.each(connectorAnswers)('answers $tool with $name: $code', async ({ tool, onCall, code }) => {
    stand.behaviour.onCall = onCall;
    const got = await call(tool);
    expect(codeOf(got)).toBe(code);
    expect(JSON.stringify(got)).not.toMatch(/hidden|salary|hello/);
  });
});

describe('hostile content', () => {
  it.each(hostileContent)('is $name: $code', async ({ tool, onCall, code, gives, never }) => {
    stand.behaviour.onCall = onCall;
    const got = await call(tool);
    expect(codeOf(got)).toBe(code);
    if (gives !== undefined) expect(got.result?.structuredContent).toEqual(gives);
    if (never !== undefined) expect(JSON.stringify(got)).not.toMatch(never);
  });
});

describe('a compromised egress worker', () => {
  it.each(egressAnswers)('says $name: $code', async ({ connections, refuseTicket, code }) => {
    stand.behaviour.connections = [...connections];
    stand.behaviour.refuseTicket = refuseTicket;
    expect(codeOf(await call('probe_find'))).toBe(code);
  });
});

it('what was written down of all this is whole, chained, and no forged word in it', async () => {
  expect(await verifyLog(path.join(stand.folder, 'audit'))).toMatchObject({ ok: true });
  const broken = stand.auditRecords().filter((record) => !auditRecordSchema.safeParse(record).success);
  expect(broken).toEqual([]);
  expect(JSON.stringify(stand.auditRecords())).not.toMatch(/needle|Ignore/);
});
