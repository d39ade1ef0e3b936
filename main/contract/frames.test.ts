import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { rawFrame } from '../../test/contract/connected-pair.ts';
import type { FrameKind } from './frames.ts';
import {
  FrameReader,
  encodeFrame,
  frameKind,
  headerBytes,
  maxDataBytes,
  maxJsonBytes,
  maxPayloadBytes,
} from './frames.ts';

interface Seen {
  readonly kind: number;
  readonly id: number;
  readonly payload: string;
}

function read(chunks: Iterable<Uint8Array>): { frames: Seen[]; problem: string | undefined } {
  const frames: Seen[] = [];
  const reader = new FrameReader(({ kind, id, payload }) => {
    frames.push({ kind, id, payload: Buffer.from(payload).toString('hex') });
  });
  let problem: string | undefined;
  for (const chunk of chunks) problem = reader.push(chunk);
  return { frames, problem };
}

function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const kinds = Object.values(frameKind);
const frame = fc
  .tuple(fc.constantFrom(...kinds), fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }))
  .map(([kind, id, bytes]) => {
    const max = maxPayloadBytes(kind);
    const payload =
      max <= 4 ? new Uint8Array(max).fill(bytes[0] ?? 7) : Uint8Array.of(1, 2, ...bytes.subarray(0, max - 2));
    return { kind, id, payload };
  });
const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });

describe('frames', () => {
  it('come out as they went in, however they were cut (10,000 cases)', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), sizes, (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(({ kind, id, payload }) => encodeFrame(kind, id, payload)));
        const expected = frames.map(({ kind, id, payload }) => ({
          kind,
          id,
          payload: Buffer.from(payload).toString('hex'),
        }));
        expect(read(cut(bytes, cuts))).toEqual({ frames: expected, problem: undefined });
      }),
      { numRuns: 10_000 },
    );
  });

  it(
    'from arbitrary bytes mean the same in one piece and in many, and never throw (10,000 cases)',
    { timeout: 60_000 },
    () => {
      // Half of the bytes start as a header that could be right.
      const noise = fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        fc
          .tuple(fc.nat(40), fc.integer({ min: 0, max: 10 }), fc.uint8Array({ maxLength: 400 }))
          .map(([length, kind, rest]) => Uint8Array.of(0, 0, 0, length, kind, 0, 0, 0, 1, ...rest)),
      );
      fc.assert(
        fc.property(noise, sizes, (bytes, cuts) => {
          expect(read(cut(bytes, cuts))).toEqual(read([bytes]));
        }),
        { numRuns: 10_000 },
      );
    },
  );

  it.each([
    ['an unknown kind', rawFrame(9, 1, 'x'), 'unknown_kind'],
    ['kind 0', rawFrame(0, 1, 'x'), 'unknown_kind'],
    ['data without bytes', rawFrame(frameKind.data, 1, ''), 'too_short'],
    ['an end with bytes', rawFrame(frameKind.end, 1, 'x'), 'too_large'],
    ['credit of three bytes', rawFrame(frameKind.credit, 1, 'xxx'), 'too_short'],
    ['credit of five bytes', rawFrame(frameKind.credit, 1, 'xxxxx'), 'too_large'],
    ['a length that does not cover the header', new Uint8Array(headerBytes).fill(5, 4, 5), 'too_short'],
  ])('refuses %s', (_, bytes, problem) => {
    expect(read([bytes])).toEqual({ frames: [], problem });
    expect(read(cut(bytes, [1]))).toEqual({ frames: [], problem });
  });

  it.each([
    [frameKind.notice, maxJsonBytes],
    [frameKind.request, maxJsonBytes],
    [frameKind.reply, maxJsonBytes],
    [frameKind.open, maxJsonBytes],
    [frameKind.data, maxDataBytes],
  ] as [FrameKind, number][])('of kind %d carry %d bytes and not one more', (kind, max) => {
    const whole = encodeFrame(kind, 3, new Uint8Array(max));
    expect(read([whole]).frames).toHaveLength(1);
    expect(read(cut(whole, [1000])).frames).toHaveLength(1);
    const header = rawFrame(kind, 3, new Uint8Array(max + 1)).subarray(0, headerBytes);
    expect(read([header]).problem).toBe('too_large');
  });

  it('are refused by their header alone, and nothing is read afterwards', () => {
    const reader = new FrameReader(() => expect.unreachable());
    expect(reader.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, frameKind.notice, 0, 0, 0))).toBeUndefined();
    expect(reader.push(Uint8Array.of(0))).toBe('too_large');
    expect(reader.push(encodeFrame(frameKind.end, 1, new Uint8Array(0)))).toBe('too_large');
  });

  it('cost work in proportion to their bytes, also byte by byte', () => {
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    let copied = 0;
    try {
      const whole = encodeFrame(frameKind.notice, 0, new Uint8Array(maxJsonBytes / 8));
      set.mockClear();
      expect(read(cut(whole, [1])).frames).toHaveLength(1);
      copied = set.mock.calls.reduce((sum, [bytes]) => sum + bytes.length, 0);
    } finally {
      set.mockRestore();
    }
    expect(copied).toBeLessThan((3.5 * maxJsonBytes) / 8);
  });
});
