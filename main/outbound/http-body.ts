/** The body of a connector's request. Guarantees: exactly as many bytes as it announced, or the request is broken off. */
import type { ByteStream } from '../contract/channel.ts';
import { Fault } from '../contract/errors.ts';

export interface BodyTerms {
  readonly bytes: number;
  /** Whether all of it is needed first: it must be small then. */
  readonly whole: boolean;
  /** The connector sent more or less than it announced. */
  readonly broken: () => void;
}

export interface Body {
  /** Empty where it was not asked for. */
  readonly whole: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const mostWholeBytes = 4_194_304;

export async function readBody(stream: ByteStream, terms: BodyTerms): Promise<Body> {
  const chunks = exactly(stream, terms);
  if (!terms.whole) return { whole: new Uint8Array(), chunks };
  if (terms.bytes > mostWholeBytes)
    throw new Fault('destination_not_allowed', 'A body that must be signed can have 4 MiB at most.');
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const whole = Buffer.concat(parts);
  return { whole, chunks: asChunks(whole) };
}

// eslint-disable-next-line @typescript-eslint/require-await -- one chunk, at once
async function* asChunks(whole: Uint8Array): AsyncGenerator<Uint8Array> {
  yield whole;
}

async function* exactly(stream: ByteStream, { bytes, broken }: BodyTerms): AsyncGenerator<Uint8Array> {
  const source = stream[Symbol.asyncIterator]();
  let left = bytes;
  for (;;) {
    const next = await source.next();
    if (next.done === true) break;
    const chunk: Uint8Array = next.value;
    left -= chunk.length;
    if (left < 0) break;
    yield chunk;
  }
  if (left === 0) return;
  broken();
  throw new Fault('connector_failed', 'The connector sent another body than it announced.');
}
