import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEnd } from '../../test/contract/connected-pair.ts';
import { collect, sample } from '../../test/contract/sample.ts';
import type { ByteStream } from './channel.ts';

const idle = {
  notices: { say: () => undefined, 'throw-fault': () => undefined },
  requests: {
    double: ({ value }: { value: number }) => Promise.resolve({ value: value * 2 }),
    never: () => Promise.resolve({}),
    'throw-fault': () => Promise.resolve({}),
    'throw-other': () => Promise.resolve({}),
    'wrong-result': () => Promise.resolve({ fine: true as const }),
    'large-result': () => Promise.resolve({ text: '' }),
  },
};

/** Each byte tells its stream and its place, so that one lost, doubled or misled is seen. */
function content(stream: number, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => (stream * 31 + at * 7 + (at >> 8)) & 0xff));
}

/** A full wire moves one of them a turn. */
const mostPieces = 2000;

async function writeAll(stream: ByteStream, bytes: Buffer, sizes: readonly number[]): Promise<void> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(sizes[turn % sizes.length]!, Math.ceil(bytes.length / mostPieces));
    await stream.write(bytes.subarray(at, at + size));
    at += size;
  }
  stream.end();
}

async function echo(stream: ByteStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk);
  stream.end();
}

const plan = fc.record({
  streams: fc.array(
    fc.record({
      length: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 250_000, max: 400_000 })),
      sizes: fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  /** How the wire cuts what passes, how often it is full, and which way moves first. */
  cuts: fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 }),
  full: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  first: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
});

it('many streams at once lose no byte, double none, and never overrun their credit', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(plan, async ({ streams, cuts, full, first }) => {
      const order = [...first, true, false];
      const a = createEnd(sample, 'a', { ...idle, streams: { pipe: () => undefined, 'throw-fault': () => undefined } });
      const b = createEnd(sample, 'b', {
        ...idle,
        streams: { pipe: (_, stream) => echo(stream), 'throw-fault': () => undefined },
      });
      const expected = streams.map(({ length }, at) => content(at, length));
      const progress = { done: false };
      const echoes = Promise.all(
        streams.map(async ({ sizes }, at) => {
          const stream = a.channel.open('pipe', { label: String(at) });
          const [, back] = await Promise.all([writeAll(stream, expected[at]!, sizes), collect(stream)]);
          return [Buffer.compare(back, expected[at]!), await stream.closed];
        }),
      ).finally(() => (progress.done = true));

      for (let turn = 0; !progress.done && turn < 100_000; turn += 1) {
        const [from, to] = order[turn % order.length]! ? [a, b] : [b, a];
        from.accepts = !full[turn % full.length]!;
        const bytes = Buffer.concat(from.sent.splice(0));
        for (let at = 0; at < bytes.length; at += cuts[turn % cuts.length]!) {
          to.receive(bytes.subarray(at, at + cuts[turn % cuts.length]!));
        }
        from.drained();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(progress.done, 'all has arrived').toBe(true);
      expect([a.closes, b.closes]).toEqual([[], []]);
      expect(await echoes).toEqual(streams.map(() => [0, undefined]));
    }),
    { numRuns: 150 },
  );
});
