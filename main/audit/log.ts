/**
 * The log: JSON lines, each with the hash of the line before. Guarantees that a durable append is on the disk when it
 * resolves, that the chain continues over restarts and days, and that a failing disk is told to those who wait, never
 * passed over. Trusts the disk to keep what fdatasync accepted. It detects changes (verify.ts), it cannot prevent them:
 * the same user can rewrite the files, which only an anchor kept elsewhere shows.
 */
import { constants, lstatSync, mkdirSync } from 'node:fs';
import { open, truncate, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
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
/** Absent on Windows. */
const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | noFollow;

/** Recovers what a crash left, then continues the chain. */
export async function openAuditLog(deps: AuditLogDeps): Promise<AuditLog> {
  checkFolder(deps.folder);
  const recovered = await recover(deps.folder);
  const writer = new Writer(deps, recovered.head);
  for (const record of recovered.interrupted) writer.append(record);
  return writer;
}

class Writer implements AuditLog {
  readonly #deps: AuditLogDeps;
  #head: ChainHead;
  #waiting: Waiting[] = [];
  #handle: FileHandle | null = null;
  #flushing: Promise<void> | null = null;
  #failedAt = -Infinity;
  /** A write failed: the file may hold part of it, and is cut back to `#head.bytes` before the next. */
  #torn = false;

  constructor(deps: AuditLogDeps, head: ChainHead) {
    this.#deps = deps;
    this.#head = head;
  }

  get file(): string {
    return path.join(this.#deps.folder, fileName(this.#head));
  }

  appendDurably(record: AuditRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Fault | null): void => {
        if (error === null) resolve();
        else reject(error);
      };
      this.#push({ record, settle });
    });
  }

  append(record: AuditRecord): void {
    this.#push({ record, settle: null });
  }

  async close(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    if (this.#waiting.length > 0) await this.#flushAll();
    await this.#closeFile();
  }

  #push(entry: Waiting): void {
    if (this.#waiting.length >= maxWaiting && entry.settle === null) return;
    this.#waiting.push(entry);
    if (this.#flushing !== null) return;
    if (this.#isFailing()) {
      this.#refuseWaiting();
      return;
    }
    this.#flushing = this.#flushAll();
  }

  #isFailing(): boolean {
    return this.#deps.epochMs() - this.#failedAt < retryAfterMs;
  }

  /** Who waits is told, and their record is dropped; what already happened is kept for later. */
  #refuseWaiting(): void {
    const fault = new Fault('audit_unavailable', 'The audit log cannot be written. Free disk space, then call again.');
    for (const { settle } of this.#waiting) settle?.(fault);
    this.#waiting = this.#waiting.filter((entry) => entry.settle === null);
  }

  /** One write and one fdatasync for all that came while the last one ran. */
  async #flushAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#flush(batch);
        for (const { settle } of batch) settle?.(null);
      } catch {
        await this.#closeFile();
        this.#failedAt = this.#deps.epochMs();
        this.#waiting = [...batch, ...this.#waiting].slice(0, 2 * maxWaiting);
        this.#refuseWaiting();
        break;
      }
    }
    // In the same turn as the last look at the queue: what comes next must start a flush of its own.
    this.#flushing = null;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    const at = new Date(this.#deps.epochMs()).toISOString();
    await this.#turnPage(at.slice(0, 10));
    let next = this.#head;
    let text = '';
    for (const { record } of batch) {
      const { line, after } = lineOf(next, at, record);
      text += line;
      next = after;
    }
    const { openFile = open } = this.#deps;
    this.#handle ??= await openFile(this.file, flags, 0o600);
    if (this.#torn) await this.#handle.truncate(this.#head.bytes);
    this.#torn = true;
    const bytes = Buffer.from(text);
    const { bytesWritten } = await this.#handle.write(bytes);
    if (bytesWritten !== bytes.length) throw new Fault('audit_unavailable', 'The disk took part of a record.');
    await this.#handle.datasync();
    this.#torn = false;
    this.#head = next;
  }

  /** A new file each day, and when one is full. */
  async #turnPage(day: string): Promise<void> {
    const head = this.#head;
    const full = head.bytes >= (this.#deps.maxFileBytes ?? maxFileBytes);
    // A clock that went back does not reopen an older file.
    if (head.day >= day && !full) return;
    // What a failed write left in the old file is cut before the file is left.
    if (this.#torn) await truncate(this.file, head.bytes);
    this.#torn = false;
    await this.#closeFile();
    this.#head = { ...head, day: head.day > day ? head.day : day, part: head.day >= day ? head.part + 1 : 0, bytes: 0 };
  }

  async #closeFile(): Promise<void> {
    await this.#handle?.close().catch(() => undefined);
    this.#handle = null;
  }
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
