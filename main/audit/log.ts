/**
 * The log: JSON lines, each with the hash of the line before. Guarantees that a durable append is on the disk when it
 * resolves, that the chain continues over restarts and days, and that a failing disk is told to those who wait, never
 * passed over. Trusts the disk to keep what fdatasync accepted. It detects changes (verify.ts), it cannot prevent them:
 * the same user can rewrite the files, which only an anchor kept elsewhere shows.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { constants } from 'node:fs';
import type { AuditRecord } from '../contract/audit.ts';
import { Fault } from '../contract/errors.ts';
import { fileName, lineOf, type ChainHead } from './chain.ts';
import { recover } from './recovery.ts';

export interface AuditLogDeps {
  readonly folder: string;
  readonly epochMs: () => number;
  /** For tests of a failing disk. */
  readonly openFile?: (file: string, flags: number, mode: number) => Promise<FileHandle>;
  readonly maxFileBytes?: number;
}

export interface AuditLog {
  /** Rejects with `audit_unavailable`. */
  appendDurably(record: AuditRecord): Promise<void>;
  /** Written soon, in order. Kept for later while the disk fails, up to a bound. */
  append(record: AuditRecord): void;
  /** Resolves when all that was appended is on the disk. */
  close(): Promise<void>;
  readonly file: string;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly settle: ((error: Fault | null) => void) | null;
}

const maxFileBytes = 64 * 1024 * 1024;
/** Records that nobody waits for, kept while the disk fails. */
const maxWaiting = 10_000;
const retryAfterMs = 1000;
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0);

/** Recovers what a crash left, then continues the chain. */
export async function openAuditLog(deps: AuditLogDeps): Promise<AuditLog> {
  checkFolder(deps.folder);
  const recovered = await recover(deps.folder);
  const writer = createWriter(deps, recovered.head);
  for (const record of recovered.interrupted) writer.append(record);
  return writer;
}

function createWriter(deps: AuditLogDeps, start: ChainHead): AuditLog {
  const { folder, epochMs, openFile = open, maxFileBytes: limit = maxFileBytes } = deps;
  let head = start;
  let waiting: Waiting[] = [];
  let handle: FileHandle | null = null;
  let flushing: Promise<void> | null = null;
  let failedAt = -Infinity;
  /** After a failed write the file may hold part of it: cut back to `head.bytes` before the next. */
  let torn = false;

  /** One write and one fdatasync for all that came while the last one ran. */
  async function flushOnce(batch: readonly Waiting[]): Promise<void> {
    const at = new Date(epochMs()).toISOString();
    let next = await inFile(at);
    let text = '';
    for (const { record } of batch) {
      const { line, after } = lineOf(next, at, record);
      text += line;
      next = after;
    }
    const bytes = Buffer.from(text);
    const file = handle ?? (await openFor());
    handle = file;
    if (torn) await file.truncate(head.bytes);
    torn = true;
    const { bytesWritten } = await file.write(bytes);
    if (bytesWritten !== bytes.length) throw new Fault('audit_unavailable', 'The disk took part of a record.');
    await file.datasync();
    torn = false;
    head = next;
  }

  async function inFile(at: string): Promise<ChainHead> {
    const day = at.slice(0, 10);
    if (head.day === day && head.bytes < limit) return head;
    await handle?.close();
    handle = null;
    head = { ...head, day, part: head.day === day ? head.part + 1 : 0, bytes: 0 };
    return head;
  }

  function openFor(): Promise<FileHandle> {
    return openFile(path.join(folder, fileName(head)), flags, 0o600);
  }

  async function flushAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await flushOnce(batch);
        for (const { settle } of batch) settle?.(null);
      } catch (error) {
        await fail(batch, error);
        return;
      }
    }
  }

  async function fail(batch: readonly Waiting[], error: unknown): Promise<void> {
    failedAt = epochMs();
    const why = error instanceof Error ? error.message : 'unknown';
    const fault = new Fault(
      'audit_unavailable',
      `The audit log cannot be written (${why}). Free disk space, then call again.`,
    );
    await handle?.close().catch(() => undefined);
    handle = null;
    // Who waits is told and their record is dropped; what already happened is kept for later.
    for (const { settle } of batch) settle?.(fault);
    waiting = [...batch.filter((entry) => entry.settle === null), ...waiting].slice(0, maxWaiting);
  }

  function push(entry: Waiting): void {
    if (waiting.length >= maxWaiting && entry.settle === null) return;
    waiting.push(entry);
    if (flushing !== null) return;
    if (epochMs() - failedAt < retryAfterMs) {
      rejectWaiting();
      return;
    }
    flushing = flushAll().finally(() => {
      flushing = null;
      if (epochMs() - failedAt < retryAfterMs) rejectWaiting();
    });
  }

  function rejectWaiting(): void {
    const fault = new Fault('audit_unavailable', 'The audit log cannot be written. Free disk space, then call again.');
    for (const { settle } of waiting) settle?.(fault);
    waiting = waiting.filter((entry) => entry.settle === null);
  }

  return {
    appendDurably(record) {
      return new Promise((resolve, reject) => {
        const settle = (error: Fault | null): void => {
          if (error === null) resolve();
          else reject(error);
        };
        push({ record, settle });
      });
    },
    append(record) {
      push({ record, settle: null });
    },
    async close() {
      while (flushing !== null) await flushing;
      if (waiting.length > 0) await flushAll();
      await handle?.close().catch(() => undefined);
      handle = null;
    },
    get file() {
      return path.join(folder, fileName(head));
    },
  };
}

function checkFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    const ours = found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
    if (ours && (process.platform === 'win32' || (found.mode & 0o077) === 0)) return;
  } catch (error) {
    throw new Fault(
      'audit_unavailable',
      `${folder} cannot be made: ${error instanceof Error ? error.message : 'unknown'}.`,
    );
  }
  throw new Fault('audit_unavailable', `${folder} must be a folder of yours with mode 0700. Run: chmod 700 ${folder}`);
}
