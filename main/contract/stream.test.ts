import { describe, expect, it } from 'vitest';
import { rawFrame } from '../../test/contract/connected-pair.ts';
import { codeOf, collect, samplePair } from '../../test/contract/sample.ts';
import type { SamplePair } from '../../test/contract/sample.ts';
import type { ByteStream } from './channel.ts';
import { frameKind } from './frames.ts';
import { maxOpenStreams } from './multiplex-core.ts';
import { initialCreditBytes } from './stream.ts';

async function opened(label = 'x'): Promise<SamplePair & { near: ByteStream; far: ByteStream }> {
  const pair = samplePair();
  const near = pair.a.channel.open('pipe', { label });
  await pair.settle();
  return { ...pair, near, far: pair.seenByB.streams[0]!.stream };
}

const next = (stream: ByteStream): Promise<IteratorResult<Uint8Array, undefined>> =>
  stream[Symbol.asyncIterator]().next();

const text = async (read: ReturnType<typeof next>) => Buffer.from((await read).value ?? []).toString();

describe('streams', () => {
  it('carry bytes both ways and end on both sides', async () => {
    const { near, far, settle, a, b } = await opened();
    const reads = [collect(near), collect(far)];
    await near.write(Buffer.from('there'));
    await far.write(Buffer.from('back'));
    near.end();
    far.end();
    await settle();
    expect((await Promise.all(reads)).map(String)).toEqual(['back', 'there']);
    expect(await Promise.all([near.closed, far.closed])).toEqual([undefined, undefined]);
    expect([a.closes, b.closes]).toEqual([[], []]);
  });

  it('hold a writer back until the reader has read', async () => {
    const { near, far, settle } = await opened();
    let written = false;
    const write = near.write(new Uint8Array(initialCreditBytes + 1)).then(() => (written = true));
    await settle();
    expect(written).toBe(false);
    await next(far);
    await settle();
    await write;
    expect(written).toBe(true);
  });

  it('can be reused for the next write once it resolved', async () => {
    const { near, far, settle } = await opened();
    const bytes = Buffer.from('first');
    await near.write(bytes);
    bytes.fill('z');
    near.end();
    const read = collect(far);
    await settle();
    expect(String(await read)).toBe('first');
  });

  it('do not share memory with the wire', async () => {
    const { far, b: wire } = await opened();
    const waiting = next(far);
    const frame = Buffer.from(rawFrame(frameKind.data, 1, 'kept'));
    wire.receive(frame);
    wire.receive(frame);
    frame.fill(0);
    expect(await text(waiting)).toBe('kept');
    expect(await text(next(far))).toBe('kept');
  });

  it('fail on both sides with the code of a reset', async () => {
    const { near, far, settle, a, b } = await opened();
    const blocked = codeOf(near.write(new Uint8Array(initialCreditBytes + 1)));
    const reading = codeOf(next(near));
    await settle();
    far.reset('access_ended');
    far.reset('internal');
    await settle();
    expect(await Promise.all([blocked, reading, near.closed, far.closed])).toEqual(Array(4).fill('access_ended'));
    expect(await codeOf(next(far))).toBe('access_ended');
    expect(await codeOf(far.write(Buffer.from('x')))).toBe('access_ended');
    expect(await codeOf(near.write(Buffer.from('x')))).toBe('access_ended');
    near.end();
    far.end();
    await settle();
    expect([a.closes, b.closes]).toEqual([[], []]);
  });

  it.each(['both reset', 'reset meets end', 'reset meets data', 'reset after both ended'] as const)(
    'that cross on the wire end well: %s',
    async (how) => {
      const { near, far, settle, a, b, seenByB } = await opened();
      if (how === 'both reset') {
        near.reset('internal');
        far.reset('paused');
      } else if (how === 'reset meets end') {
        near.end();
        far.reset('paused');
      } else if (how === 'reset meets data') {
        near.reset('internal');
        void far.write(new Uint8Array(1000));
        far.end();
      } else {
        near.end();
        far.end();
        near.reset('internal');
        far.reset('internal');
      }
      await settle();
      expect([a.closes, b.closes]).toEqual([[], []]);
      // Both sides have forgotten it: as many as ever can be opened.
      for (let turn = 0; turn < maxOpenStreams; turn += 1) a.channel.open('pipe', { label: '' });
      await settle();
      expect(b.closes).toEqual([]);
      expect(seenByB.streams).toHaveLength(1 + maxOpenStreams);
    },
  );

  it('that were reset here still count what the peer sends', () => {
    const { b, seenByB } = samplePair();
    b.receive(rawFrame(frameKind.open, 1, JSON.stringify({ name: 'pipe', header: { label: '' } })));
    seenByB.streams[0]!.stream.reset('not_permitted');
    for (let turn = 0; turn < 4; turn += 1) b.receive(rawFrame(frameKind.data, 1, new Uint8Array(65_536)));
    expect(b.closes).toEqual([]);
    b.receive(rawFrame(frameKind.data, 1, 'x'));
    expect(b.closes).toEqual(['malformed']);
  });

  it('are reset by leaving the loop early, and by a handler that fails', async () => {
    const { near, far, settle } = await opened();
    await near.write(Buffer.from('xx'));
    await settle();
    for await (const _ of far) break;
    await settle();
    expect(await near.closed).toBe('internal');

    const { a, settle: settleOther } = samplePair();
    const refused = a.channel.open('throw-fault', {});
    await settleOther();
    expect(await refused.closed).toBe('not_permitted');
  });

  it('are over for a late reader: what came before the end can be read', async () => {
    const { near, far, settle, b } = await opened();
    await near.write(Buffer.from('result'));
    near.end();
    await settle();
    b.closed();
    expect(String(await collect(far))).toBe('result');
    expect(await far.closed).toBe('internal');
    expect(await codeOf(far.write(Buffer.from('x')))).toBe('internal');
  });

  it('fail in all that waits when the channel closes', async () => {
    const { near, far, a, settle } = await opened();
    await far.write(Buffer.from('part'));
    await settle();
    const waiting = [codeOf(near.write(new Uint8Array(initialCreditBytes + 1))), near.closed];
    a.closed();
    expect(await Promise.all(waiting)).toEqual(['internal', 'internal']);
    // The end never came, so the part must not look like the whole.
    expect(await codeOf(next(near))).toBe('internal');
    expect(await a.channel.open('pipe', { label: 'late' }).closed).toBe('internal');
  });

  it('are bounded in number on both sides', async () => {
    const { a, b, settle } = samplePair();
    for (let turn = 0; turn < maxOpenStreams; turn += 1) a.channel.open('pipe', { label: '' });
    const one = a.channel.open('pipe', { label: '' });
    expect(await one.closed).toBe('too_many_requests_in_flight');
    expect(await codeOf(one.write(Buffer.from('x')))).toBe('too_many_requests_in_flight');
    await settle();
    expect(b.closes).toEqual([]);
    b.receive(
      rawFrame(frameKind.open, 2 * maxOpenStreams + 1, JSON.stringify({ name: 'pipe', header: { label: '' } })),
    );
    expect(b.closes).toEqual(['malformed']);
  });

  it('cost memory in proportion to their credit, also in pieces of one byte', async () => {
    const { b, far } = await opened();
    const frame = Buffer.concat(Array.from({ length: 64 }, () => rawFrame(frameKind.data, 1, 'x')));
    for (let turn = 0; turn < initialCreditBytes / 64; turn += 1) b.receive(frame);
    expect(b.closes).toEqual([]);
    let [bytes, reads] = [0, 0];
    while (bytes < initialCreditBytes) {
      bytes += (await next(far)).value?.length ?? 0;
      reads += 1;
    }
    expect(reads).toBeLessThan(initialCreditBytes / 2048);
  });

  it('refuse a write after the end, and a header too large', async () => {
    const { near, a } = await opened();
    near.end();
    expect(await codeOf(near.write(Buffer.from('x')))).toBe('internal');
    expect(await a.channel.open('pipe', { label: 'x'.repeat(1_048_576) }).closed).toBe('internal');
    expect(() => a.channel.open('nothing' as never, {} as never)).toThrow('does not fit');
    expect(a.closes).toEqual([]);
  });
});
