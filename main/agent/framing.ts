/**
 * Newline-delimited JSON-RPC (MCP stdio transport): bytes in, lines out. Guarantees: each byte is searched and copied
 * a bounded number of times whatever the size of the pieces, an oversized line is skipped without being kept, and
 * half-read lines of all connections together stay within one budget.
 */
import { isUtf8 } from 'node:buffer';
import { readJson } from './strict-json.ts';

export const maxFrameBytes = 4 * 1024 * 1024;
/** What a connection may always keep of a half-read line; more comes from the shared budget. */
const freeBytes = 64 * 1024;
const newline = 0x0a;

/** Shared by all connections: bytes that half-read lines may occupy beyond their free part. */
export interface FrameBudget {
  left: number;
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

export function createFramer(budget: FrameBudget, maxBytes = maxFrameBytes): Framer {
  let chunk: Buffer = Buffer.alloc(0);
  let at = 0;
  let store: Buffer = Buffer.alloc(0);
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
    return keep(piece) ? store.subarray(0, kept) : Buffer.concat([store.subarray(0, kept), piece]);
  }

  /** Doubles when full: a byte is copied about twice in all. False: the budget is spent. */
  function keep(piece: Buffer): boolean {
    const needed = kept + piece.length;
    if (needed > store.length) {
      const size = Math.min(Math.max(needed, store.length * 2, 4096), maxBytes);
      const more = Math.max(0, size - freeBytes) - Math.max(0, store.length - freeBytes);
      if (more > budget.left) return false;
      budget.left -= more;
      const grown = Buffer.allocUnsafeSlow(size);
      store.copy(grown, 0, 0, kept);
      store = grown;
    }
    piece.copy(store, kept);
    kept = needed;
    return true;
  }

  function drop(): void {
    kept = 0;
    if (store.length <= freeBytes) return;
    budget.left += store.length - freeBytes;
    store = Buffer.alloc(0);
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
      chunk = Buffer.alloc(0);
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
