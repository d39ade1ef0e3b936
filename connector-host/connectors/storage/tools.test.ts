/** Each tool over a real egress worker to the lab's S3, which decides by person and session. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStorage, type StorageStand } from '../../../test/process/stand/storage-stand.ts';

let storage: StorageStand;

beforeAll(async () => {
  storage = await startStorage();
});
afterAll(async () => {
  await storage.stop();
});
beforeEach(() => {
  storage.as('alice');
});

const key = 'shared/orders.csv';
const call: StorageStand['call'] = (tool, args) => storage.call(tool, args);

describe('list', () => {
  it('shows folders, and objects below a prefix, with labels of their area', async () => {
    const top = await call('list', { prefix: '/', delimiter: '/' });
    expect(top.rows?.map(([name, kind]) => [name, kind])).toEqual([
      ['people/', 'prefix'],
      ['shared/', 'prefix'],
    ]);
    expect(top.columns?.every(({ source }) => source === undefined)).toBe(true);
    const shared = await call('list', { prefix: 'shared/' });
    expect(shared.rows?.map(([name]) => name)).toEqual([
      'shared/events.jsonl',
      'shared/orders.csv',
      'shared/read me & more (ü).txt',
    ]);
    expect(shared.columns?.[0]).toMatchObject({ name: 'key', source: 'shared.key' });
    expect(shared).toMatchObject({ truncated: false, bucket: 'lab' });
  });

  it('reads pages, and says when there are more', async () => {
    for (let at = 0; at < 25; at += 1) storage.put(`people/alice/many/${String(at).padStart(3, '0')}`, 'x');
    const some = await call('list', { prefix: 'people/alice/many/', maxKeys: 10 });
    expect([some.rows?.length, some['truncated']]).toEqual([10, true]);
    const all = await call('list', { prefix: 'people/alice/many/', maxKeys: 25 });
    expect([all.rows?.length, all['truncated']]).toEqual([25, false]);
  });
});

describe('stat and read', () => {
  it('say what an object is, whatever signs its name has', async () => {
    expect(await call('stat', { key: 'shared/read me & more (ü).txt' })).toMatchObject({
      bytes: 61,
      contentType: 'text/plain',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      modified: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    for (const name of [
      "a'b!(c)*d.txt",
      'plus+plus.txt',
      'per%.txt',
      '漢字/あ.txt',
      'a=b&c;d,e@f$g:h.txt',
      'folder/',
    ]) {
      storage.put(`people/alice/${name}`, 'here');
      expect([name, await call('stat', { key: `people/alice/${name}` })]).toMatchObject([name, { bytes: 4 }]);
    }
    storage.put('people/alice/empty.txt', '');
    expect(await call('stat', { key: 'people/alice/empty.txt' })).toMatchObject({ bytes: 0 });
    expect(await call('read', { key: 'people/alice/empty.txt' })).toMatchObject({ text: '', size: 0 });
  });

  it('give a text in parts that join to the whole, no character cut', async () => {
    const whole = 'aé漢🙂'.repeat(50);
    storage.put('people/alice/wide.txt', whole);
    let text = '';
    for (let offset: unknown = 0; offset !== undefined;) {
      const part = await call('read', { key: 'people/alice/wide.txt', offset, bytes: 13 });
      expect(part['code']).toBeUndefined();
      text += String(part['text']);
      offset = part['next'];
    }
    expect(text).toBe(whole);
  });

  it('tell text from bytes', async () => {
    const bytes = Buffer.from([0, 1, 2, 0xff, 0xfe]);
    storage.put('people/alice/raw.bin', bytes);
    expect(await call('read', { key: 'people/alice/raw.bin' })).toMatchObject({ code: 'invalid_arguments' });
    expect(await call('read', { key: 'people/alice/raw.bin', as: 'base64' })).toMatchObject({
      base64: bytes.toString('base64'),
    });
    storage.put('people/alice/old.txt', Buffer.from([0x80, 0x20, 0xe9]));
    expect(await call('read', { key: 'people/alice/old.txt', encoding: 'windows-1252' })).toMatchObject({
      text: '€ é',
    });
    expect(await call('read', { key: 'people/alice/old.txt' })).toMatchObject({ code: 'invalid_arguments' });
  });

  it.each(['a//b', '/a', '../people/bob/notes.txt', 'a/./b', 'a%2fb', 'x'.repeat(1025)])(
    'ask for no odd name: %s',
    async (odd) => {
      expect(await call('stat', { key: odd })).toMatchObject({ code: 'invalid_arguments' });
    },
  );

  it('ask for nothing that is not there or not theirs', async () => {
    expect(await call('stat', { key: 'people/alice/none' })).toMatchObject({ code: 'invalid_arguments' });
    expect(await call('read', { key: 'people/bob/notes.txt' })).toMatchObject({ code: 'not_permitted' });
    expect(await call('read', { key, bucket: 'other' })).toMatchObject({ code: 'invalid_arguments' });
    expect(await call('read', { key: 'people/alice/notes.txt', offset: 9999 })).toMatchObject({
      code: 'invalid_arguments',
    });
  });
});

describe('search', () => {
  it('finds each place with its line, and where to go on', async () => {
    const first = await call('search', { key, text: 'north', maxMatches: 3 });
    expect(first.rows).toHaveLength(3);
    expect(first.rows?.[0]?.[2]).toMatch(/^1,north,books,/);
    expect(first.rows?.map(([line]) => line)).toEqual([2, 6, 10]);
    const more = await call('search', { key, text: 'north', maxMatches: 1, offset: first['next'] });
    expect(more.rows?.[0]?.[1]).toBe(first['next']);
    const all = await call('search', { key, text: 'NORTH', ignoreCase: true, maxMatches: 1000 });
    expect([all.rows?.length, all['next']]).toEqual([500, undefined]);
    expect((await call('search', { key, text: 'NORTH' })).rows).toEqual([]);
  });
});

describe('summaries', () => {
  it('of CSV are exact', async () => {
    const { rows, ...rest } = await call('summarize', { key });
    expect(rest).toMatchObject({ records: 2000, counted: 2000, uneven: 0 });
    const [, , , amount] = rows ?? [];
    expect(rows?.map(([name, type]) => [name, type])).toEqual([
      ['order_id', 'number'],
      ['region', 'text'],
      ['category', 'text'],
      ['amount', 'number'],
      ['ordered_on', 'text'],
    ]);
    const cents = Array.from({ length: 2000 }, (_, at) => ((at * 7919) % 99_000) + 1000);
    const sum = cents.reduce((total, each) => total + each, 0);
    expect(amount).toEqual([
      'amount',
      'number',
      2000,
      0,
      null,
      Math.min(...cents) / 100,
      Math.max(...cents) / 100,
      sum / 100,
      expect.anything(),
    ]);
  });

  it('of JSON lines have the members that the first ones have', async () => {
    const { rows } = await call('summarize', {
      key: 'shared/events.jsonl',
      where: [{ column: 'kind', operator: '=', value: 'sale' }],
    });
    expect(rows?.map((row) => row.slice(0, 5))).toEqual([
      ['id', 'number', 428, 0, 428],
      ['kind', 'text', 428, 0, 1],
      ['amount', 'number', 428, 0, 428],
      ['note', 'text', 343, 85, 343],
    ]);
  });

  it('by group are exact, with sources of their area', async () => {
    const measures = [
      { function: 'count' },
      { function: 'sum', column: 'amount' },
      { function: 'max', column: 'amount' },
    ];
    const { columns, rows, counted } = await call('aggregate', { key, groupBy: ['region'], measures });
    expect(columns).toMatchObject([
      { name: 'region', source: 'shared.region' },
      { name: 'count', source: 'shared.summary' },
      { name: 'sum_amount', source: 'shared.summary' },
      { name: 'max_amount', source: 'shared.summary' },
    ]);
    expect([counted, rows?.length]).toEqual([2000, 4]);
    const north = Array.from({ length: 500 }, (_, at) => ((at * 4 * 7919) % 99_000) + 1000);
    expect(rows?.find(([region]) => region === 'north')).toEqual([
      'north',
      500,
      north.reduce((a, b) => a + b) / 100,
      Math.max(...north) / 100,
    ]);
  });

  it('as rows are the chosen columns of the chosen records', async () => {
    const where = [
      { column: 'region', operator: '=', value: 'north' },
      { column: 'order_id', operator: '>', value: 9 },
    ];
    const some = await call('records', { key, columns: ['order_id', 'region'], where, maxRecords: 2 });
    expect(some).toMatchObject({
      rows: [
        ['13', 'north'],
        ['17', 'north'],
      ],
      truncated: true,
      cutValues: 0,
    });
    expect(await call('records', { key, columns: ['none'] })).toMatchObject({ code: 'invalid_arguments' });
    expect(await call('records', { key: 'people/alice/notes.txt' })).toMatchObject({ code: 'invalid_arguments' });
  });
});
