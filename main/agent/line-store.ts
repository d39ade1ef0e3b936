/** The half-read line of one connection: up to 64 KiB in a store of its own, what is longer in a borrowed block. */
import type { BlockShare } from './blocks.ts';

export const ownBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export interface LineStore {
  readonly kept: number;
  /** False: the piece needs a block, and there is none now. */
  hasRoom(piece: Buffer): boolean;
  /** Calls back when there is a block for what is kept, unless `drop` comes first. */
  whenRoom(wake: () => void): void;
  /** Only after `hasRoom`. */
  keep(piece: Buffer): void;
  /** What is kept and the line's last piece. */
  lineWith(piece: Buffer): Buffer;
  drop(): void;
  close(): void;
}

export function createLineStore(blocks: BlockShare): LineStore {
  let own: Buffer = nothing;
  let block: Buffer | null = null;
  let kept = 0;
  let stopWaiting: (() => void) | null = null;

  function moveInto(borrowed: Buffer): void {
    own.copy(borrowed, 0, 0, kept);
    own = nothing;
    block = borrowed;
  }

  /** Doubles up to a block: a byte is copied about twice in all. */
  function keep(piece: Buffer): void {
    const needed = kept + piece.length;
    if (block === null && needed > own.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, own.length * 2, 4096), ownBytes));
      own.copy(grown, 0, 0, kept);
      own = grown;
    }
    piece.copy(block ?? own, kept);
    kept = needed;
  }

  function drop(): void {
    kept = 0;
    stopWaiting?.();
    stopWaiting = null;
    if (block !== null) blocks.giveBack(block);
    block = null;
  }

  return {
    get kept() {
      return kept;
    },
    hasRoom(piece) {
      if (kept + piece.length <= ownBytes || block !== null) return true;
      const borrowed = blocks.borrow();
      if (borrowed !== null) moveInto(borrowed);
      return borrowed !== null;
    },
    whenRoom(wake) {
      stopWaiting = blocks.wait((granted) => {
        stopWaiting = null;
        moveInto(granted);
        wake();
      });
    },
    keep,
    lineWith(piece) {
      if (kept === 0) return piece;
      // A line that ends now needs no block: what is kept and what was just read are both small.
      if (block === null && kept + piece.length > ownBytes) return Buffer.concat([own.subarray(0, kept), piece]);
      keep(piece);
      return (block ?? own).subarray(0, kept);
    },
    drop,
    close() {
      drop();
      own = nothing;
    },
  };
}
