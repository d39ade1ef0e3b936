/** Attacks by other programs of the same user (attacker.ts, gdb, gcore, signals), and what they get. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import type { Target } from './attacker.ts';
import { finished, type Ground } from './harness.ts';

export interface Watch {
  /** Every process that was met, and what the attacker got of it. */
  stop(): Promise<readonly Target[]>;
}

/** What works on an ordinary process here: where Yama is on, nobody attaches to what they did not start. */
export const everyWayHere: readonly string[] = existsSync('/proc/sys/kernel/yama/ptrace_scope')
  ? ['environ', 'fd', 'maps']
  : [
      ...['environ', 'fd', 'gcore', 'gdb', 'maps', 'mem', 'pidfd_getfd'],
      ...['process_vm_readv', 'ptrace_attach', 'ptrace_seize'],
    ];

const script = ({ tree }: Ground): string => path.join(tree, 'test/process/attacker.ts');
const quiet = '--disable-warning=ExperimentalWarning';

/** Attacks `pid` and all its descendants until it is stopped. */
export async function watch(ground: Ground, pid: number): Promise<Watch> {
  const attacker = spawn(ground.node, [quiet, script(ground), 'watch', String(pid)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {},
    ...ground.as,
  });
  const lines = readline.createInterface({ input: attacker.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    async stop() {
      attacker.stdin.end();
      const { value } = (await lines.next()) as { value: string };
      return JSON.parse(value) as readonly Target[];
    },
  };
}

/** Ways that succeed against each, a debugger's own among them. */
export async function attack(
  ground: Ground,
  pids: readonly number[],
  scratch: string,
): Promise<Record<number, string[]>> {
  const attacker = spawn(ground.node, [quiet, script(ground), 'once', ...pids.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {},
    ...ground.as,
  });
  const targets = JSON.parse((await finished(attacker)).stdout) as readonly Target[];
  const ways = targets.map(async ({ pid, got }): Promise<[number, string[]]> => {
    return [pid, [...Object.keys(got), ...(await debuggers(ground, pid, scratch))]];
  });
  return Object.fromEntries(await Promise.all(ways));
}

async function debuggers(ground: Ground, pid: number, scratch: string): Promise<string[]> {
  const env = { PATH: '/usr/bin:/bin', HOME: scratch };
  const fast = ['-nx', '-batch', '-iex', 'set auto-solib-add off', '-iex', 'set debuginfod enabled off'];
  const options = { env, cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], ...ground.as };
  const gdb = await finished(spawn('gdb', [...fast, '-p', String(pid), '-ex', 'info inferiors'], options));
  const dump = path.join(scratch, `dump.${pid}`);
  await finished(spawn('gcore', ['-o', path.join(scratch, 'dump'), String(pid)], options));
  const dumped = existsSync(dump);
  rmSync(dump, { force: true });
  return [...(new RegExp(`process ${pid}\\b`).test(gdb.stdout) ? ['gdb'] : []), ...(dumped ? ['gcore'] : [])];
}

/** Runs as another program of that user. */
export async function signal(ground: Ground, name: string, pids: readonly number[]): Promise<void> {
  await finished(spawn('/bin/kill', [`-${name}`, ...pids.map(String)], { stdio: 'ignore', ...ground.as }));
}

/** Ports of this machine on which this user listens. */
export function listeners(uid: number): readonly number[] {
  const lines = ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/net/${kind}`, 'utf8').split('\n').slice(1));
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.flatMap(([, local = '', , state, , , , owner]) =>
    state === '0A' && Number(owner) === uid ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [],
  );
}
