import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { openRecordings, recordingsFolder, type Recordings } from './recording.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-recording-'));
const manifest = { destinations: { store: {}, other: {} } } as unknown as ConnectorManifest;
beforeAll(() => {
  mkdirSync(path.join(folder, recordingsFolder));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function recorded(recording: unknown): Recordings {
  writeFileSync(path.join(folder, recordingsFolder, 'store.json'), JSON.stringify(recording));
  return openRecordings(folder, manifest);
}

const two = {
  sallyportRecording: 1,
  connections: [
    {
      exchanges: [
        { sends: 'GET a\n', answers: 'A\n' },
        { sends: { base64: '/w==' }, answers: 'bytes' },
      ],
      closes: true,
    },
    { exchanges: [{ sends: 'GET b\n', answers: { base64: 'Qgo=' } }] },
  ],
};

/** Sends pieces, and gives all that came back until the backend closed or cut. */
async function talk(recordings: Recordings, pieces: readonly (string | Buffer)[]): Promise<string> {
  const stream = await recordings.backend('store');
  if (stream === null) return 'nobody';
  for (const piece of pieces) stream.write(piece);
  stream.end();
  let got = '';
  try {
    for await (const bytes of stream) got += String(bytes);
  } catch {
    got += '(cut)';
  }
  return got;
}

it('answers what was recorded, however the bytes are cut', async () => {
  const recordings = recorded(two);
  expect(await talk(recordings, ['GE', 'T a', '\n', Buffer.from([0xff])])).toBe('A\nbytes');
  expect(await talk(recordings, ['GET b\n'])).toBe('B\n');
  expect(await talk(recordings, ['GET b\n'])).toBe('B\n');
  expect(recordings.deviations()).toEqual([]);
});

it('lets a backend speak first', async () => {
  const greeting = { exchanges: [{ sends: '', answers: 'hello' }], closes: true };
  expect(await talk(recorded({ ...two, connections: [greeting] }), [])).toBe('hello');
});

it.each([
  [['GET c\n'], 'connection 1, exchange 1, byte 5: the connector sent "GET c\\n", recorded is "GET a\\n"'],
  [['GET a\n', 'x'], 'connection 1, exchange 2, byte 1: the connector sent "x", recorded is {"base64":"/w=="}'],
  [['GET b\n', 'more'], 'connection 2: the connector sent more than was recorded: "more"'],
])('cuts %j and names the first difference, once', async (pieces, why) => {
  const recordings = recorded(two);
  expect(await talk(recordings, pieces)).toContain('(cut)');
  expect(recordings.deviations()).toEqual([`${path.join(folder, recordingsFolder, 'store.json')}: ${why}`]);
  expect(recordings.deviations()).toEqual([]);
});

it('says what to record where nothing is', async () => {
  const recordings = recorded({ ...two, connections: [] });
  await talk(recordings, ['GET a\n']);
  expect(recordings.deviations()[0]).toContain('nothing is recorded; the connector sent "GET a\\n"');
});

it('is nobody for a destination without a file, and not taken from another format', async () => {
  expect(await recorded(two).backend('other')).toBeNull();
  expect(() => recorded({ ...two, sallyportRecording: 2 })).toThrow('store.json: sallyportRecording');
});
