/**
 * The memory of a process, as root sees it through /proc/PID/mem, guarded pages included (the kernel reads pages without access,
 * too). Left out is what holds nothing of the process's own: pages it never touched, for which the kernel has neither memory nor
 * a place in swap (/proc/PID/pagemap), and those of mapped files that it never changed. What is shared is read whole. A page
 * that cannot be read hides nothing but itself.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const pageBytes = 4096;
const chunkBytes = 4 * 1024 * 1024;
/** Entries of pagemap at a time. */
const entriesAtOnce = 65_536;
/** Upper bits of an entry: 63, in memory; 62, in swap; 61, as it is in a file. */
const own = { bits: 0xe0_00_00_00, memory: 0x80_00_00_00, swap: 0x40_00_00_00 };
const maxSharedBytes = 512 * 1024 * 1024;

interface Run {
  readonly start: number;
  readonly end: number;
}

/** Each piece with what comes after it, `overlap` bytes, so that nothing is cut. The bytes are good until `take` returns. */
export interface MemoryReader {
  readonly overlap: number;
  readonly take: (piece: { readonly bytes: Buffer; readonly at: number; readonly own: number }) => void;
}

export function readMemory(pid: number, { overlap, take }: MemoryReader): void {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const buffer = Buffer.from(new ArrayBuffer(chunkBytes + Math.ceil(overlap / pageBytes) * pageBytes));
    for (const { start, end } of joined(runsOf(pid))) {
      for (let at = start; at < end; at += chunkBytes) {
        const bytes = buffer.subarray(0, Math.min(buffer.length, end - at));
        fill(memory, bytes, at);
        take({ bytes, at, own: Math.min(chunkBytes, end - at) });
      }
    }
  } finally {
    closeSync(memory);
  }
}

/** What cannot be read is zero. */
function fill(memory: number, into: Buffer, from: number): void {
  for (let done = 0; done < into.length;) {
    const count = readAt(memory, into.subarray(done), from + done);
    if (count > 0) done += count;
    else {
      const next = Math.min(into.length, done + pageBytes - ((from + done) % pageBytes));
      into.fill(0, done, next);
      done = next;
    }
  }
}

/** 0 where the kernel refuses (a region of a device, or one that is gone). */
function readAt(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at);
  } catch {
    return 0;
  }
}

function joined(runs: readonly Run[]): Run[] {
  const found: Run[] = [];
  for (const { start, end } of runs) {
    const last = found.at(-1);
    if (last?.end === start) found[found.length - 1] = { start: last.start, end };
    else found.push({ start, end });
  }
  return found;
}

function runsOf(pid: number): Run[] {
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    return mappingsOf(pid).flatMap((mapping) => {
      const { isShared, start, end, ownBytes } = mapping;
      if ((isShared && end - start <= maxSharedBytes) || ownBytes >= end - start) return [mapping];
      return ownBytes === 0 ? [] : ownRuns(pagemap, mapping);
    });
  } finally {
    closeSync(pagemap);
  }
}

interface Mapping extends Run {
  readonly isShared: boolean;
  readonly ownBytes: number;
}

function mappingsOf(pid: number): Mapping[] {
  const text = readFileSync(`/proc/${pid}/smaps`, 'latin1');
  const found: Mapping[] = [];
  let last: (Mapping & { ownBytes: number }) | undefined;
  for (const line of text.split('\n')) {
    const [, from, to, access, name = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
    if (from !== undefined && to !== undefined && access !== undefined) {
      const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
      last = { start, end, isShared: access.endsWith('s'), ownBytes: 0 };
      // The kernel's own: clock and system calls.
      if (!/^\[v(var|dso|syscall)/.test(name)) found.push(last);
      continue;
    }
    const [, kiloBytes] = /^(?:Anonymous|Swap): +(\d+) kB$/.exec(line) ?? [];
    if (last !== undefined && kiloBytes !== undefined) last.ownBytes += Number(kiloBytes) * 1024;
  }
  return found;
}

function ownRuns(pagemap: number, { start, end }: Run): Run[] {
  const found: { start: number; end: number }[] = [];
  const entries = Buffer.alloc(entriesAtOnce * 8);
  for (let at = start; at < end; at += entriesAtOnce * pageBytes) {
    const wanted = Math.min(entries.length, ((end - at) / pageBytes) * 8);
    const read = readSync(pagemap, entries, 0, wanted, (at / pageBytes) * 8);
    if (read !== wanted) throw new Error('the map of pages ended early');
    for (let index = 0; index < wanted; index += 8) {
      const bits = (entries.readUInt32LE(index + 4) & own.bits) >>> 0;
      if (bits !== own.memory && bits !== own.swap) continue;
      const page = at + (index / 8) * pageBytes;
      const last = found.at(-1);
      if (last?.end === page) last.end = page + pageBytes;
      else found.push({ start: page, end: page + pageBytes });
    }
  }
  return found;
}
