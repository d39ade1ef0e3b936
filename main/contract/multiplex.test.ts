import { describe, expect, it } from 'vitest';
import { rawFrame } from '../../test/contract/connected-pair.ts';
import { codeOf, samplePair } from '../../test/contract/sample.ts';
import { frameKind, maxId } from './frames.ts';
import { maxBacklogBytes, maxOpenRequests } from './multiplex-core.ts';

const json = (value: unknown) => JSON.stringify(value);
const say = (text: string) => json({ name: 'say', body: { text } });
const ask = (name: string, params: unknown = {}) => json({ name, params });
const pipe = json({ name: 'pipe', header: { label: 'x' } });

describe('notices', () => {
  it('arrive in order', async () => {
    const { a, seenByB, settle } = samplePair();
    for (const text of ['one', 'two', 'é😀\ud800']) a.channel.notify('say', { text });
    await settle();
    expect(seenByB.notices).toEqual(['one', 'two', 'é😀\ud800']);
  });

  it('that do not fit are not sent', async () => {
    const { a, settle, seenByB } = samplePair();
    expect(() => a.channel.notify('say', { text: 1 } as never)).toThrow('does not fit');
    expect(() => a.channel.notify('constructor' as never, {} as never)).toThrow('does not fit');
    expect(() => a.channel.notify('say', { text: 'x'.repeat(1_048_576) })).toThrow('too large');
    await settle();
    expect(seenByB.notices).toEqual([]);
    expect(a.closes).toEqual([]);
  });

  it('whose handler fails close the channel: nobody else would know', async () => {
    const { a, b, settle } = samplePair();
    a.channel.notify('throw-fault', {});
    await settle();
    expect(b.closes).toEqual(['audit_unavailable']);
  });
});

describe('requests', () => {
  it('are answered, defaults filled in', async () => {
    const { a, b, settle } = samplePair();
    const answers = [a.channel.request('double', { value: 2 }), b.channel.request('double', { value: 3 })];
    await settle();
    expect(await Promise.all(answers)).toEqual([
      { value: 4, note: 'none' },
      { value: 6, note: 'none' },
    ]);
    expect(a.timers.waiting).toBe(0);
  });

  it.each([
    ['throw-fault', 'not_permitted', 'not for you'],
    ['throw-other', 'internal', 'the request failed'],
    ['wrong-result', 'internal', 'the answer does not fit its contract'],
    ['large-result', 'internal', 'the answer is too large'],
  ] as const)('%s: the caller gets %s', async (name, code, say) => {
    const { a, b, settle } = samplePair();
    const answer = a.channel.request(name, {});
    const settled = expect(answer).rejects.toMatchObject({ code, message: say });
    await settle();
    await settled;
    expect([a.closes, b.closes]).toEqual([[], []]);
  });

  it('fail at once when they do not fit', async () => {
    const { a } = samplePair();
    expect(await codeOf(a.channel.request('double', {} as never))).toBe('internal');
    expect(await codeOf(a.channel.request('toString' as never, {} as never))).toBe('internal');
    expect(a.sent).toEqual([]);
  });

  it('end after their time, and a late reply hurts nobody', async () => {
    const { a } = samplePair();
    const answer = a.channel.request('never', {}, { timeoutMs: 5 });
    a.timers.fireAll();
    expect(await codeOf(answer)).toBe('internal');
    a.receive(rawFrame(frameKind.reply, 1, json({ result: {} })));
    expect(a.closes).toEqual([]);
    a.receive(rawFrame(frameKind.reply, 1, json({ result: {} })));
    expect(a.closes).toEqual(['malformed']);
  });

  it('are bounded; those given up count until their reply came', async () => {
    const { a, settle, b } = samplePair();
    const answers = Array.from({ length: maxOpenRequests }, () => codeOf(a.channel.request('never', {})));
    a.timers.fireAll();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['internal']));
    expect(await codeOf(a.channel.request('double', { value: 1 }))).toBe('too_many_requests_in_flight');
    await settle();
    expect(b.closes).toEqual([]);
    b.receive(rawFrame(frameKind.request, 2 * maxOpenRequests + 1, ask('double', { value: 1 })));
    expect(b.closes).toEqual(['malformed']);
  });

  it('fail with the channel, and so do later ones', async () => {
    const { a, b } = samplePair();
    const answer = codeOf(a.channel.request('never', {}));
    a.closed();
    a.closed();
    a.channel.close();
    expect(await answer).toBe('internal');
    expect(a.closes).toEqual([undefined]);
    expect(a.timers.waiting).toBe(0);
    expect(await codeOf(a.channel.request('never', {}))).toBe('internal');
    a.channel.notify('say', { text: 'nobody' });
    a.receive(rawFrame(frameKind.end, 1, ''));
    expect(a.closes).toEqual([undefined]);
    expect(b.closes).toEqual([]);
  });

  it('answered after the channel closed send nothing', async () => {
    const { b } = samplePair();
    b.receive(rawFrame(frameKind.request, 1, ask('double', { value: 1 })));
    b.channel.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(b.sent).toEqual([]);
  });
});

