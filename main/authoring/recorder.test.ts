/** A recording is made of what was said, replays it, and holds no credential. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { createRecorder, portsOf, recordingOf } from './recorder.ts';
import { openRecordings, recordingsFolder } from './recording.ts';

const manifest = { name: 'shop', destinations: { store: {} } } as unknown as ConnectorManifest;
let server: Server | undefined;
afterEach(() => server?.close());

/** Answers each piece that is sent. */
async function backend(answer: (sent: string) => Buffer): Promise<number> {
  const listening = createServer((socket) => {
    socket.on('data', (bytes) => socket.write(answer(bytes.toString('latin1'))));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}

async function say(port: number, pieces: readonly string[]) {
  const recorder = createRecorder(new Map([['store', port]]));
  const stream = await recorder.backend('store');
  if (stream === null) throw new Error('nobody');
  const got: string[] = [];
  for (const piece of pieces) {
    const answered = new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.write(piece);
    got.push((await answered).toString('latin1'));
  }
  stream.destroy();
  return { got, taped: recorder.tape.get('store') ?? [] };
}

const message = (type: string, body: string): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body, 'latin1')]);
};

it('replays what was recorded, with other digits where the rounds had others', async () => {
  const port = await backend((sent) => Buffer.from(`\xff(${sent.slice(0, 1)})`, 'latin1'));
  const rounds = [await say(port, ['a at 1234;', 'b']), await say(port, ['a at 1299;', 'b'])];
  const text = recordingOf(
    rounds.map(({ taped }) => taped),
    'stream',
  );
  expect(JSON.parse(text)).toEqual({
    sallyportRecording: 1,
    connections: [
      {
        exchanges: [
          { sends: ['a at ', { digits: 4 }, ';'], answers: [{ base64: '/w==' }, '(a)'] },
          { sends: 'b', answers: [{ base64: '/w==' }, '(b)'] },
        ],
        closes: false,
      },
    ],
  });
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-recorder-'));
  mkdirSync(path.join(folder, recordingsFolder));
  writeFileSync(path.join(folder, recordingsFolder, 'store.json'), text);
  const recordings = openRecordings(folder, manifest);
  rmSync(folder, { recursive: true });
  const stream = await recordings.backend('store');
  stream?.write('a at 9876;');
  expect(String(stream?.read() as Buffer)).toContain('(a)');
  const other = await recordings.backend('store');
  other?.on('error', () => undefined).write('a at 987x;');
  expect(recordings.deviations()).toEqual([expect.stringContaining('connection 1, exchange 1, byte 9')]);
});

it('is not made of what differs in more than digits', async () => {
  const port = await backend(() => Buffer.from('ok'));
  const rounds = [(await say(port, ['token ab'])).taped, (await say(port, ['token cd'])).taped];
  expect(() => recordingOf(rounds, 'stream')).toThrow('differs from round to round');
  expect(() => recordingOf([...rounds.slice(0, 1), []], 'stream')).toThrow('differs from round to round');
});

it('has no cancel key of PostgreSQL in it, though the connector was given one', async () => {
  const needle = 'CANARY-K';
  const port = await backend(() => Buffer.concat([message('R', '\0\0\0\0'), message('K', needle), message('Z', 'I')]));
  const { got, taped } = await say(port, ['hello']);
  expect(got[0]).toContain(needle);
  const text = recordingOf([taped], 'postgres');
  expect(text).not.toContain(needle);
  expect(JSON.parse(text)).toMatchObject({ connections: [{ exchanges: [{ sends: 'hello' }] }] });
});

it('is not made where either side says what looks like a credential', async () => {
  const needle = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
  const answering = await backend(() => message('D', `\0\x01\xff${needle}\0`));
  const { taped } = await say(answering, ['hello']);
  expect(() => recordingOf([taped], 'postgres')).toThrow('what looks like a credential');
  server?.close();
  const sending = await backend(() => Buffer.from('ok'));
  const { taped: sent } = await say(sending, [`login ${needle}\n`]);
  expect(() => recordingOf([sent], 'stream')).toThrow('what looks like a credential');
});

it('dials a declared destination on this machine and nothing else', () => {
  expect(portsOf(['store=5432'], manifest)).toEqual(new Map([['store', 5432]]));
  for (const wrong of ['store', 'other=1', 'store=0', 'store=70000', 'store=db.example:5432'])
    expect(() => portsOf([wrong], manifest)).toThrow('DESTINATION=PORT');
});
