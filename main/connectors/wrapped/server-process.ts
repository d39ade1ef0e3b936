/** Starts a wrapped server behind its walls, with its program as the manifest's hash states it, and says what it uses. */
import { readFileSync, readdirSync } from 'node:fs';
import type { Status } from '../../contract/control.ts';
import { ticksPerSecond, type Usage } from '../ceilings.ts';
import { startSandboxed, type Sandboxed } from '../sandbox.ts';
import { whyNoNetwork } from './server-door.ts';
import { refuseOtherProgram, type ServerEnds, type ServerProgram } from './server-program.ts';
import { chooseServerLevel, serverCommand, type ChosenServerLevel, type ServerWalls } from './server-walls.ts';

/** All of its processes together. */
export const mostServerBytes = 1024 * 1024 * 1024;

export interface StartedServer extends Sandboxed {
  /** Whether it took the end on which the interceptor gets its ports. */
  readonly hasNetwork: boolean;
}

/** What it answers throws a Fault: `definition_changed` (another program lies there), `protection_missing` (no walls). */
export function createServerStarter(walls: ServerWalls) {
  let chosen: ChosenServerLevel | undefined;
  return (connector: string, server: ServerProgram, { input, output, door }: ServerEnds): StartedServer => {
    refuseOtherProgram(connector, server);
    const { level, weaker } = (chosen ??= chooseServerLevel(walls));
    const closed = door === undefined ? [] : whyNoNetwork(connector, level, door);
    const opened = door !== undefined && closed.length === 0 ? door : undefined;
    const served = { ...server, ...(opened && { network: { ports: opened.ports, hosts: opened.hosts } }) };
    // What it says beside the protocol could be anything that it read: nobody keeps it.
    const stdio = [input, output, 'ignore', ...(opened ? [opened.end] : [])] as const;
    const started = startSandboxed(serverCommand(served, level, walls), stdio);
    return { process: started, degraded: [...degradedBy(weaker), ...closed], hasNetwork: opened !== undefined };
  };
}

function degradedBy(weaker: ChosenServerLevel['weaker']): Status['degraded'] {
  return weaker === undefined ? [] : [{ what: 'isolation of wrapped servers', ...weaker }];
}

/** Of a process and all that came of it. Those that ended count with whoever waited for them. */
export function usageOfAll(pid: number): Usage | undefined {
  let [residentBytes, busySeconds] = [0, 0];
  const pending = [pid];
  const seen = new Set(pending);
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    try {
      residentBytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(at, 'status'))?.[1] ?? 0) * 1024;
      // After the name, which may hold anything: utime, stime, cutime and cstime are the 14th to 17th.
      const fields = read(at, 'stat').split(') ').at(-1)?.split(' ') ?? [];
      busySeconds += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
      for (const child of childrenOf(at)) {
        if (seen.has(child)) continue;
        seen.add(child);
        pending.push(child);
      }
    } catch {
      // It ended meanwhile.
      if (at === pid) return undefined;
    }
  }
  return { residentBytes, busySeconds };
}

const read = (pid: number, name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    read(pid, `task/${task}/children`).trim().split(' ').filter(Boolean).map(Number),
  );
}
