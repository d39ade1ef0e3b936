import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createResumables, type Kept, type Resumables } from './resumable.ts';

let kept: Kept;
let streams: Resumables;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  kept = { bytes: 0 };
  streams = createResumables({ 'mcp-session-id': 'its-session' }, kept);
});
afterEach(() => void vi.useRealTimers());

/** A real response over a stream of bytes; `takes` false: nobody reads it. */
function client({ takes = true } = {}) {
  let got = '';
  const wire = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      got += chunk.toString();
      if (takes) done();
    },
  });
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.useChunkedEncodingByDefault = false;
  response.assignSocket(wire as unknown as Socket);
  wire.once('close', () => response.destroy());
  return { response, got: () => got.replace(/^[^]*?\r\n\r\n/, ''), head: () => got, leave: () => wire.destroy() };
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const openAfterMs = 1000;
const waitMs = 30_000;

it('answers at once without a stream', async () => {
  const first = client();
  streams.answer(first.response).reply('{"ok":1}');
  await settle();
  expect(first.head()).toContain('content-type: application/json');
  expect(first.got()).toBe('{"ok":1}');
  vi.advanceTimersByTime(2 * waitMs);
  expect(kept.bytes).toBe(0);
});

it('opens a stream for what takes longer, and gives its client all it has missed', async () => {
  const first = client();
  const sink = streams.answer(first.response);
  vi.advanceTimersByTime(openAfterMs);
  sink.notify('"one"');
  await settle();
  expect(first.got()).toBe('id: 1-0\nretry: 1000\ndata: \n\nid: 1-1\nevent: message\ndata: "one"\n\n');
  first.leave();
  await settle();
  sink.notify('"two"');
  const second = client();
  expect(streams.resume('1-0', second.response)).toBe(true);
  sink.reply('"three"');
  await settle();
  expect(second.head()).toContain('mcp-session-id: its-session');
  expect([...second.got().matchAll(/^data: (.*)$/gm)].map(([, data]) => data)).toEqual(['"one"', '"two"', '"three"']);
  expect(second.response.writableFinished).toBe(true);
  expect(kept.bytes).toBe(0);
  expect(streams.resume('1-0', client().response)).toBe(false);
});

it('gives an answer that nobody was there for to who comes back, and the rest of it to who left in its middle', async () => {
  const first = client();
  const sink = streams.answer(first.response);
  vi.advanceTimersByTime(openAfterMs);
  first.leave();
  await settle();
  sink.reply('"answer"');
  const stuck = client({ takes: false });
  expect(streams.resume('1-0', stuck.response)).toBe(true);
  await settle();
  stuck.leave();
  await settle();
  vi.advanceTimersByTime(waitMs - 1);
  const last = client();
  expect(streams.resume('1-0', last.response)).toBe(true);
  await settle();
  expect(last.got()).toContain('data: "answer"');
  expect(kept.bytes).toBe(0);
});

/** Open, and its client is gone. */
async function away(): Promise<ReturnType<Resumables['answer']>> {
  const gone = client();
  const sink = streams.answer(gone.response);
  sink.notify('"one"');
  gone.leave();
  await settle();
  return sink;
}

it('drops what nobody comes back for in half a minute', async () => {
  (await away()).reply('"answer"');
  expect(kept.bytes).toBeGreaterThan(0);
  vi.advanceTimersByTime(waitMs);
  expect(kept.bytes).toBe(0);
  expect(streams.resume('1-0', client().response)).toBe(false);
});

it.each(['forget', 'close'] as const)('%s drops what waits, and what such a call answers later', async (how) => {
  (await away()).reply('"answer"');
  const running = await away();
  streams[how]();
  running.reply('"late"');
  expect(kept.bytes).toBe(0);
  for (const id of ['1-0', '2-0']) expect(streams.resume(id, client().response)).toBe(false);
});

it('forget leaves a client that is there its stream', async () => {
  const there = client();
  const sink = streams.answer(there.response);
  sink.notify('"one"');
  streams.forget();
  sink.reply('"answer"');
  await settle();
  expect(there.got()).toContain('data: "answer"');
});

it('keeps nothing of a client that left before its stream began', async () => {
  const gone = client();
  const sink = streams.answer(gone.response);
  gone.leave();
  await settle();
  sink.notify('"one"');
  sink.reply('"answer"');
  expect(kept.bytes).toBe(0);
  expect(streams.resume('1-0', client().response)).toBe(false);
});

it.each(['1-', '-0', 'x-0', '1-0, 1-1', '2-0', '__proto__-0', `${'1'.repeat(10)}-0`])(
  'knows no event %s',
  async (id) => {
    (await away()).reply('"answer"');
    expect(streams.resume(id, client().response)).toBe(false);
  },
);

it('keeps at most 4 MiB of a stream, 16 MiB of all, and 16 streams of a session', async () => {
  const mebibyte = `"${'x'.repeat(1024 * 1024)}"`;
  const large = await away();
  for (let count = 0; count < 4; count += 1) large.notify(mebibyte);
  expect(streams.resume('1-0', client().response)).toBe(false);
  expect(kept.bytes).toBe(0);
  for (let count = 0; count < 20; count += 1) (await away()).reply(mebibyte);
  expect(kept.bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
  streams.close();
  expect(kept.bytes).toBe(0);
  for (let count = 0; count < 20; count += 1) await away();
  const found = Array.from({ length: 41 }, (_, at) => streams.resume(`${at + 1}-0`, client().response));
  expect(found.filter(Boolean)).toHaveLength(16);
});

it('gives a client that cannot be kept its answer, without ids', async () => {
  const there = Array.from({ length: 17 }, () => client());
  const sinks = there.map(({ response }) => streams.answer(response));
  for (const sink of sinks) sink.notify('"one"');
  sinks[16]!.reply('"answer"');
  await settle();
  expect(there[16]!.got()).toBe('event: message\ndata: "one"\n\nevent: message\ndata: "answer"\n\n');
});
