/**
 * Quotas that outlive the gateway: `limits.json` in the state folder. Guarantees: 0600, replaced as a whole, counters and hashes
 * only; written at most once a second, and at the end; what is missing, damaged, not ours or a link counts as a burst used. Time
 * between two runs is the machine's own since it started, never the wall clock alone: setting that gives nothing back. Does not
 * protect against: the person's own programs that rewrite the file; a crash loses the last second of counts.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import os from 'node:os';
import { z } from 'zod';
import type { Limits } from './contract/config.ts';
import { createQuotas, maxLevels, type Quotas, type QuotasDeps } from './pipeline/quotas.ts';

const used = z.array(z.number().nonnegative()).max(13);
const fileSchema = z.strictObject({
  version: z.literal(1),
  /** Null where the system has no such thing. */
  bootId: z.string().max(64).nullable(),
  /** Since the machine started, sleep included. */
  uptimeMs: z.number().nonnegative(),
  epochMs: z.number().nonnegative(),
  forgot: z.boolean(),
  levels: z
    .record(z.string().regex(/^[A-Za-z0-9_-]{43}$/), z.strictObject({ calls: z.number(), rows: used, bytes: used }))
    .refine((levels) => Object.keys(levels).length <= maxLevels),
});
type FileContent = z.infer<typeof fileSchema>;

export interface MachineTime {
  readonly bootId: string | null;
  uptimeMs(): number;
  epochMs(): number;
}

export interface QuotaFileDeps {
  readonly file: string;
  readonly limits: Limits;
  readonly time?: MachineTime;
}

export interface KeptOnDisk extends Quotas {
  /** Resolves when the last of it is on the disk, or cannot be. */
  close(): Promise<void>;
}

const maxFileBytes = 1024 * 1024;
const betweenWritesMs = 1000;
/** Absent on Windows. */
const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;

export function openQuotas({ file, limits, time = machineTime() }: QuotaFileDeps): KeptOnDisk {
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  let isClosed = false;
  const quotas = createQuotas({
    limits,
    monotonicMs: () => performance.now(),
    hash: (text) => createHash('sha256').update(text).digest('base64url'),
    kept: readKept(file, time),
    onChange: () => {
      if (!isClosed) timer ??= setTimeout(save, betweenWritesMs).unref();
    },
  });

  function save(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const { bootId } = time;
    const content = { version: 1, bootId, uptimeMs: time.uptimeMs(), epochMs: time.epochMs(), ...quotas.state() };
    // Where the disk is full the log is too, and nothing runs: what is in memory still holds.
    writing = writing.then(() => replace(file, JSON.stringify(content))).catch(() => undefined);
  }

  return {
    ...quotas,
    close() {
      isClosed = true;
      save();
      return writing;
    },
  };
}

async function replace(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | noFollow;
  const handle = await open(beside, flags, 0o600);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

function readKept(file: string, time: MachineTime): QuotasDeps['kept'] {
  const content = readContent(file);
  if (content === null) return null;
  const { forgot, levels } = content;
  return { quotas: { forgot, levels }, agoMs: agoMs(content, time) };
}

/** What certainly passed. After a start of the machine that is its uptime, and no more than the wall clock says. */
function agoMs(content: FileContent, time: MachineTime): number {
  if (content.bootId !== null && content.bootId === time.bootId) return Math.max(0, time.uptimeMs() - content.uptimeMs);
  return Math.max(0, Math.min(time.uptimeMs(), time.epochMs() - content.epochMs));
}

function readContent(file: string): FileContent | null {
  try {
    const fd = openSync(file, constants.O_RDONLY | noFollow);
    try {
      const found = fstatSync(fd);
      const isOurs = process.getuid === undefined || found.uid === process.getuid();
      const isClosedToOthers = process.platform === 'win32' || (found.mode & 0o077) === 0;
      if (!found.isFile() || !isOurs || !isClosedToOthers || found.size > maxFileBytes) return null;
      return fileSchema.parse(JSON.parse(readFileSync(fd, 'utf8')));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

function machineTime(): MachineTime {
  let bootId: string | null = null;
  try {
    bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux.
  }
  return { bootId, uptimeMs: () => os.uptime() * 1000, epochMs: Date.now };
}
