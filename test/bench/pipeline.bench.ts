/** What a call costs inside the gateway: the stages with a cached and a new decision, the door, and the log. */
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAgentConsent } from '../../main/agent-consent.ts';
import { readJson } from '../../main/agent/strict-json.ts';
import { openAuditLog } from '../../main/audit/log.ts';
import { createToolRegistry } from '../../main/connectors/tool-registry.ts';
import { clear, type Caller, type ToolCall } from '../../main/contract/call.ts';
import type { LabelNode } from '../../main/contract/labels.ts';
import { Fault } from '../../main/contract/errors.ts';
import { manifestSchema } from '../../main/contract/manifest.ts';
import { createFlowLabels } from '../../main/pipeline/flow.ts';
import { createOutbound } from '../../main/pipeline/outbound.ts';
import { createPipeline } from '../../main/pipeline/pipeline.ts';
import { createQuotas } from '../../main/pipeline/quotas.ts';
import { createAdmit } from '../../main/pipeline/stages/admit.ts';
import { createAskApproval, type Approvals } from '../../main/pipeline/stages/ask-approval.ts';
import { createAuthorize } from '../../main/pipeline/stages/authorize.ts';
import { createCheckArguments } from '../../main/pipeline/stages/check-arguments.ts';
import { createLimitRate } from '../../main/pipeline/stages/limit-rate.ts';
import { createAuthorizer } from '../../main/policy/cedar.ts';
import { connectAgent, type Agent } from '../process/agents.ts';
import { startProduct } from '../process/harness.ts';
import { alice, inboundView, toolCall } from '../samples/pipeline.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-bench-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const log = await openAuditLog({ folder: path.join(folder, 'audit'), epochMs: Date.now });
const read = (file: string): string => readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8');
const posture = 'main/policy/postures/lab.cedar';
const labPolicies = [{ name: posture, text: read(posture) }];
const authorizer = createAuthorizer(labPolicies);
const manifest = manifestSchema.parse(JSON.parse(read('connector-host/connectors/postgres/manifest.json')));
const tools = createToolRegistry([manifest]);
/** A small call of a real tool, with its schemas compiled. */
const [tool] = tools.all.filter(({ name }) => name === 'postgres_list_tables');
if (tool === undefined) throw new Fault('internal', 'the connector has no such tool');
const offered = tool;
const call = (): ToolCall => toolCall({ schema: 'shop' }, 'postgres_list_tables');
const result = {
  tables: [{ schema: 'shop', table: 'orders', kind: 'table', description: 'One row an order' }],
  truncated: false,
};
const unlimited = { callsPerMinute: 1e9, burst: 1e9, rowsPerHour: 1e12, bytesPerHour: 1e12 };
const quotas = createQuotas({
  limits: { person: unlimited, tool: unlimited },
  monotonicMs: () => performance.now(),
  hash: (text) => createHash('sha256').update(text).digest('base64url'),
  kept: null,
  onChange: () => undefined,
});
const consent = createAgentConsent({ mode: 'ask', onUnknown: () => undefined, monotonicMs: () => performance.now() });
consent.replace({ allowed: [toolCall().caller.key], denied: [] });
const gate = { paused: false, consentTo: (caller: Caller) => consent.of(caller) };
const pseudonym = (text: string): string => createHmac('sha256', 'key').update(text).digest('hex');
const approvals: Approvals = { ask: () => Promise.resolve('denied') };
let turn = 0;

function pipelineWith(durable: boolean, principal: () => typeof alice) {
  return createPipeline({
    flows: createFlowLabels(),
    tools: () => [offered],
    findTool: () => offered,
    identity: () => ({ principal: principal(), validUntil: null, waiting: [] }),
    gate: () => gate,
    authorizer,
    audit: durable ? log : { appendDurably: () => Promise.resolve(), append: () => undefined },
    quotas,
    approvals,
    dispatch: () => Promise.resolve({ ok: true, value: result, resultBytes: 1, backendBytes: 1 }),
    clock: { epochMs: Date.now, monotonicMs: () => performance.now() },
    report: () => undefined,
    keepRows: () => ({ push: () => undefined, finish: () => Promise.resolve(null), abandon: () => undefined }),
    pseudonym,
  });
}

