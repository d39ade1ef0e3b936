/** Newline-delimited frames out of chunks: each byte is searched once and copied at most once. */
const newline = 0x0a;

export interface LineSplitter {
  /** The complete lines, without their newline, that this chunk ends. */
  push(chunk: Buffer): Buffer[];
  /** Bytes of a line whose end has not come. */
  readonly heldBytes: number;
}

export function createLineSplitter(): LineSplitter {
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  return {
    push(chunk) {
      const lines: Buffer[] = [];
      let from = 0;
      for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
        const piece = chunk.subarray(from, end);
        lines.push(pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]));
        pieces = [];
        heldBytes = 0;
        from = end + 1;
      }
      if (from < chunk.length) {
        pieces.push(chunk.subarray(from));
        heldBytes += chunk.length - from;
      }
      return lines;
    },
    get heldBytes() {
      return heldBytes;
    },
  };
}
