/**
 * A file of ours in the state folder. Guarantees: 0600, replaced as a whole; what is not ours, open to others, a link or too long
 * is not read. Does not protect against: this user's own programs, which can rewrite it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Absent on Windows. */
const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;

/** Undefined: there is none. Null: it cannot be believed. */
export function readOwnFile(file: string, maxBytes: number): string | null | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | noFollow);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? undefined : null;
  }
  try {
    const found = fstatSync(fd);
    const isOurs = process.getuid === undefined || found.uid === process.getuid();
    const isClosedToOthers = process.platform === 'win32' || (found.mode & 0o077) === 0;
    return found.isFile() && isOurs && isClosedToOthers && found.size <= maxBytes ? readFileSync(fd, 'utf8') : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** False: it could not be written. */
export function replaceOwnFile(file: string, text: string): boolean {
  const beside = `${file}.new`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | noFollow;
  try {
    const fd = openSync(beside, flags, 0o600);
    try {
      writeFileSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, file);
    return true;
  } catch {
    return false;
  }
}
