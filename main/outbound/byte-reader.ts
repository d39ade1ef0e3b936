/** Reads exact lengths from chunks, so that a parser never sees half a field and never buffers more than it asked for. */
export interface ByteReader {
  /** Undefined when the input ended first. Never call it again before it answered. */
  exactly(length: number): Promise<Buffer | undefined>;
  /** What arrived already, or the next chunk; undefined at the end. */
  chunk(): Promise<Buffer | undefined>;
}

export function createByteReader(chunks: AsyncIterator<Uint8Array>): ByteReader {
  let kept: Buffer = Buffer.alloc(0);
  const pull = async (): Promise<Buffer | undefined> => {
    const next = await chunks.next();
    if (next.done === true) return undefined;
    return Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
  };
  return {
    exactly: async (length) => {
      while (kept.length < length) {
        const next = await pull();
        if (next === undefined) return undefined;
        kept = kept.length === 0 ? next : Buffer.concat([kept, next]);
      }
      const taken = kept.subarray(0, length);
      kept = kept.subarray(length);
      return taken;
    },
    chunk: async () => {
      if (kept.length === 0) return pull();
      const taken = kept;
      kept = Buffer.alloc(0);
      return taken;
    },
  };
}
