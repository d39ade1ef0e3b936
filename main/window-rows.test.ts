import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Fault } from './contract/errors.ts';
import { windowMethods } from './contract/window.ts';
import { createWindowRows } from './window-rows.ts';

const id = 'A'.repeat(22);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-rows-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function opened(all: readonly (readonly unknown[])[]) {
  const entry = { id, callId: crypto.randomUUID(), tool: 'probe_query', columns: ['id'], columnCount: 1 };
  const kept = {
    list: vi.fn(() =>
      Promise.resolve({ subject: 'alice', references: [{ ...entry, rows: all.length, until: 1 }] as never[] }),
    ),
    open: vi.fn(() => Promise.resolve({ columns: [{ name: 'id', type: 'integer' }], rows: all.length })),
    page: vi.fn((_: string, { from, limit }: { from: number; limit: number }) =>
      Promise.resolve(all.slice(from, from + limit)),
    ),
  };
  const file = path.join(folder, 'rows.csv');
  const chooseFile = vi.fn((): Promise<string | null> => Promise.resolve(file));
  const onChange = vi.fn();
  const rows = createWindowRows({ kept: () => kept, chooseFile, onChange, epochMs: () => 0 });
  const save = async () => (await rows.state('alice')).save;
  return { rows, kept, chooseFile, file, save, onChange };
}
const many = (count: number) => Array.from({ length: count }, (_, n) => [n]);

it('shows a page as text of bounded length, and nothing apart from null', async () => {
  const { rows, kept } = opened([[1, null, true, { a: 1 }, 'x'.repeat(2000)]]);
  const page = await rows.handlers.rows({ id, from: 0 });
  expect(page.rows[0]).toEqual(['1', null, 'true', '{"a":1}', `${'x'.repeat(499)}…`]);
  expect(kept.page).toHaveBeenCalledExactlyOnceWith(id, { from: 0, limit: 100 });
  expect(windowMethods.rows.result.safeParse(page).success).toBe(true);
});

it('a page is under 1 MiB, whatever is in it', async () => {
  const { rows } = opened(Array.from({ length: 100 }, () => Array.from({ length: 1664 }, () => '\u0001'.repeat(900))));
  const page = await rows.handlers.rows({ id, from: 0 });
  expect(page.rows.length).toBe(1);
  expect(structuredClone(page).rows[0]?.join('').length).toBeLessThan(1_048_576);
  expect(windowMethods.rows.result.safeParse(page).success).toBe(true);
});

it('saves all pages where the person chose', async () => {
  const { rows, kept, chooseFile, file, save } = opened(many(2500));
  await rows.handlers.saveRows({ id });
  expect(chooseFile).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^probe_query-\d{4}-\d\d-\d\d-\d{4}\.csv$/));
  expect(kept.open).toHaveBeenCalledExactlyOnceWith(id, 'save');
  expect(await save()).toEqual({ step: 'saved', id, file, rows: 2500, defused: 0 });
  expect(readFileSync(file, 'utf8').split('\r\n')).toHaveLength(2502);
});

it('nothing is read or put on record where the person did not choose', async () => {
  const { rows, kept, chooseFile, save } = opened(many(5));
  chooseFile.mockResolvedValue(null);
  await rows.handlers.saveRows({ id });
  expect([kept.open.mock.calls, kept.page.mock.calls, await save()]).toEqual([[], [], { step: 'idle' }]);
});

it('says why it failed, and leaves nothing', async () => {
  const { rows, kept, save } = opened(many(2500));
  kept.page.mockResolvedValueOnce(many(1000)).mockRejectedValueOnce(new Fault('access_ended', 'They are gone.'));
  await rows.handlers.saveRows({ id });
  expect([await save(), readdirSync(folder)]).toEqual([{ step: 'failed', id, say: 'They are gone.' }, []]);
  kept.page.mockResolvedValue([]);
  await rows.handlers.saveRows({ id });
  expect(await save()).toMatchObject({ step: 'failed', say: expect.stringContaining('not kept any more') });
  expect(readdirSync(folder)).toEqual([]);
});

it.each(['cancelSave', 'close'] as const)('%s stops it and leaves nothing', async (how) => {
  const { rows, kept, save } = opened(many(2500));
  kept.page.mockImplementation(async () => {
    if (how === 'close') void rows.close();
    else await rows.handlers.cancelSave({});
    return many(1000);
  });
  await rows.handlers.saveRows({ id });
  expect([await save(), readdirSync(folder)]).toEqual([{ step: 'idle' }, []]);
});

it('writes one file at a time', async () => {
  const { rows, chooseFile } = opened(many(5));
  let choose = (_: string | null): void => undefined;
  chooseFile.mockReturnValue(new Promise((resolve) => (choose = resolve)));
  const first = rows.handlers.saveRows({ id });
  await expect(rows.handlers.saveRows({ id })).rejects.toMatchObject({ code: 'rate_limited' });
  choose(null);
  await first;
  chooseFile.mockResolvedValue(null);
  expect(await rows.handlers.saveRows({ id })).toEqual({});
});

it('is looked at again when the time of the first is over', async () => {
  const { rows, onChange } = opened(many(5));
  await rows.state('alice');
  expect(onChange).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce());
});

it('shows one person nothing of another', async () => {
  const { rows } = opened(many(5));
  await rows.handlers.saveRows({ id });
  expect(await rows.state('alice')).toMatchObject({ kept: [{ id }], save: { step: 'saved' } });
  for (const other of ['bob', null]) expect(await rows.state(other)).toEqual({ kept: [], save: { step: 'idle' } });
});