describe('a peer that breaks the protocol', () => {
  const open = rawFrame(frameKind.open, 1, pipe);
  const data = rawFrame(frameKind.data, 1, 'x');
  const end = rawFrame(frameKind.end, 1, '');
  const reset = rawFrame(frameKind.reset, 1, json({ code: 'internal' }));
  const credit = (bytes: number) => {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(bytes);
    return rawFrame(frameKind.credit, 1, payload);
  };
  const window = Array.from({ length: 4 }, () => rawFrame(frameKind.data, 1, 'x'.repeat(65_536)));

  it.each<[string, Uint8Array[]]>([
    ['a notice with an id', [rawFrame(frameKind.notice, 1, say('x'))]],
    ['a notice that is no JSON', [rawFrame(frameKind.notice, 0, '{{')]],
    ['a notice without a body', [rawFrame(frameKind.notice, 0, json({ name: 'say' }))]],
    ['a notice with a wrong body', [rawFrame(frameKind.notice, 0, json({ name: 'say', body: { text: 1 } }))]],
    [
      'a notice with a member more',
      [rawFrame(frameKind.notice, 0, json({ name: 'say', body: { text: 'x', more: 1 } }))],
    ],
    ...['unknown', 'constructor', 'toString', '__proto__', 'hasOwnProperty', 'pipe', 'double', ''].flatMap(
      (name): [string, Uint8Array[]][] => [
        [`the notice ${name}`, [rawFrame(frameKind.notice, 0, json({ name, body: {} }))]],
        [`the request ${name}`, [rawFrame(frameKind.request, 1, ask(name))]],
        [`the stream ${name}`, [rawFrame(frameKind.open, 1, json({ name, header: {} }))]],
      ],
    ),
    ['a request with our kind of id', [rawFrame(frameKind.request, 2, ask('never'))]],
    ['a request with id 0', [rawFrame(frameKind.request, 0, ask('never'))]],
    ['a request that skips ids', [rawFrame(frameKind.request, 3, ask('never'))]],
    ['an id used twice', [rawFrame(frameKind.request, 1, ask('never')), rawFrame(frameKind.request, 1, ask('never'))]],
    ['a reply to nothing', [rawFrame(frameKind.reply, 2, json({ result: {} }))]],
    [
      'a reply to its own request',
      [rawFrame(frameKind.request, 1, ask('never')), rawFrame(frameKind.reply, 1, json({ result: {} }))],
    ],
    ['a stream that skips ids', [rawFrame(frameKind.open, 3, pipe)]],
    ['a stream with our kind of id', [rawFrame(frameKind.open, 2, pipe)]],
    ['a stream opened twice', [open, open]],
    ['data for no stream', [data]],
    ['an end of no stream', [end]],
    ['credit for no stream', [credit(1)]],
    ['a reset of no stream', [reset]],
    ['a reset of id 0', [open, rawFrame(frameKind.reset, 0, json({ code: 'internal' }))]],
    ['a reset of a stream of ours that we never opened', [rawFrame(frameKind.reset, 2, json({ code: 'internal' }))]],
    ['a reset with an unknown code', [open, rawFrame(frameKind.reset, 1, json({ code: 'whatever' }))]],
    ['data after the end', [open, end, data]],
    ['two ends', [open, end, end]],
    ['data after its reset', [open, reset, data]],
    ['an end after its reset', [open, reset, end]],
    ['more data than credit', [open, ...window, data]],
    ['no credit at all', [open, credit(0)]],
    ['credit for bytes that were never sent', [open, credit(1)]],
    ['an unknown kind', [rawFrame(9, 0, '{}')]],
    ['a frame beyond its limit', [rawFrame(frameKind.data, 1, 'x'.repeat(65_537))]],
    ['the largest id', [rawFrame(frameKind.open, maxId, pipe)]],
  ])('is cut off: %s', (_, frames) => {
    const { b, seenByB } = samplePair();
    for (const frame of frames) b.receive(frame);
    b.receive(rawFrame(frameKind.notice, 0, say('later')));
    expect(b.closes).toEqual(['malformed']);
    expect(seenByB.notices).toEqual([]);
  });

  it('is cut off when a reply has the wrong shape, and the caller gets a code', async () => {
    for (const reply of [
      { result: { value: 'x' } },
      { error: { code: 'whatever', say: '' } },
      { result: {}, error: {} },
      {},
    ]) {
      const { a } = samplePair();
      const answer = codeOf(a.channel.request('double', { value: 1 }));
      a.receive(rawFrame(frameKind.reply, 1, json(reply)));
      expect(await answer).toBe('internal');
      expect(a.closes).toEqual(['malformed']);
    }
  });

  it('reads nothing more of the same chunk', () => {
    const { b, seenByB } = samplePair();
    b.receive(Buffer.concat([data, rawFrame(frameKind.notice, 0, say('later'))]));
    expect(seenByB.notices).toEqual([]);
    expect(b.closes).toEqual(['malformed']);
  });
});

