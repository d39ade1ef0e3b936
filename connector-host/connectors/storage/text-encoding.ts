/** Text is in the encoding that was said, or it is none. */
import { refuse } from '../../sdk/sdk.ts';

export type Encoding = 'utf-8' | 'windows-1252';

export function decoded(bytes: Uint8Array, encoding: Encoding): string {
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  return refuseEncoding(encoding);
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

export function continuationsAtStart(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && isContinuation(bytes[count])) count += 1;
  return count;
}

/** Bytes of a UTF-8 character that the end cuts. */
export function unfinishedAtEnd(bytes: Uint8Array): number {
  let back = 1;
  while (back < 4 && isContinuation(bytes[bytes.length - back])) back += 1;
  const lead = bytes[bytes.length - back] ?? 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return length > back ? back : 0;
}

function refuseEncoding(encoding: string): never {
  refuse('invalid_arguments', `It is no text in ${encoding}. Give its own encoding, or read it as base64.`);
}

/** The whole of a text, piece by piece, without a byte order mark. */
export async function* decodedPieces(pieces: AsyncIterable<Uint8Array>, encoding: Encoding): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch {
      return refuseEncoding(encoding);
    }
  };
  for await (const piece of pieces) {
    if (piece.includes(0)) refuseEncoding(encoding);
    yield decode(piece);
  }
  yield decode();
}

/** A text of its own: a part of another one keeps all of that in memory. */
export const standingAlone = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le');
