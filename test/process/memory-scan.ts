/**
 * Looks for secrets in the memory of a process, as root: everything readable through /proc/PID/mem, guarded pages included
 * (the kernel reads pages without access, too), raw and in the encodings that programs use. The process is stopped meanwhile.
 * Blind to: what is compressed or encrypted, and a token's beginning alone (its end is what is looked for).
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

export interface Needle {
  readonly name: string;
  readonly value: string;
}

const chunkBytes = 8 * 1024 * 1024;
/** The end of a token is its random part (a JWT's signature): it also finds fragments. */
const tailLength = 40;
/** V8 and sanitizers reserve gigabytes without access; guarded pages are small. */
const maxReservedBytes = 4 * 1024 * 1024;

export function readNeedles(file: string): Needle[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [name, value] = line.split('\t');
      return name === undefined || value === undefined || value.length < 12 ? [] : [{ name, value }];
    });
}

/** One `name (encoding)` for each place. */
export function scanMemory(pid: number, needles: readonly Needle[]): string[] {
  const forms = needles.flatMap(formsOf);
  const overlap = Math.max(...forms.map(({ bytes }) => bytes.length));
  process.kill(pid, 'SIGSTOP');
  try {
    const memory = openSync(`/proc/${String(pid)}/mem`, 'r');
    try {
      return regionsOf(pid).flatMap((region) => scanRegion(memory, region, { forms, overlap }));
    } finally {
      closeSync(memory);
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

interface Form {
  readonly label: string;
  readonly bytes: Buffer;
}

function formsOf({ name, value }: Needle): Form[] {
  const tail = value.slice(-tailLength);
  const bytes = Buffer.from(tail);
  const encoded: readonly (readonly [string, Buffer])[] = [
    ['raw', bytes],
    ['utf-16', Buffer.from(tail, 'utf16le')],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['reversed', Buffer.from(bytes).reverse()],
    // The three phases of base64; the outer characters depend on what stands around it.
    ...[0, 1, 2].map(
      (phase) =>
        [
          'base64',
          Buffer.from(
            Buffer.concat([Buffer.alloc(phase), bytes])
              .toString('base64')
              .slice(4, -4),
          ),
        ] as const,
    ),
  ];
  return encoded.map(([encoding, form]) => ({ label: `${name} (${encoding})`, bytes: form }));
}

interface Region {
  readonly start: number;
  readonly end: number;
}

function regionsOf(pid: number): Region[] {
  return readFileSync(`/proc/${String(pid)}/maps`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, from, to, access] = /^([0-9a-f]+)-([0-9a-f]+) (\S{4})/.exec(line) ?? [];
      if (from === undefined || to === undefined || access === undefined) return [];
      const region = { start: Number.parseInt(from, 16), end: Number.parseInt(to, 16) };
      const reserved = access.startsWith('---') && region.end - region.start > maxReservedBytes;
      return line.includes('[v') || reserved ? [] : [region];
    });
}

function scanRegion(
  memory: number,
  { start, end }: Region,
  { forms, overlap }: { forms: readonly Form[]; overlap: number },
): string[] {
  const found: string[] = [];
  const chunk = Buffer.alloc(chunkBytes + overlap);
  for (let at = start; at < end; at += chunkBytes) {
    const read = readAt(memory, chunk.subarray(0, Math.min(chunk.length, end - at)), at);
    const seen = chunk.subarray(0, read);
    for (const { label, bytes } of forms) if (seen.includes(bytes)) found.push(label);
  }
  return found;
}

/** 0 where the kernel refuses (a region of a device, or one that is gone). */
function readAt(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at);
  } catch {
    return 0;
  }
}
