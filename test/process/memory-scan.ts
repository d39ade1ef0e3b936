/** Looks for secrets in the memory of processes, as root. All are stopped meanwhile: what is on its way between two is in one. */
import { patternsOf, type Needle } from './memory-forms.ts';
import { createPatternIndex, type Found } from './memory-index.ts';
import { readMemory } from './memory-pages.ts';

export interface Copy {
  readonly name: string;
  readonly form: string;
  /** Of the first piece of it that was found. */
  readonly at: number;
}

/** By pid; a process that has ended by then holds nothing. */
export function scanMemory(pids: readonly number[], needles: readonly Needle[]): Map<number, Copy[]> {
  const index = createPatternIndex(needles.flatMap(patternsOf));
  const scanOne = (pid: number): Copy[] => {
    const found: Found[] = [];
    const take = ({ bytes, at, own }: { bytes: Buffer; at: number; own: number }): void => {
      for (const one of index.find(bytes, own)) found.push({ ...one, at: at + one.at });
    };
    try {
      readMemory(pid, { overlap: index.longest, take });
    } catch (error) {
      // It was ending already.
      if (!['ESRCH', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    return copiesOf(found);
  };
  const stopped = pids.filter((pid) => signal(pid, 'SIGSTOP'));
  try {
    return new Map(stopped.map((pid) => [pid, scanOne(pid)]));
  } finally {
    for (const pid of stopped) signal(pid, 'SIGCONT');
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Bytes that a character of a secret takes. */
const widths: Readonly<Record<string, number>> = { 'utf-16': 2, hex: 2, base64: 4 / 3, base64url: 4 / 3, percent: 3 };

/** Pieces of one secret that lie as close together as in a whole one are one copy. */
function copiesOf(found: readonly Found[]): Copy[] {
  const open = new Map<string, Found>();
  const copies: Copy[] = [];
  for (const one of found.toSorted((left, right) => left.at - right.at)) {
    const { needle, form, at } = one;
    const key = `${form} ${needle.value}`;
    const first = open.get(key);
    if (first !== undefined && at - first.at < needle.value.length * (widths[form] ?? 1)) continue;
    open.set(key, one);
    copies.push({ name: needle.name, form, at });
  }
  return copies;
}
