/**
 * Newline-delimited JSON-RPC (MCP stdio transport): bytes in, lines out. Guarantees: each byte is searched and copied
 * a bounded number of times whatever the size of the pieces, an oversized line is skipped without being kept, and
 * half-read lines of all connections together stay within a few blocks.
 */
import { isUtf8 } from 'node:buffer';
import { readJson } from './strict-json.ts';

export const maxFrameBytes = 4 * 1024 * 1024;
/** What a connection may keep of a half-read line in a store of its own; longer lines borrow a block. */
export const ownBytes = 64 * 1024;
const newline = 0x0a;
const nothing = Buffer.alloc(0);

/** Blocks for long half-read lines, shared by all connections and used again: hostile lines make no garbage. */
export interface BlockPool {
  borrow(): Buffer | null;
  giveBack(block: Buffer): void;
}

export function createBlockPool(blocks: number, blockBytes = maxFrameBytes): BlockPool {
  const spare: Buffer[] = [];
  let made = 0;
  return {
    borrow() {
      const block = spare.pop();
      if (block !== undefined || made >= blocks) return block ?? null;
      made += 1;
      return Buffer.allocUnsafeSlow(blockBytes);
    },
    giveBack(block) {
      spare.push(block);
    },
  };
}

export type Frame =
  | { readonly kind: 'message'; readonly message: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'error';
      readonly code: 'malformed' | 'frame_too_large' | 'invalid_utf8';
      readonly notAnObject?: true;
    };

export interface Framer {
  /** The next piece from the socket. Call `next` until it answers null before pushing another. */
  push(chunk: Buffer): void;
  /** Null: more bytes are needed. */
  next(): Frame | null;
  /** Bytes of a line whose end has not come. */
  readonly waitingBytes: number;
  close(): void;
}

export function createFramer(pool: BlockPool, maxBytes = maxFrameBytes): Framer {
  let chunk: Buffer = nothing;
  let at = 0;
  let own: Buffer = nothing;
  let block: Buffer | null = null;
  let kept = 0;
  let skipping = false;

  function next(): Frame | null {
    for (;;) {
      const end = chunk.indexOf(newline, at);
      const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
      at = end === -1 ? chunk.length : end + 1;
      if (skipping) {
        if (end === -1) return null;
        skipping = false;
        continue;
      }
      if (kept + piece.length > maxBytes || (end === -1 && !keep(piece))) {
        skipping = end === -1;
        drop();
        return { kind: 'error', code: 'frame_too_large' };
      }
      if (end === -1) return null;
      const frame = readFrame(lineWith(piece));
      drop();
      if (frame !== null) return frame;
    }
  }

  function lineWith(piece: Buffer): Buffer {
    if (kept === 0) return piece;
    return keep(piece) ? (block ?? own).subarray(0, kept) : Buffer.concat([own.subarray(0, kept), piece]);
  }

  /** Doubles up to a block: a byte is copied about twice in all. False: every block is in use. */
  function keep(piece: Buffer): boolean {
    const needed = kept + piece.length;
    if (block === null && needed > own.length) {
      if (needed > ownBytes) {
        block = pool.borrow();
        if (block === null) return false;
        own.copy(block, 0, 0, kept);
        own = nothing;
      } else {
        const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, own.length * 2, 4096), ownBytes));
        own.copy(grown, 0, 0, kept);
        own = grown;
      }
    }
    piece.copy(block ?? own, kept);
    kept = needed;
    return true;
  }

  function drop(): void {
    kept = 0;
    if (block !== null) pool.giveBack(block);
    block = null;
  }

  return {
    push(bytes) {
      chunk = bytes;
      at = 0;
    },
    next,
    get waitingBytes() {
      return kept;
    },
    close() {
      drop();
      chunk = nothing;
      own = nothing;
      at = 0;
    },
  };
}

/** Null: an empty line, which stdio servers let pass. */
function readFrame(line: Buffer): Frame | null {
  const bytes = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  if (bytes.length === 0) return null;
  if (!isUtf8(bytes)) return { kind: 'error', code: 'invalid_utf8' };
  const read = readJson(bytes.toString('utf8'));
  if (!read.ok) return { kind: 'error', code: 'malformed' };
  // JSON-RPC batches left MCP with revision 2025-06-18; no client that we know sends them.
  if (Array.isArray(read.value)) return { kind: 'error', code: 'malformed', notAnObject: true };
  if (typeof read.value !== 'object' || read.value === null)
    return { kind: 'error', code: 'malformed', notAnObject: true };
  return { kind: 'message', message: read.value as Readonly<Record<string, unknown>> };
}
