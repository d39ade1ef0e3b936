/**
 * Locked blocks, used again: what sodium_free gives back stays locked until the garbage collector comes, and in a busy
 * moment the limit of locked memory is reached first. A block that waits here is zeroed and nobody can touch it.
 * So locked memory stays at what was in use at once, rounded up to pages.
 */
import sodium from 'sodium-native';
import { createLockedBlock, type LockedBlock } from './locked-block.ts';

export interface BlockPool {
  /** Of at least `length` bytes, all zero, writable. Throws `Fault` `protection_missing` when no more can be locked. */
  take(length: number): LockedBlock;
  /** Zeroes it and takes every access away; not to be touched again by who gave it. */
  giveBack(block: LockedBlock): void;
}

const pageBytes = 4096;
/** libsodium's own, in the same pages. */
const canaryBytes = 16;

export function createBlockPool(): BlockPool {
  const idle = new Map<number, LockedBlock[]>();
  return {
    take: (length) => {
      const size = Math.ceil((length + canaryBytes) / pageBytes) * pageBytes - canaryBytes;
      const used = idle.get(size)?.pop();
      if (used === undefined) {
        const block = createLockedBlock(size);
        sodium.sodium_memzero(block.bytes);
        return block;
      }
      used.open('write');
      return used;
    },
    giveBack: (block) => {
      block.open('write');
      sodium.sodium_memzero(block.bytes);
      block.shut();
      const size = block.bytes.length;
      const waiting = idle.get(size) ?? [];
      waiting.push(block);
      idle.set(size, waiting);
    },
  };
}
