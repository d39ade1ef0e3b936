/**
 * Newline-delimited JSON-RPC (MCP stdio transport): bytes in, lines out. Guarantees: each byte is searched and copied
 * a bounded number of times whatever the size of the pieces, an oversized line is skipped without being kept, and
 * half-read lines of all connections together stay within a few blocks, of which a peer process has at most one.
 */
import { isUtf8 } from 'node:buffer';
import { maxFrameBytes, type BlockShare } from './blocks.ts';
import { createLineStore } from './line-store.ts';
import { readJson } from './strict-json.ts';

const newline = 0x0a;
const nothing = Buffer.alloc(0);

export type Frame =
  | { readonly kind: 'message'; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: 'batch'; readonly messages: readonly unknown[] }
  | {
      readonly kind: 'error';
      readonly code: 'malformed' | 'frame_too_large' | 'invalid_utf8';
      readonly notAnObject?: true;
    };

export interface Framer {
  /** The next piece from the socket. Call `next` until it answers null before pushing another. */
  push(chunk: Buffer): void;
  /** Null: more bytes are needed. `blocked`: the line needs a block first; nothing was taken from the piece. */
  next(): Frame | 'blocked' | null;
  /** After `blocked`: `next` can go on. */
  whenRoom(wake: () => void): void;
  /** After `blocked`: waits no more, and skips the line. */
  skipLine(): void;
  /** Bytes of a line whose end has not come. */
  readonly waitingBytes: number;
  close(): void;
}

export function createFramer(blocks: BlockShare, maxBytes = maxFrameBytes): Framer {
  const store = createLineStore(blocks);
  let chunk: Buffer = nothing;
  let at = 0;
  let skipping = false;

  function next(): Frame | 'blocked' | null {
    for (;;) {
      const end = chunk.indexOf(newline, at);
      const piece = chunk.subarray(at, end === -1 ? chunk.length : end);
      const tooLarge = store.kept + piece.length > maxBytes;
      if (end === -1 && !skipping && !tooLarge && !store.hasRoom(piece)) return 'blocked';
      at = end === -1 ? chunk.length : end + 1;
      if (skipping) {
        if (end === -1) return null;
        skipping = false;
        continue;
      }
      if (tooLarge) {
        skipping = end === -1;
        store.drop();
        return { kind: 'error', code: 'frame_too_large' };
      }
      if (end === -1) {
        store.keep(piece);
        return null;
      }
      const frame = readFrame(store.lineWith(piece));
      store.drop();
      if (frame !== null) return frame;
    }
  }

  return {
    push(bytes) {
      chunk = bytes;
      at = 0;
    },
    next,
    whenRoom: (wake) => store.whenRoom(wake),
    skipLine() {
      skipping = true;
      store.drop();
    },
    get waitingBytes() {
      return store.kept;
    },
    close() {
      store.close();
      chunk = nothing;
      at = 0;
    },
  };
}

/** Null: an empty line, which stdio servers let pass. */
export function readFrame(line: Buffer): Frame | null {
  const bytes = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  if (bytes.length === 0) return null;
  if (!isUtf8(bytes)) return { kind: 'error', code: 'invalid_utf8' };
  const read = readJson(bytes.toString('utf8'));
  if (!read.ok) return { kind: 'error', code: 'malformed' };
  if (Array.isArray(read.value)) return { kind: 'batch', messages: read.value };
  if (typeof read.value !== 'object' || read.value === null)
    return { kind: 'error', code: 'malformed', notAnObject: true };
  return { kind: 'message', message: read.value as Readonly<Record<string, unknown>> };
}
