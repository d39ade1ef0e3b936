/**
 * One allocation that is surely locked. libsodium hands memory out even when mlock failed (RLIMIT_MEMLOCK), so each
 * block is locked again explicitly, which fails loudly, and on Linux the kernel's own count is read once: a kernel
 * that accepts mlock without locking (some containers) shows 0.
 */
import { readFileSync } from 'node:fs';
import sodium from 'sodium-native';
import { Fault } from '../contract/errors.ts';

export interface LockedBlock {
  readonly bytes: Buffer;
  /** From here until `open`, touching the bytes ends the process (SIGSEGV). */
  shut(): void;
  open(mode: 'read' | 'write'): void;
  /** Zeroes and gives the memory back. */
  free(): void;
}

const missing = (): Fault =>
  new Fault(
    'protection_missing',
    'Memory for secrets cannot be locked: raise the locked-memory limit (ulimit -l) to at least 8 MB.',
  );

export function createLockedBlock(size: number): LockedBlock {
  const bytes = sodium.sodium_malloc(size);
  if (bytes.length !== size) throw missing();
  let freed = false;
  const free = (): void => {
    if (freed) return;
    freed = true;
    sodium.sodium_mprotect_readwrite(bytes);
    sodium.sodium_memzero(bytes);
    sodium.sodium_free(bytes);
  };
  try {
    sodium.sodium_mlock(bytes);
    believed ||= kernelLocks();
    if (!believed) throw missing();
  } catch {
    free();
    throw missing();
  }
  return {
    bytes,
    shut: () => {
      sodium.sodium_mprotect_noaccess(bytes);
    },
    open: (mode) => {
      if (mode === 'read') sodium.sodium_mprotect_readonly(bytes);
      else sodium.sodium_mprotect_readwrite(bytes);
    },
    free,
  };
}

let believed = false;

/** Whether VmLck of this process grew, now that one block is locked; elsewhere than Linux mlock's answer must do. */
function kernelLocks(): boolean {
  if (process.platform !== 'linux') return true;
  return !/^VmLck:\s+0 kB$/m.test(readFileSync('/proc/self/status', 'latin1'));
}
