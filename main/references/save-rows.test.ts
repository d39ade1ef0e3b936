import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../contract/errors.ts';
import { saveRows, type RowsToSave } from './save-rows.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-save-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);
async function* pages(...all: readonly (readonly (readonly unknown[])[])[]) {
  yield* all;
}
const save = (name: string, more: Partial<RowsToSave> = {}) =>
  saveRows({
    file: at(name),
    columns: ['id', 'note'],
    pages: pages([[1, 'a']], [[2, '=b']]),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  });

it('writes all of it, for this user alone, by the ending of its name', async () => {
  const told: number[] = [];
  expect(await save('rows.csv', { onProgress: (rows) => told.push(rows) })).toEqual({ rows: 2, defused: 1 });
  expect(readFileSync(at('rows.csv'), 'utf8')).toBe("id,note\r\n1,a\r\n2,'=b\r\n");
  expect(await save('rows.JSONL')).toEqual({ rows: 2, defused: 0 });
  expect(readFileSync(at('rows.JSONL'), 'utf8')).toBe('{"id":1,"note":"a"}\n{"id":2,"note":"=b"}\n');
  expect([told, readdirSync(folder).sort()]).toEqual([
    [1, 2],
    ['rows.JSONL', 'rows.csv'],
  ]);
  for (const name of readdirSync(folder)) expect(statSync(at(name)).mode & 0o777).toBe(0o600);
});

it('replaces what the dialog asked about, and its rights too', async () => {
  writeFileSync(at('rows.csv'), 'old', { mode: 0o644 });
  await save('rows.csv');
  expect([readFileSync(at('rows.csv'), 'utf8').includes('old'), statSync(at('rows.csv')).mode & 0o777]).toEqual([
    false,
    0o600,
  ]);
});

it('does not replace what came after the dialog', async () => {
  const late = (async function* () {
    yield [[1, 'a']];
    writeFileSync(at('rows.csv'), 'theirs');
  })();
  await expect(save('rows.csv', { pages: late })).rejects.toThrow('came meanwhile');
  expect([readdirSync(folder), readFileSync(at('rows.csv'), 'utf8')]).toEqual([['rows.csv'], 'theirs']);
});

it('leaves nothing when it fails, and what was there before as it was', async () => {
  writeFileSync(at('rows.csv'), 'old');
  const broken = (async function* () {
    yield [[1, 'a']];
    throw new Fault('access_ended', 'They are gone.');
  })();
  await expect(save('rows.csv', { pages: broken })).rejects.toThrow('They are gone.');
  expect([readdirSync(folder), readFileSync(at('rows.csv'), 'utf8')]).toEqual([['rows.csv'], 'old']);
});

it('leaves nothing when it is stopped', async () => {
  const stop = new AbortController();
  await expect(save('rows.csv', { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow('Stopped');
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  ['no such folder', 'missing/rows.csv', 'not there'],
  ['a folder of that name', 'taken', 'folder'],
])('says why: %s', async (_what, name, say) => {
  mkdirSync(at('taken'));
  await expect(save(name)).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining(say) });
  expect(readdirSync(folder)).toEqual(['taken']);
});

it.skipIf(process.getuid?.() === 0)('says that a folder is not theirs', async () => {
  chmodSync(folder, 0o500);
  await expect(save('rows.csv')).rejects.toThrow('may not write');
  chmodSync(folder, 0o700);
});
