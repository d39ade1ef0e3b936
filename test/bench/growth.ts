/** How much processes grow while something happens: RssAnon and the peak of it, since the gateway's own maps are closed to this user. */
import { readFileSync } from 'node:fs';

function anonymousMb(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

export interface Grown<T> {
  readonly value: T;
  readonly seconds: number;
  /** `name MB-before + MB-more`, a process each. */
  readonly grown: string;
}

export async function watchGrowth<T>(
  processes: Readonly<Record<string, number>>,
  work: () => Promise<T>,
): Promise<Grown<T>> {
  const before = Object.entries(processes).map(([name, pid]) => ({ name, pid, mb: anonymousMb(pid), peak: 0 }));
  const timer = setInterval(() => {
    for (const each of before) each.peak = Math.max(each.peak, anonymousMb(each.pid));
  }, 10);
  const start = performance.now();
  try {
    const value = await work();
    const seconds = (performance.now() - start) / 1000;
    const grown = before.map(({ name, mb, peak }) => `${name} ${mb.toFixed(0)} MB + ${(peak - mb).toFixed(1)}`);
    return { value, seconds, grown: grown.join(', ') };
  } finally {
    clearInterval(timer);
  }
}
