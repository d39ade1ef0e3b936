/**
 * Guarantees (Linux): a connector that takes more memory or processor time than this is ended within seconds, and the reason is said.
 * Memory beyond the runtime's heap limit has no other bound where a person may make no control groups. Trusts: the kernel's numbers,
 * which a process cannot change. Does not protect against: what happens within one look and the next.
 */
import { readFileSync } from 'node:fs';

const lookEveryMs = 1000;
/** Resident, the runtime's own text included: a large result of rows takes under 200. */
export const mostResidentBytes = 512 * 1024 * 1024;
/** Processor seconds of one core in a window: work of many calls, but no endless loop. */
export const mostBusy = { seconds: 55, withinSeconds: 60 };
/** USER_HZ (time(7)): what the kernel counts processor time in for programs, on x64 and arm64. */
export const ticksPerSecond = 100;

export interface Usage {
  readonly residentBytes: number;
  readonly busySeconds: number;
}

export interface Ceilings {
  /** What it took too much of; undefined: nothing. */
  exceeded(): string | undefined;
  readonly stop: () => void;
}

interface Watched {
  readonly pid: number;
  readonly over: () => void;
  readonly usage?: (pid: number) => Usage | undefined;
  readonly mostBytes?: number;
}

export function watchCeilings({ pid, over, usage = usageOf, mostBytes = mostResidentBytes }: Watched): Ceilings {
  const looks: number[] = [];
  let exceeded: string | undefined;
  const timer = setInterval(() => {
    const now = usage(pid);
    if (now === undefined) return;
    looks.push(now.busySeconds);
    if (looks.length > mostBusy.withinSeconds) looks.shift();
    const busy = now.busySeconds - (looks[0] ?? 0);
    if (now.residentBytes > mostBytes) exceeded = `it took more than ${mostBytes / 1024 ** 2} MB of memory`;
    else if (busy > mostBusy.seconds)
      exceeded = `it was busy for ${mostBusy.seconds} of ${mostBusy.withinSeconds} seconds`;
    else return;
    clearInterval(timer);
    over();
  }, lookEveryMs);
  timer.unref();
  return {
    exceeded: () => exceeded,
    stop: () => {
      clearInterval(timer);
    },
  };
}

/** Of the process and those it started, which in a sandbox is one after another. */
export function usageOf(pid: number): Usage | undefined {
  let [residentBytes, busySeconds] = [0, 0];
  try {
    for (let at: number | undefined = pid; at !== undefined; at = onlyChild(at)) {
      residentBytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(at, 'status'))?.[1] ?? 0) * 1024;
      // After the name, which may hold anything: utime and stime are the 14th and 15th.
      const fields = read(at, 'stat').split(') ').at(-1)?.split(' ') ?? [];
      busySeconds += (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    }
  } catch {
    return undefined;
  }
  return { residentBytes, busySeconds };
}

const read = (pid: number, name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');

function onlyChild(pid: number): number | undefined {
  const [first] = read(pid, `task/${pid}/children`).trim().split(' ').filter(Boolean);
  return first === undefined ? undefined : Number(first);
}
