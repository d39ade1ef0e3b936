/** Lines of a wrapped server, bounded and in linear time: what is too long or is not UTF-8 is dropped, the next line counts again. */
const newline = 0x0a;
const maxLineBytes = 12 * 1024 * 1024;

export interface LineReader {
  receive(chunk: Uint8Array): void;
}

export function createLineReader(onLine: (line: string) => void, maxBytes = maxLineBytes): LineReader {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let isSkipping = false;

  function keep(piece: Uint8Array): void {
    bytes += piece.length;
    if (bytes > maxBytes) {
      isSkipping = true;
      pieces = [];
    }
    if (!isSkipping && piece.length > 0) pieces.push(piece);
  }

  function finish(): void {
    const line = isSkipping ? null : text(pieces);
    pieces = [];
    bytes = 0;
    isSkipping = false;
    if (line !== null && line !== '') onLine(line);
  }

  function text(all: readonly Uint8Array[]): string | null {
    try {
      return decoder.decode(all.length === 1 ? all[0] : Buffer.concat(all)).trim();
    } catch {
      return null;
    }
  }

  return {
    receive(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
        keep(chunk.subarray(from, at));
        finish();
        from = at + 1;
      }
      // A copy: the socket's buffer may be used again.
      if (from < chunk.length) keep(Uint8Array.prototype.slice.call(chunk, from));
    },
  };
}
