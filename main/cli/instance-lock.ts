/** One Sallyport a socket folder: flock(2) on a file in it, which the kernel gives back however the holder ends. */
import { closeSync, ftruncateSync, lstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import koffi from 'koffi';
import { Fault } from '../contract/errors.ts';

/** asm-generic/fcntl.h; the same on macOS. */
const LOCK_EX = 2;
const LOCK_NB = 4;

/** It holds the holder's pid; the lock itself is the kernel's. */
export function lockFileIn(folder: string): string {
  return path.join(folder, 'instance.lock');
}

/** Held until the process ends. Throws a `Fault` naming the other instance. Elsewhere than on Unix the pipe's name is the lock. */
export function holdInstanceLock(folder: string): void {
  if (process.platform === 'win32') return;
  const file = lockFileIn(folder);
  const fd = tryLock(file);
  if (fd === undefined) {
    const holder = readFileSync(file, 'utf8').trim();
    throw new Fault('internal', `Sallyport already runs here (process ${holder}): use it, or choose another --socket`);
  }
  ftruncateSync(fd, 0);
  writeSync(fd, String(process.pid));
}

/** The descriptor that holds it until it is closed; undefined: another process does. */
export function tryLock(file: string): number | undefined {
  const fd = openSync(file, 'a', 0o600);
  const flock = koffi.load(null).func('int flock(int, int)') as (fd: number, operation: number) => number;
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return fd;
  closeSync(fd);
  return undefined;
}

/** By the kernel's list (Linux), without taking it: a start at this moment must not meet it. */
export function isInstanceLocked(folder: string): boolean {
  try {
    const { ino } = lstatSync(lockFileIn(folder), { bigint: true });
    const held = new RegExp(`FLOCK +ADVISORY +WRITE -?\\d+ [0-9a-f]+:[0-9a-f]+:${ino} `);
    return held.test(readFileSync('/proc/locks', 'latin1'));
  } catch {
    return false;
  }
}
