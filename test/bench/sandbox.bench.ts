/**
 * Isolation: from the start of a connector to its first answer on each level, side by side, and the memory of one alone and of eight.
 * `npm run bench -- sandbox`. Where the kernel hides memory from its own user, PSS is not read: run it as root then (only the memory is).
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { SandboxLevel } from '../../main/contract/connector-process.ts';
import { innermost, postgresEntry, probeEntry, startConnector, type Sandboxed } from '../process/sandboxed.ts';

const rounds = 20;
const levels: readonly SandboxLevel[] = ['namespaces', 'launcher'];

interface Started {
  readonly connector: Sandboxed;
  readonly ms: number;
}

async function start(level: SandboxLevel, entry = probeEntry): Promise<Started> {
  const from = performance.now();
  const connector = startConnector({ entry, level });
  await connector.gateway.request('configure', { settings: entry === probeEntry ? {} : { schemas: ['public'] } });
  if (entry === probeEntry) await connector.call('attempt', { what: 'ids' });
  return { connector, ms: performance.now() - from };
}

function pssMb({ process: { pid = 0 } }: Sandboxed): number {
  const text = readFileSync(`/proc/${innermost(pid)}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

const part = (times: number[], at: number): string =>
  times.sort((a, b) => a - b)[Math.floor(times.length * at)]?.toFixed(0) ?? '';

const times = new Map<SandboxLevel, number[]>(levels.map((level) => [level, []]));
// In turns, so that other work of the machine meets both alike.
for (let round = 0; round < rounds; round += 1)
  for (const level of levels) {
    const { connector, ms } = await start(level);
    times.get(level)?.push(ms);
    await connector.stop();
  }

const memory: string[] = [];
for (const level of levels) {
  const alone = (await start(level)).connector;
  const one = pssMb(alone);
  const others = await Promise.all(Array.from({ length: 7 }, () => start(level)));
  const all = [alone, ...others.map(({ connector }) => connector)];
  const each = all.reduce((sum, connector) => sum + pssMb(connector), 0) / all.length;
  const postgres = (await start(level, postgresEntry)).connector;
  memory.push(`| ${level} | ${one.toFixed(0)} MB | ${each.toFixed(0)} MB | ${pssMb(postgres).toFixed(0)} MB |`);
  await Promise.all([...all, postgres].map((connector) => connector.stop()));
}

process.stdout.write(
  `${String(os.cpus().length)} CPUs, Node.js ${process.version}, ${new Date().toISOString().slice(0, 10)}, load ${os.loadavg()[0]?.toFixed(1) ?? ''}\n\n`,
);
process.stdout.write('| level | start to first answer, median | 95th |\n|---|---|---|\n');
for (const [level, all] of times) process.stdout.write(`| ${level} | ${part(all, 0.5)} ms | ${part(all, 0.95)} ms |\n`);
process.stdout.write(
  '\n| level | PSS alone | each of eight | PostgreSQL’s connector beside them |\n|---|---|---|---|\n',
);
process.stdout.write(`${memory.join('\n')}\n`);
