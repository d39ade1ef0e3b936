/**
 * Cedar's wasm on the bundled Node: 100,000 decisions that no cache answers, each beside a result of 1 MiB that is read and
 * written as the gateway does. An abort of the runtime ends this process, so reaching the last line is the result.
 * `npm run soak -- cedar [DECISIONS]`
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createAuthorizer } from '../../main/policy/cedar.ts';
import { alice, offeredTool, toolCall } from '../samples/pipeline.ts';

const total = Number(process.argv[2] ?? 100_000);
const folder = path.join(import.meta.dirname, '../../main/policy/postures');
const name = 'operator-with-approvals.cedar';
const authorizer = createAuthorizer([{ name, text: readFileSync(path.join(folder, name), 'utf8') }]);

const [reading, writing] = [offeredTool(), offeredTool({ operation: 'write' })];
const { caller } = toolCall();
const wire = Buffer.from(JSON.stringify({ text: 'x'.repeat(1_048_576) }));
const rssMb = (): number => Math.round(process.memoryUsage().rss / 1_048_576);

let decidedMs = 0;
let wrong = 0;
const startedAt = performance.now();
for (let at = 1; at <= total; at += 1) {
  const tool = at % 2 === 0 ? reading : writing;
  const from = performance.now();
  // Analysts read, and may not write; no two of these questions are the same.
  const { permitted } = authorizer.decide({ principal: alice, caller, tool, resource: `table ${at}` });
  decidedMs += performance.now() - from;
  if (permitted !== (tool === reading)) wrong += 1;
  const result: unknown = JSON.parse(wire.toString());
  if (JSON.stringify(result).length !== wire.length) wrong += 1;
  if (at % 10_000 === 0) {
    const each = ((decidedMs / at) * 1000).toFixed(0);
    process.stdout.write(`${at} decisions, ${each} µs each, ${rssMb()} MiB, ${wrong} wrong\n`);
  }
}
const { hits, misses } = authorizer.counts;
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
process.stdout.write(
  `${misses} decisions by Cedar, ${hits} from the cache, ${total} MiB of results, ${seconds} s, no abort, ${wrong} wrong\n`,
);
if (wrong > 0 || misses !== total) process.exitCode = 1;
