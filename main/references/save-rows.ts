/**
 * Writes kept rows into a file that the person chose. Guarantees: for this user alone (0600), and under its name only when
 * it is whole: it is written beside it under another name, synced, and takes the name in one step; what fails or is
 * stopped leaves nothing. A file that was not there when the person chose is not replaced if it came meanwhile. Does
 * not protect against: a kill of this process, which leaves the part that was written; what becomes of the file.
 */
import { randomBytes } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import { createCsv, createJsonLines, type RowText } from './row-text.ts';

export interface RowsToSave {
  readonly file: string;
  readonly columns: readonly string[];
  /** Throws what the person is told. */
  readonly pages: AsyncIterable<readonly (readonly unknown[])[]>;
  readonly signal: AbortSignal;
  readonly onProgress: (rows: number) => void;
}

export interface Saved {
  readonly rows: number;
  readonly defused: number;
}

/** Absent on Windows. */
const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow;

export async function saveRows(rows: RowsToSave): Promise<Saved> {
  const { file, columns } = rows;
  // The dialog has asked about what is there now, and about nothing else.
  const replaces = isThere(file);
  const part = path.join(path.dirname(file), `.sallyport-${randomBytes(8).toString('hex')}.part`);
  const text = /\.(jsonl|ndjson)$/i.test(file) ? createJsonLines(columns) : createCsv(columns);
  const handle = await open(part, newFile, 0o600).catch(failed);
  try {
    const count = await write(handle, text, rows);
    await handle.sync().catch(failed);
    await handle.close();
    await (replaces ? rename(part, file) : place(part, file)).catch(failed);
    return { rows: count, defused: text.defused };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function write(handle: FileHandle, text: RowText, { pages, signal, onProgress }: RowsToSave): Promise<number> {
  let count = 0;
  await handle.writeFile(text.head).catch(failed);
  for await (const page of pages) {
    if (signal.aborted) throw new Fault('internal', 'Stopped. Nothing was saved.');
    await handle.writeFile(page.map((row) => text.row(row)).join('')).catch(failed);
    count += page.length;
    onProgress(count);
  }
  if (signal.aborted) throw new Fault('internal', 'Stopped. Nothing was saved.');
  return count;
}

/** Where a name may be given only if it is free; some file systems know no links. */
async function place(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || isThere(file)) throw error;
    await rename(part, file);
    return;
  }
  await rm(part, { force: true });
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}

const says: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Nothing was saved.',
  EDQUOT: 'Your share of the disk is full. Nothing was saved.',
  EACCES: 'You may not write in that folder. Choose another.',
  EPERM: 'You may not write in that folder. Choose another.',
  EROFS: 'That disk cannot be written. Choose another.',
  ENOENT: 'That folder is not there. Choose another.',
  EEXIST: 'A file of that name came meanwhile, and was left as it is. Save again.',
  EISDIR: 'That is a folder. Choose a file.',
};

function failed(error: unknown): never {
  throw new Fault('internal', says[String(codeOf(error))] ?? 'The file could not be written. Nothing was saved.');
}
