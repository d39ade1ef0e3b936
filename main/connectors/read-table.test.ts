import { describe, expect, it } from 'vitest';
import type { ByteStream } from '../contract/channel.ts';
import type { TableHead } from '../contract/table.ts';
import { readTable } from './read-table.ts';

const head = '{"ok":"rows","columns":[{"name":"a","type":"integer"}]}\n';
const end = '{"ok":"end","rest":{"truncated":false}}\n';
const limits = { maxLineBytes: 1000, maxRows: 100, maxBytes: 100_000 };

async function read(pieces: Iterable<string | Uint8Array>, more = {}) {
  const taken: unknown[] = [];
  let opened: TableHead | undefined;
  let resets = 0;
  let asked = 0;
  const stream = {
    async *[Symbol.asyncIterator]() {
      for (const piece of pieces) {
        asked += 1;
        yield await Promise.resolve(typeof piece === 'string' ? Buffer.from(piece) : piece);
      }
    },
    reset: () => (resets += 1),
  } as unknown as ByteStream;
  const answer = await readTable(stream, { ...limits, ...more }, (given) => {
    opened = given;
    return {
      take: async (rows) => {
        const before = asked;
        await new Promise((resolve) => setImmediate(resolve));
        // Back-pressure: nothing more is asked for while rows are being taken.
        expect(asked).toBe(before);
        taken.push(...rows);
        return true;
      },
    };
  });
  return { answer, taken, opened, resets };
}

describe('reads', () => {
  it('lines however they are cut', async () => {
    const whole = Buffer.from(`${head}[1]\n["ö€😀"]\n[null]\n${end}`);
    for (const size of [1, 2, 3, 7, whole.length]) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size));
      const { answer, taken, opened } = await read(pieces);
      expect([answer, taken]).toEqual([
        { rest: { truncated: false }, resultBytes: whole.length },
        [[1], ['ö€😀'], [null]],
      ]);
      expect(opened?.columns).toEqual([{ name: 'a', type: 'integer' }]);
    }
  });
  it('a failure before the first row, and one in place of the end', async () => {
    const failure = '{"ok":false,"code":"backend_refused","say":"no"}';
    const result = { ok: false, code: 'backend_refused', say: 'no' };
    expect((await read([failure])).answer).toMatchObject({ result });
    expect((await read([head, '[1]\n', failure])).answer).toMatchObject({ result });
    expect((await read([head, '[1]\n', `${failure}\n`])).answer).toMatchObject({ result });
  });
});

describe('a hostile connector', () => {
  it.each<[string, string[], string]>([
    ['a value in one piece', ['{"ok":true,"value":{}}'], 'connector_failed'],
    ['no end', [head, '[1]\n'], 'connector_failed'],
    ['rows after the end', [head, end, '[1]\n'], 'connector_failed'],
    ['rows after the end in one piece', [`${head}${end}[1]\n`], 'connector_failed'],
    ['two heads', [head, head], 'connector_failed'],
    ['no JSON', [head, '[1\n'], 'connector_failed'],
    ['two rows in a line', [head, '[1],[2]\n', end], 'connector_failed'],
    [
      'too many columns',
      [`{"ok":"rows","columns":[${'{"name":"a","type":"t"},'.repeat(2000)}{"name":"a","type":"t"}]}\n`],
      'connector_failed',
    ],
    ['a huge line without end', [head, ...Array.from({ length: 50 }, () => 'x'.repeat(100))], 'output_not_allowed'],
    ['a huge line', [head, `["${'x'.repeat(2000)}"]\n`, end], 'output_not_allowed'],
    ['nothing', [], 'connector_failed'],
  ])('%s', async (_what, pieces, code) => {
    expect((await read(pieces)).answer).toMatchObject({ code });
  });
  it('invalid UTF-8', async () => {
    expect((await read([head, Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d, 0x0a])])).answer).toMatchObject({
      code: 'connector_failed',
    });
  });
  it('endless rows are stopped by their number, and by their bytes', async () => {
    function* endless() {
      yield head;
      for (;;) yield '[1]\n[2]\n';
    }
    const byRows = await read(endless());
    expect([byRows.answer, byRows.taken.length, byRows.resets]).toMatchObject([{ code: 'output_not_allowed' }, 100, 1]);
    const byBytes = await read(endless(), { maxRows: 1_000_000, maxBytes: 10_000 });
    expect(byBytes.answer).toMatchObject({ code: 'output_not_allowed' });
  });
});
