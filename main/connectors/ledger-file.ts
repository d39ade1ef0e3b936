/**
 * The ages of long-lived secrets, in `secret-ages.json` in the state folder: names, versions and dates. Guarantees: 0600,
 * replaced as a whole; what is garbled, not ours, open to others or a link is not believed, and no long-lived secret is used
 * until it is gone. Does not protect against: the person's own programs that rewrite or remove the file; the server's own date
 * of a version then counts alone.
 */
import { z } from 'zod';
import type { Status } from '../contract/control.ts';
import { ageDays, ledgerSchema, secretAge, type Ledger, type LedgerEntry } from '../contract/credentials.ts';
import { readOwnFile, replaceOwnFile } from './own-file.ts';

export interface LedgerFile {
  /** Null where it cannot be believed. */
  entries(): Ledger;
  write(entries: readonly LedgerEntry[]): void;
  /** For people: each secret's age. */
  ages(now?: number): NonNullable<Status['secrets']>;
  degraded(now?: number): Status['degraded'];
}

const fileSchema = z.strictObject({ version: z.literal(1), secrets: ledgerSchema.unwrap() });
const maxFileBytes = 1024 * 1024;

export function openLedgerFile(file: string): LedgerFile {
  let entries = read(file);
  let isWritten = true;
  const ages: LedgerFile['ages'] = (now = Date.now()) =>
    (entries ?? [])
      .map(({ name, version, since }) => ({ name, version, ageDays: ageDays(since, now) }))
      .sort((one, other) => other.ageDays - one.ageDays);
  return {
    entries: () => entries,
    write: (next) => {
      entries = [...next];
      isWritten = replaceOwnFile(file, JSON.stringify({ version: 1, secrets: entries }));
    },
    ages,
    degraded: (now) => [
      ...(entries === null ? [damaged(file)] : []),
      ...(isWritten ? [] : [unwritten(file)]),
      ...ages(now)
        .filter((each) => each.ageDays >= secretAge.warnDays)
        .map(old),
    ],
  };
}

function damaged(file: string): Status['degraded'][number] {
  const why = `${file} is damaged or not this user’s alone: no long-lived secret is used`;
  return { what: 'ages of secrets', why, mend: 'look who changed it, remove it and start Sallyport again' };
}

function unwritten(file: string): Status['degraded'][number] {
  return { what: 'ages of secrets', why: `${file} could not be written`, mend: 'make room on the disk, mend its mode' };
}

function old({ name, ageDays: days }: { readonly name: string; readonly ageDays: number }): Status['degraded'][number] {
  const left = secretAge.lastDays - days;
  const why = left < 0 ? `${days} days old: it is refused` : `${days} days old: it is refused in ${left + 1} days`;
  return { what: `secret ${name}`, why, mend: 'have it rotated (docs/credentials.md)' };
}

function read(file: string): Ledger {
  const text = readOwnFile(file, maxFileBytes);
  if (text === undefined) return [];
  try {
    return text === null ? null : fileSchema.parse(JSON.parse(text)).secrets;
  } catch {
    return null;
  }
}