describe('a peer that does not read', () => {
  it('gets no more stream data until the wire is free', async () => {
    const { a, settle, seenByB } = samplePair();
    const streams = [a.channel.open('pipe', { label: '0' }), a.channel.open('pipe', { label: '1' })];
    a.accepts = false;
    const writes = streams.map((stream) => stream.write(new Uint8Array(150_000)));
    expect(a.sent.filter((frame) => frame[4] === frameKind.data)).toHaveLength(1);
    a.drained();
    expect(a.sent.filter((frame) => frame[4] === frameKind.data)).toHaveLength(2);
    a.accepts = true;
    a.drained();
    await Promise.all(writes);
    // In turns: a stream with much to say does not hold back the other.
    const order = a.sent.filter((frame) => frame[4] === frameKind.data).map((frame) => frame[8]);
    expect(order).toEqual([1, 1, 3, 1, 3, 3]);
    await settle();
    expect(seenByB.streams).toHaveLength(2);
  });

  it('loses the channel when messages pile up', async () => {
    const { a } = samplePair();
    const answer = codeOf(a.channel.request('never', {}));
    a.backlogBytes = maxBacklogBytes + 1;
    a.channel.notify('say', { text: 'one too many' });
    expect(a.closes).toEqual(['internal']);
    expect(await answer).toBe('internal');
    expect(await codeOf(a.channel.request('never', {}))).toBe('internal');
  });

  it('loses the channel also when the last straw is a request or a stream', async () => {
    for (const straw of ['request', 'open'] as const) {
      const { a } = samplePair();
      a.backlogBytes = maxBacklogBytes + 1;
      if (straw === 'request') expect(await codeOf(a.channel.request('never', {}))).toBe('internal');
      else expect(await a.channel.open('pipe', { label: '' }).closed).toBe('internal');
      expect(a.closes).toEqual(['internal']);
    }
  });
});