/** Microseconds a turn of `work`, wall and CPU, after a warm-up of the same length. */
async function measure(name: string, turns: number, work: () => unknown): Promise<void> {
  let wallMs = 0;
  let cpu = process.cpuUsage();
  for (const _round of ['warm-up', 'measured']) {
    cpu = process.cpuUsage();
    const start = performance.now();
    for (let at = 0; at < turns; at += 1) await work();
    wallMs = performance.now() - start;
  }
  const { user, system } = process.cpuUsage(cpu);
  const per = (microseconds: number): string => (microseconds / turns).toFixed(1);
  process.stdout.write(`${name}: ${per(wallMs * 1000)} µs, CPU ${per(user + system)} µs\n`);
}

const cached = pipelineWith(false, () => alice);
const fresh = pipelineWith(false, () => ({ ...alice, authenticatedAt: turn++ }));
const logged = pipelineWith(true, () => alice);
const params = { name: 'postgres_list_tables', arguments: { schema: 'x'.repeat(60) } };
const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });

await measure('a call, decision cached, no log', 20_000, () => cached.run(call()));
await measure('a call, decision new, no log', 3000, () => fresh.run(call()));
await measure('a call, decision cached, intent on the disk', 2000, () => logged.run(call()));
await measure('64 calls at once, intents on the disk', 100, () =>
  Promise.all(Array.from({ length: 64 }, () => logged.run(call()))),
);
await measure('a line of a call, read strictly', 100_000, () => readJson(line));
await measure('the same by JSON.parse alone', 100_000, () => JSON.parse(line) as unknown);
await log.close();
await stages();
await workload();

/** Each stage by itself, on the same call. */
async function stages(): Promise<void> {
  const view = {
    ...inboundView({ call: call(), tool: offered, gate, nowMs: Date.now() }),
    identity: { principal: alice, validUntil: null, waiting: [] },
  };
  const never = new AbortController().signal;
  for (const stage of [
    createAdmit(),
    createCheckArguments(),
    createAuthorize(authorizer),
    createAskApproval(approvals, createFlowLabels()),
  ])
    await measure(`stage ${stage.report.stage}`, 50_000, () => stage.check(view, never));
  const limitRate = createLimitRate(quotas);
  await measure('stage limit-rate, with its settling', 50_000, () => {
    const one = { ...view, call: call() };
    limitRate.check(one);
    quotas.settle(one.call, { rows: 1, bytes: 100 });
  });
  const judged = { principal: alice, policy: 'p', exposure: 'sensitive', full: false } as const;
  const cleared = clear({ call: call(), connector: offered.connector, tool: offered.manifest, ...judged });
  let value: unknown = result;
  let labels: LabelNode | null = null;
  for (const stage of createOutbound(pseudonym).all) {
    const given = { cleared, tool: offered, value, labels };
    await measure(`stage ${stage.report.stage}`, 50_000, () => stage.apply(given));
    const verdict = stage.apply(given);
    if (verdict.pass) ({ value, labels = labels } = verdict);
  }
}

/** As the lab is used, on the running product: two people, two agents each of another era, who list the tools and call all of them. */
async function workload(): Promise<void> {
  const product = await startProduct();
  try {
    for (const person of ['alice', 'bob']) {
      await product.signIn(person);
      for (const era of ['v1', 'v2'] as const) await work(await connectAgent(product, era, 'socket'));
    }
    const { fromCache, byCedar } = (await product.status()).decisions;
    const share = ((fromCache / (fromCache + byCedar)) * 100).toFixed(1);
    process.stdout.write(
      `the lab’s workload, in the running product: ${fromCache + byCedar} decisions, ${byCedar} by Cedar, ${share} % from the cache\n`,
    );
  } finally {
    await product.stop();
  }
}

async function work(agent: Agent): Promise<void> {
  await agent.listTools();
  for (let round = 0; round < 25; round += 1) {
    const calls = [
      ['postgres_list_tables', {}],
      ['postgres_describe_table', { table: 'orders' }],
      ['postgres_aggregate', { table: 'orders', measures: [{ function: 'count' }], groupBy: ['region'] }],
      ['postgres_query', { sql: `SELECT ${String(round)} AS round` }],
    ] as const;
    for (const [tool, given] of calls) {
      const { isError, structuredContent } = await agent.call(tool, given);
      if (isError === true) throw new Fault('internal', `${tool} ended as ${String(structuredContent?.['code'])}`);
    }
  }
  await agent.close();
}
