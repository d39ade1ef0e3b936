/** What a call costs inside the gateway: the stages with a cached and a new decision, the door, and the log. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readJson } from '../../main/agent/strict-json.ts';
import { openAuditLog } from '../../main/audit/log.ts';
import { createPipeline } from '../../main/pipeline/pipeline.ts';
import { createAuthorizer } from '../../main/policy/cedar.ts';
import { alice, offeredTool, toolCall } from '../samples/pipeline.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-bench-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const log = await openAuditLog({ folder: path.join(folder, 'audit'), epochMs: Date.now });
const text = '@id("p") permit (principal, action, resource) when { principal.roles.contains("analyst") };';
const authorizer = createAuthorizer([{ name: 'bench.cedar', text }]);
const tool = offeredTool();
let turn = 0;

function pipelineWith(durable: boolean, principal: () => typeof alice) {
  return createPipeline({
    tools: () => [tool],
    findTool: () => tool,
    identity: () => ({ principal: principal(), validUntil: null, waiting: [] }),
    gate: () => ({ paused: false, consentTo: () => 'allowed' }),
    authorizer,
    audit: durable ? log : { appendDurably: () => Promise.resolve(), append: () => undefined },
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
