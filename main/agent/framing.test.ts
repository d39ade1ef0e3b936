import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBlockPool, type BlockPool } from './blocks.ts';
import { createFramer, type Frame, type Framer } from './framing.ts';
import { ownBytes } from './line-store.ts';

function drain(framer: Framer): Frame[] {
  const frames: Frame[] = [];
  for (let frame = framer.next(); frame !== null; frame = framer.next()) {
    if (frame === 'blocked') throw new Error('no block');
    frames.push(frame);
  }
  return frames;
}

/** One buffer for all pieces, as a connection reads. */
function feed(framer: Framer, bytes: Buffer, sizes: readonly number[]): Frame[] {
  const frames: Frame[] = [];
  const buffer = Buffer.alloc(Math.max(bytes.length, 1));
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    const length = bytes.copy(buffer, 0, at, at + size);
    framer.push(buffer.subarray(0, length));
    frames.push(...drain(framer));
    at += size;
  }
  return frames;
}

const line = fc.oneof(
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
  fc.dictionary(fc.string(), fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a))),
  fc.constant(Buffer.from('\r')),
);

describe('framing', () => {
  it('yields the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (lines, sizes) => {
          const bytes = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\n')]));
          const whole = feed(createFramer(createBlockPool(1).of(1), 200), bytes, [bytes.length || 1]);
          expect(feed(createFramer(createBlockPool(1).of(1), 200), bytes, sizes)).toEqual(whole);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('names what is wrong with a line and goes on', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"a":\n'),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(`"${'x'.repeat(200)}"\n`),
      Buffer.from('[1]\n\n\r\n7\n{"a":1}\r\n'),
    ]);
    expect(feed(createFramer(createBlockPool(1).of(1), 100), bytes, [7])).toEqual([
      { kind: 'error', code: 'malformed' },
      { kind: 'error', code: 'invalid_utf8' },
      { kind: 'error', code: 'frame_too_large' },
      { kind: 'batch', messages: [1] },
      { kind: 'error', code: 'malformed', notAnObject: true },
      { kind: 'message', message: { a: 1 } },
    ]);
  });

  it('takes a line of exactly the limit and no byte more', () => {
    const of = (length: number): Buffer => Buffer.from(`{"a":"${'x'.repeat(length - 8)}"}\n`);
    expect(feed(createFramer(createBlockPool(1).of(1), 100), of(100), [3])).toMatchObject([{ kind: 'message' }]);
    expect(feed(createFramer(createBlockPool(1).of(1), 100), of(101), [3])).toMatchObject([
      { code: 'frame_too_large' },
    ]);
  });

  const half = Buffer.from(`{"a":"${'x'.repeat(2 * ownBytes)}`);
  const [first, second] = [half.subarray(0, ownBytes), half.subarray(ownBytes)];
  const end = Buffer.from('"}\n{"b":1}\n');

  /** A framer of process `pid` with the first part of a long line in its own store, and what it says to the second. */
  function longLine(pool: BlockPool, pid: number) {
    const framer = createFramer(pool.of(pid), 4 * ownBytes);
    feed(framer, first, [ownBytes]);
    framer.push(second);
    return { framer, said: framer.next() };
  }

  it('keeps long half-read lines in a bounded number of blocks, one a process, and lets the others wait', () => {
    const pool = createBlockPool(2, 4 * ownBytes);
    const [held, sibling, other, late] = [1, 1, 2, 3].map((pid) => longLine(pool, pid));
    expect([held, sibling, other, late].map((line) => line?.said)).toEqual([null, 'blocked', null, 'blocked']);
    const woken: string[] = [];
    sibling?.framer.whenRoom(() => woken.push('sibling'));
    late?.framer.whenRoom(() => woken.push('late'));
    // First come, first served, but for a process that has its one.
    other?.framer.close();
    expect(woken).toEqual(['late']);
    expect(feed(held!.framer, end, [100])).toMatchObject([{ kind: 'message' }, { message: { b: 1 } }]);
    expect(woken).toEqual(['late', 'sibling']);
    for (const { framer } of [late!, sibling!]) {
      expect(framer.next()).toBeNull();
      expect(feed(framer, end, [100])).toMatchObject([{ kind: 'message' }, { message: { b: 1 } }]);
    }
  });

  it('skips a line that waited too long, and forgets who left', () => {
    const pool = createBlockPool(1, 4 * ownBytes);
    const [held, late, gone] = [1, 2, 3].map((pid) => longLine(pool, pid).framer);
    const woken: string[] = [];
    late!.whenRoom(() => woken.push('late'));
    gone!.whenRoom(() => woken.push('gone'));
    late!.skipLine();
    gone!.close();
    expect(feed(late!, end, [100])).toEqual([{ kind: 'message', message: { b: 1 } }]);
    held!.close();
    expect(woken).toEqual([]);
    expect(longLine(pool, 2).said).toBeNull();
  });
});
