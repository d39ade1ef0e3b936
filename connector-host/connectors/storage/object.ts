/**
 * An object's bytes, range by range. Guarantees: exactly the bytes asked for, in order, all of one version (If-Match; where the server names
 * none, no second range); a server that sends fewer, more, or others than it says ends the call. Nothing is held but the piece that came last.
 */
import { refuse, type Call, type FetchResponse } from '../../sdk/sdk.ts';
import { refuseAnswer } from './failures.ts';
import type { Manifest } from './manifest.types.ts';
import type { Place } from './place.ts';

export type StorageCall = Pick<Call<Manifest['tools']['read']>, 'fetch' | 'signal' | 'progress'>;

export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string | null;
  readonly modified: string | null;
  readonly contentType: string | null;
}

export interface ObjectPart {
  readonly head: ObjectHead;
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface Range {
  readonly from: number;
  readonly bytes: number;
  /** Of the version that was seen before. */
  readonly etag?: string | null;
}

/** `from` may not lie behind the object's end, but 0 of an empty one. */
export async function openRange(
  call: StorageCall,
  place: Place,
  { from, bytes, etag = null }: Range,
): Promise<ObjectPart> {
  const range = { range: `bytes=${from}-${from + bytes - 1}` };
  const answer = await call.fetch('objects', {
    path: place.path,
    headers: etag === null ? range : { ...range, 'if-match': etag },
  });
  const { headers, status } = answer;
  const head = {
    etag: strongEtag(headers['etag']),
    modified: isoDate(headers['last-modified']),
    contentType: headers['content-type'] ?? null,
  };
  if (status === 206) {
    const { first, last, total } = contentRange(headers['content-range']);
    if (first !== from || last !== Math.min(from + bytes, total) - 1) lied();
    return { head: { ...head, bytes: total }, pieces: exactly(answer, last - first + 1) };
  }
  // An empty object has no range: servers say 416, or send it whole.
  const isEmpty = from === 0 && (status === 416 || status === 200);
  if (isEmpty) return { head: { ...head, bytes: await ending(answer) }, pieces: exactly(answer, 0) };
  if (status === 416) refuse('invalid_arguments', 'The object ends before that offset.');
  return refuseAnswer(answer);
}

export interface Reading {
  readonly from: number;
  readonly bytes: number;
  /** Once, before the first byte. */
  readonly seen: (head: ObjectHead) => void;
}

/** Rises, so that who looks at the beginning alone does not wait for the rest; a call may make 64 requests. */
const ranges = { firstBytes: 262_144, mostBytes: 67_108_864, grows: 8 };

/** When it ends, or its reader stops, nothing of a request is left: leaving one early would end the call. */
export async function* readOn(call: StorageCall, place: Place, wanted: Reading): AsyncGenerator<Uint8Array> {
  let from = wanted.from;
  let left = wanted.bytes;
  let etag: string | null = null;
  for (let size = ranges.firstBytes; left > 0; size = Math.min(size * ranges.grows, ranges.mostBytes)) {
    if (from !== wanted.from && etag === null)
      refuse('backend_refused', 'The storage names no version of this object, so only its beginning can be read.');
    const { head, pieces } = await openRange(call, place, { from, bytes: Math.min(size, left), etag });
    if (from === wanted.from) wanted.seen(head);
    else if (head.etag !== etag) lied();
    etag = head.etag;
    left = Math.min(left, head.bytes - from);
    const rest = pieces[Symbol.asyncIterator]();
    let next = await rest.next();
    try {
      for (; next.done !== true; next = await rest.next()) {
        from += next.value.length;
        left -= next.value.length;
        yield next.value;
      }
    } finally {
      while (next.done !== true) next = await rest.next();
    }
    call.progress(from, from + left);
  }
}

async function* exactly({ body }: FetchResponse, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const piece of body) {
    left -= piece.length;
    if (left < 0) lied();
    yield piece;
  }
  if (left > 0) lied();
}

/** Null where it could not be asked for again. */
const strongEtag = (given: string | undefined): string | null =>
  given !== undefined && /^"[\x21\x23-\x7e]{1,200}"$/.test(given) ? given : null;

export function isoDate(given: string | undefined): string | null {
  const time = Date.parse(given ?? '');
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

function contentRange(given = ''): { first: number; last: number; total: number } {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(given) ?? [];
  if (total === undefined) lied();
  return { first: Number(first), last: Number(last), total: Number(total) };
}

/** Of a server that sends the whole object: 0, or the answer is none. */
async function ending({ status, body }: FetchResponse): Promise<0> {
  for await (const piece of body) if (status === 200 && piece.length > 0) lied();
  return 0;
}

function lied(): never {
  refuse('backend_refused', 'The storage sent other bytes than were asked for. Tell who runs it.');
}
