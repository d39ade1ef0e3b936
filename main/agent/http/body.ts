/**
 * A request's body, whole, in the memory that long lines share: at most one large one a process, and a few in all. Trusts
 * Node's parser that a body is as long as its Content-Length, which every request with a body must have.
 */
import type { IncomingMessage } from 'node:http';
import { maxFrameBytes, type BlockShare } from '../blocks.ts';
import { readFrame, type Frame } from '../framing.ts';
import { createLineStore, type LineStore } from '../line-store.ts';

export type BodyRead = Frame | { readonly kind: 'gone' } | { readonly kind: 'crowded' } | { readonly kind: 'slow' };

/** The same as a long line gets, and longer than another may take. */
const bodyMs = 10_000;
const blockWaitMs = 12_000;
const nothing = Buffer.alloc(0);
const malformed: Frame = { kind: 'error', code: 'malformed' };

export function readBody(request: IncomingMessage, blocks: BlockShare): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > maxFrameBytes)
    return Promise.resolve({ kind: 'error', code: 'frame_too_large' });
  const store = createLineStore(blocks);
  let timer: NodeJS.Timeout | undefined;

  return new Promise<BodyRead>((resolve) => {
    const countdown = (): void => {
      timer = setTimeout(resolve, bodyMs, { kind: 'slow' });
    };
    countdown();
    request.on('data', (piece: Buffer) => {
      if (keptAtOnce(store, piece)) return;
      // Waiting for a block is not the sender's fault: its time stands still.
      clearTimeout(timer);
      request.pause();
      timer = setTimeout(resolve, blockWaitMs, { kind: 'crowded' });
      store.whenRoom(() => {
        clearTimeout(timer);
        store.keep(piece);
        countdown();
        request.resume();
      });
    });
    request.once('end', () => resolve(readFrame(store.lineWith(nothing)) ?? malformed));
    request.on('error', () => resolve({ kind: 'gone' }));
    request.once('close', () => resolve({ kind: 'gone' }));
  }).finally(() => {
    clearTimeout(timer);
    store.close();
    request.removeAllListeners('data').resume();
  });
}

function keptAtOnce(store: LineStore, piece: Buffer): boolean {
  const hasRoom = store.hasRoom(piece);
  if (hasRoom) store.keep(piece);
  return hasRoom;
}
