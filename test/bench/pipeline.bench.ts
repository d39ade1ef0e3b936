/** What a call costs inside the gateway: the stages with a cached and a new decision, the door, and the log. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readJson } from '../../main/agent/strict-json.ts';
import { openAuditLog } from '../../main/audit/log.ts';
import { createToolRegistry } from '../../main/connectors/tool-registry.ts';
import type { Caller } from '../../main/contract/call.ts';
import { manifestSchema } from '../../main/contract/manifest.ts';
import type { Principal } from '../../main/contract/principal.ts';
import { createFlowLabels } from '../../main/pipeline/flow.ts';
import { createPipeline } from '../../main/pipeline/pipeline.ts';
import { createAuthorizer } from '../../main/policy/cedar.ts';
import { alice, offeredTool, toolCall } from '../samples/pipeline.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-bench-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const log = await openAuditLog({ folder: path.join(folder, 'audit'), epochMs: Date.now });
const read = (file: string): string => readFileSync(path.join(import.meta.dirname, '../..', file), 'utf8');
const posture = 'main/policy/postures/lab.cedar';
const labPolicies = [{ name: posture, text: read(posture) }];
const authorizer = createAuthorizer(labPolicies);
const tool = offeredTool();
let turn = 0;

function pipelineWith(durable: boolean, principal: () => typeof alice) {
  return createPipeline({
    flows: createFlowLabels(),
    tools: () => [tool],
    findTool: () => tool,
    identity: () => ({ principal: principal(), validUntil: null, waiting: [] }),
    gate: () => ({ paused: false, consentTo: () => 'allowed' }),
    authorizer,
    audit: durable ? log : { appendDurably: () => Promise.resolve(), append: () => undefined },
    quotas: { reserve: () => null, settle: () => undefined },
    approvals: { ask: () => Promise.resolve('denied') },
    dispatch: () => Promise.resolve({ ok: true, value: { text: 'x', rows: [1] }, resultBytes: 1, backendBytes: 1 }),
    clock: { epochMs: Date.now, monotonicMs: () => performance.now() },
    report: () => undefined,
    keepRows: () => ({ push: () => undefined, finish: () => Promise.resolve(null), abandon: () => undefined }),
    pseudonym: (text) => text,
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
const params = { name: 'probe_echo', arguments: { text: 'x'.repeat(200) } };
const line = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });

await measure('a call, decision cached, no log', 20_000, () => cached.run(toolCall()));
await measure('a call, decision new, no log', 3000, () => fresh.run(toolCall()));
await measure('a call, decision cached, intent on the disk', 2000, () => logged.run(toolCall()));
await measure('64 calls at once, intents on the disk', 100, () =>
  Promise.all(Array.from({ length: 64 }, () => logged.run(toolCall()))),
);
await measure('a line of a call, read strictly', 100_000, () => readJson(line));
await measure('the same by JSON.parse alone', 100_000, () => JSON.parse(line) as unknown);
await log.close();
workload();

/**
 * As the lab is used: three people one after the other, each with three programs that list the tools and call all of them;
 * every 50th call finds new claims, as a renewal brings them, and one program in three makes a connection of its own a call.
 */
function workload(): void {
  const manifest = manifestSchema.parse(JSON.parse(read('connector-host/connectors/postgres/manifest.json')));
  const tools = createToolRegistry([manifest]);
  const lab = createAuthorizer(labPolicies);
  const ask = (principal: Principal, caller: Caller): void => {
    for (const tool of tools.all) lab.decide({ principal, caller, tool, resource: 'database' });
  };
  for (const role of ['analyst', 'support', 'admin']) {
    let principal: Principal = { ...alice, subject: role, username: role, roles: [role] };
    for (const program of ['one', 'two', 'three']) {
      for (let call = 0; call < 100; call += 1) {
        if (call % 50 === 0) principal = structuredClone(principal);
        // A list of tools asks about each of them; so do these calls.
        ask(principal, { ...toolCall().caller, program, pid: program === 'three' ? call : 1 });
      }
    }
  }
  const { hits, misses } = lab.counts;
  const share = ((hits / (hits + misses)) * 100).toFixed(1);
  process.stdout.write(
    `the lab’s workload: ${hits + misses} decisions, ${misses} by Cedar, ${share} % from the cache\n`,
  );
}
