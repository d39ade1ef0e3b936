/** A request's body, whole, in the memory that long lines share: at most one large one a process, and a few in all. */
import type { IncomingMessage } from 'node:http';
import { maxFrameBytes, type BlockShare } from '../blocks.ts';
import { readFrame, type Frame } from '../framing.ts';
import { createLineStore } from '../line-store.ts';

export type BodyRead = Frame | { readonly kind: 'gone' } | { readonly kind: 'crowded' } | { readonly kind: 'slow' };

/** The same as a long line gets. */
const bodyMs = 10_000;
const blockWaitMs = 12_000;
const empty = Buffer.alloc(0);

export async function readBody(request: IncomingMessage, blocks: BlockShare): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > maxFrameBytes) return tooLarge;
  const store = createLineStore(blocks);
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<BodyRead>((resolve) => {
    timer = setTimeout(resolve, bodyMs, { kind: 'slow' });
  });
  try {
    return await Promise.race([collect(request, store), slow]);
  } finally {
    clearTimeout(timer);
    store.close();
  }
}

const tooLarge: BodyRead = { kind: 'error', code: 'frame_too_large' };

async function collect(request: IncomingMessage, store: ReturnType<typeof createLineStore>): Promise<BodyRead> {
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      if (store.kept + piece.length > maxFrameBytes) return tooLarge;
      if (!store.hasRoom(piece) && !(await roomIn(store))) return { kind: 'crowded' };
      store.keep(piece);
    }
  } catch {
    return { kind: 'gone' };
  }
  return readFrame(store.lineWith(empty)) ?? { kind: 'error', code: 'malformed' };
}

/** False: nobody gave a block back in time. */
function roomIn(store: ReturnType<typeof createLineStore>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, blockWaitMs, false);
    store.whenRoom(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
