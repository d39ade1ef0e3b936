/**
 * Timings of a start, and what the running product consists of: `npm run bench -- start`, or
 * `node test/bench/start.bench.ts` on the runtime. Prints Markdown for docs/measurements.md. The kernel hides a protected
 * process's memory from its own user: for PSS run it as root, after `npm test` has made the user that the product runs as.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { connectAgent } from '../process/agents.ts';
import { family, ownGround, startProduct } from '../process/harness.ts';
import { findMadeGround, withAgentsOf } from '../process/made-ground.ts';

const startedAt = performance.now();
const since = (from: number): string => `${((performance.now() - from) / 1000).toFixed(2)} s`;
const rows: [string, string][] = [];
/** Root never runs the product: the user that set-up made does. */
const ground = process.getuid?.() === 0 ? await findMadeGround() : ownGround;
const product = withAgentsOf(ground, await startProduct({ ground }));
rows.push(['up --headless --lab, to ready', since(startedAt)]);

const signInAt = performance.now();
await product.signIn('alice');
rows.push(['signin --user alice, through the login form', since(signInAt)]);

const bridgeAt = performance.now();
const agent = await connectAgent(product, 'v1', 'bridge');
rows.push(['bridge: start to initialized', since(bridgeAt)]);

const firstAt = performance.now();
const query = { sql: 'SELECT count(*) AS orders FROM shop.orders' };
await agent.call('postgres_query', query);
rows.push(['first call (credential, login, query)', since(firstAt)]);

const times: number[] = [];
for (let index = 0; index < 50; index += 1) {
  const from = performance.now();
  await agent.call('postgres_query', query);
  times.push(performance.now() - from);
}
times.sort((one, other) => one - other);
rows.push(['next 50 calls, median / 95th', `${times[25]?.toFixed(0) ?? ''} ms / ${times[47]?.toFixed(0) ?? ''} ms`]);

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
const { processes } = await product.status();
const kinds = new Map(processes.map(({ kind, name, pid }) => [pid, [kind, name].filter(Boolean).join(' ')]));

process.stdout.write(
  `${os.cpus().length} CPUs, Node.js ${process.version}, ${new Date().toISOString().slice(0, 10)}\n\n`,
);
process.stdout.write(`${table(['step', 'time'], rows)}\n\n`);
process.stdout.write(`${table(['process', 'pid', 'PSS', 'program'], family(product.pids.shell).map(describe))}\n`);

const stopAt = performance.now();
await agent.close();
await product.stop();
process.stdout.write(`\nstop: ${since(stopAt)}\n`);

function describe(pid: number): string[] {
  const command = read(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter((part) => part !== '' && !part.startsWith('--'));
  const pss = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
  const program = command
    .slice(0, 2)
    .map((part) => part.split('/').at(-1) ?? '')
    .join(' ');
  return [
    kinds.get(pid) ?? 'lab or sandbox',
    String(pid),
    pss === undefined ? 'hidden by the kernel' : `${Math.round(Number(pss) / 1024)} MB`,
    program.slice(0, 60),
  ];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
