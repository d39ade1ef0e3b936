/** `storage_stat` and `storage_read`: what an object is, and a part of it as text or bytes. */
import { refuse } from '../../sdk/sdk.ts';
import type { Manifest } from './manifest.types.ts';
import { openRange, type ObjectHead, type StorageCall } from './object.ts';
import { placeOf } from './place.ts';
import type { Settings } from './settings.ts';
import { continuationsAtStart, decoded, unfinishedAtEnd, type Encoding } from './text-encoding.ts';

type With<Name extends keyof Manifest['tools']> = StorageCall & {
  readonly arguments: Manifest['tools'][Name]['arguments'];
};

export async function statObject(call: With<'stat'>, settings: Settings): Promise<Manifest['tools']['stat']['result']> {
  const place = placeOf(settings, call.arguments);
  const { head, pieces } = await openRange(call, place, { from: 0, bytes: 1 });
  await joined(pieces);
  return { bucket: place.bucket, key: place.key, ...head };
}

const mostBase64Bytes = 8192;

export async function readObject(call: With<'read'>, settings: Settings): Promise<Manifest['tools']['read']['result']> {
  const { offset = 0, as = 'text', encoding = 'utf-8' } = call.arguments;
  const { bytes = as === 'text' ? 16_384 : mostBase64Bytes } = call.arguments;
  if (as === 'base64' && bytes > mostBase64Bytes)
    refuse(
      'invalid_arguments',
      `As base64 at most ${mostBase64Bytes} bytes are read at once: ask for fewer, or as text.`,
    );
  const place = placeOf(settings, call.arguments);
  const { head, pieces } = await openRange(call, place, { from: offset, bytes });
  const all = await joined(pieces);
  const part =
    as === 'base64' ? { from: 0, to: all.length, base64: base64Of(all) } : asText(all, { encoding, offset, head });
  const { from, to, ...shown } = part;
  const next = offset + to;
  return {
    bucket: place.bucket,
    key: place.key,
    offset: offset + from,
    size: head.bytes,
    ...shown,
    ...(next < head.bytes ? { next } : {}),
  };
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

interface Encoded {
  readonly encoding: Encoding;
  readonly offset: number;
  readonly head: ObjectHead;
}

/** A character that the range cuts belongs to the next part, or came with the one before. */
function asText(bytes: Uint8Array, { encoding, offset, head }: Encoded): { from: number; to: number; text: string } {
  const isLast = offset + bytes.length >= head.bytes;
  const from = encoding === 'utf-8' && offset > 0 ? continuationsAtStart(bytes) : 0;
  const to = encoding === 'utf-8' && !isLast ? bytes.length - unfinishedAtEnd(bytes) : bytes.length;
  const text = decoded(bytes.subarray(from, to), encoding);
  return { from, to, text };
}

const base64Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
