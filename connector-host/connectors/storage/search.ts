/** `storage_search`: where a text stands in an object, with what is around it. Bytes are searched as they come; only what is shown is decoded. */
import { rows, type RowsResult } from '../../sdk/sdk.ts';
import type { Manifest } from './manifest.types.ts';
import { readOn, type StorageCall } from './object.ts';
import { placeOf } from './place.ts';
import { continuationsAtStart, decoded, unfinishedAtEnd } from './text-encoding.ts';
import type { Settings } from './settings.ts';

export interface Match {
  /** Of its first byte. */
  readonly offset: number;
  /** From 1, of what was read. */
  readonly line: number;
  readonly text: string;
}

/** Bytes that are shown before and behind a match, of its line. */
const around = 200;
const mostScanned = 1_000_000_000;

export function searchObject(
  call: StorageCall & { readonly arguments: Manifest['tools']['search']['arguments'] },
  settings: Settings,
): RowsResult {
  const { text, ignoreCase = false, offset = 0, maxMatches = 100 } = call.arguments;
  const place = placeOf(settings, call.arguments);
  const finder = createFinder({ text, ignoreCase, offset });
  let size = 0;
  let count = 0;
  let next: number | undefined;
  const found = async function* (): AsyncGenerator<readonly unknown[]> {
    const pieces = readOn(call, place, { from: offset, bytes: mostScanned, seen: ({ bytes }) => (size = bytes) });
    const matches = async function* (): AsyncGenerator<Match> {
      for await (const piece of pieces) yield* finder.push(piece);
      yield* finder.end();
    };
    for await (const match of matches()) {
      if (count === maxMatches) {
        next = match.offset;
        return;
      }
      count += 1;
      yield [match.line, match.offset, match.text];
    }
    if (offset + mostScanned < size) next = offset + mostScanned;
  };
  const labelled = (name: string, type: string) => ({ name, type, source: place.source(name) });
  return rows({
    columns: [labelled('line', 'integer'), labelled('offset', 'integer'), labelled('text', 'text')],
    rows: found(),
    rest: () => ({ bucket: place.bucket, key: place.key, size, ...(next === undefined ? {} : { next }) }),
  });
}

interface Wanted {
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly offset: number;
}

export interface Finder {
  push(piece: Uint8Array): Generator<Match>;
  end(): Generator<Match>;
}

/** Case is ignored of ASCII letters: of others it depends on the language. */
export function createFinder({ text, ignoreCase, offset }: Wanted): Finder {
  const needle = Buffer.from(ignoreCase ? lower(Buffer.from(text)) : text);
  /** What may still be shown or hold the beginning of a match. */
  let held: Buffer = Buffer.alloc(0);
  let heldAt = offset;
  /** In `held`: what was searched. */
  let searched = 0;
  let line = 1;
  /** In `held`: up to where lines were counted. */
  let counted = 0;

  const found = function* (isEnd: boolean): Generator<Match> {
    const hay = ignoreCase ? lower(held) : held;
    for (;;) {
      const at = hay.indexOf(needle, searched);
      const isShown = isEnd || at + needle.length + around <= held.length;
      if (at === -1 || !isShown) {
        searched = at === -1 ? Math.max(searched, held.length - needle.length + 1) : at;
        return;
      }
      line += newlines(held, counted, at);
      counted = at;
      yield { offset: heldAt + at, line, text: shown(held, at, at + needle.length) };
      searched = at + needle.length;
    }
  };
  const forget = (): void => {
    const keepFrom = Math.max(0, searched - around);
    if (counted < keepFrom) {
      line += newlines(held, counted, keepFrom);
      counted = keepFrom;
    }
    held = held.subarray(keepFrom);
    heldAt += keepFrom;
    searched -= keepFrom;
    counted -= keepFrom;
  };
  return {
    *push(piece) {
      held = Buffer.concat([held, piece]);
      yield* found(false);
      forget();
    },
    *end() {
      yield* found(true);
    },
  };
}

function lower(bytes: Buffer): Buffer {
  const lowered = Buffer.from(bytes);
  for (let at = 0; at < lowered.length; at += 1) {
    const byte = lowered[at] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) lowered[at] = byte | 0x20;
  }
  return lowered;
}

const newline = 0x0a;

function newlines(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(newline, from); at !== -1 && at < to; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

/** The match's line, as far as it is near. */
function shown(bytes: Buffer, from: number, to: number): string {
  const before = bytes.subarray(Math.max(0, from - around), from);
  const behind = bytes.subarray(to, to + around);
  const start = before.lastIndexOf(newline) + 1;
  const end = behind.indexOf(newline);
  const head = start > 0 ? before.subarray(start) : before.subarray(continuationsAtStart(before));
  const tail = end === -1 ? behind.subarray(0, behind.length - unfinishedAtEnd(behind)) : behind.subarray(0, end);
  return decoded(Buffer.concat([head, bytes.subarray(from, to), tail]), 'utf-8').replace(/\r$/, '');
}
