import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFileSealer } from '../secrets/file-sealer.ts';
import { createGuardedMemory } from '../secrets/guarded-memory.ts';
import { createReferenceStore, type ReferenceLimits, type ReferenceStore, type Reference } from './store.ts';

const memory = createGuardedMemory();
const owner = { subject: 'alice', issuer: 'https://localhost', programKey: 'a' };
const about = {
  owner,
  toolName: 'probe_query',
  callId: 'c',
  resource: 'd',
  head: { columns: [{ name: 'a', type: 'text' }] },
};
let folder: string;
let nowMs = 1000;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-references-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function make(limits: Partial<ReferenceLimits> = {}): ReferenceStore {
  return createReferenceStore({
    folder: path.join(folder, 'references'),
    sealer: createFileSealer(memory),
    epochMs: () => nowMs,
    limits: { pieceCharacters: 100, ...limits },
  });
}
/** Of one length, so that pieces are too. */
const secretOf = (id: number): string => `a secret of row ${String(id).padStart(5, '0')}`;
async function write(store: ReferenceStore, count: number): Promise<Reference | null> {
  const writer = store.write(about);
  for (let id = 0; id < count; id += 1) void writer.push([secretOf(id)]);
  return writer.finish({ truncated: false });
}
async function rowsOf(store: ReferenceStore, reference: Reference, from = 0): Promise<unknown[] | null> {
  const rows: unknown[] = [];
  for await (const piece of store.read(reference, from)) {
    if (piece === null) return null;
    rows.push(...piece);
  }
  return rows;
}
const files = (): string[] => readdirSync(path.join(folder, 'references'));
const fileOf = (): string => path.join(folder, 'references', files()[0] ?? '');

describe('a reference', () => {
  it.each([1, 4, 5, 100])('of %i rows is read from any row on', async (count) => {
    const store = make();
    const reference = await write(store, count);
    for (const from of [0, 1, 3, count - 1, count, count + 10]) {
      const wanted = Array.from({ length: Math.max(0, count - from) }, (_, n) => [secretOf(n + from)]);
      expect(await rowsOf(store, reference!, from)).toEqual(wanted);
    }
  });

  it('is sealed, in a file of this user alone', async () => {
    const store = make();
    await write(store, 50);
    expect(readFileSync(fileOf()).includes('secret')).toBe(false);
    expect([statSync(fileOf()).mode & 0o777, statSync(path.dirname(fileOf())).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('is there for its person and program alone, for its time alone', async () => {
    const store = make();
    const { id } = (await write(store, 5))!;
    expect(store.find(id, owner)).toMatchObject({ rows: 5, rest: { truncated: false } });
    for (const other of [{ subject: 'bob' }, { issuer: 'https://other' }, { programKey: 'b' }])
      expect(store.find(id, { ...owner, ...other })).toBeNull();
    nowMs += 15 * 60_000 + 1;
    expect(store.find(id, owner)).toBeNull();
  });

  it('is its person’s from whichever program, and nobody else’s', async () => {
    const store = make();
    const first = (await write(store, 5))!;
    const second = (await write(store, 6))!;
    const { programKey, ...person } = owner;
    expect([programKey, store.of(person)]).toEqual(['a', [first, second]]);
    for (const other of [{ subject: 'bob' }, { issuer: 'https://other' }])
      expect(store.of({ ...person, ...other })).toEqual([]);
    nowMs += 15 * 60_000 + 1;
    expect(store.of(person)).toEqual([]);
  });

  it('ends with its time, also on the disk', async () => {
    const store = make({ lifetimeMs: 20 });
    await write(store, 5);
    expect(files()).toHaveLength(1);
    for (const deadline = Date.now() + 5000; files().length > 0 && Date.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(files()).toEqual([]);
  });

  it('whose file was changed, cut or exchanged is read to there and no further', async () => {
    const store = make();
    const reference = (await write(store, 48))!;
    const whole = readFileSync(fileOf());
    writeFileSync(fileOf(), Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole.at(-1) ?? 0) ^ 1])]));
    expect(await rowsOf(store, reference)).toBeNull();
    writeFileSync(fileOf(), whole.subarray(0, whole.length / 2));
    expect(await rowsOf(store, reference)).toBeNull();
    const { length } = whole;
    const piece = length / 12;
    writeFileSync(
      fileOf(),
      Buffer.concat([whole.subarray(piece, 2 * piece), whole.subarray(0, piece), whole.subarray(2 * piece)]),
    );
    expect(await rowsOf(store, reference)).toBeNull();
  });
});

describe('forgetting', () => {
  it('deletes the files, and what was sealed before opens no more', async () => {
    const store = make();
    const reference = (await write(store, 50))!;
    const sealed = readFileSync(fileOf());
    const file = fileOf();
    store.forgetAll();
    expect([files(), store.find(reference.id, owner)]).toEqual([[], null]);
    writeFileSync(file, sealed);
    expect(await rowsOf(store, reference)).toBeNull();
  });
  it('reaches what is still being written', async () => {
    const store = make();
    const writer = store.write(about);
    for (let id = 0; id < 50; id += 1) void writer.push([id]);
    store.forgetAll();
    expect([await writer.finish({}), files()]).toEqual([null, []]);
  });
  it('a start deletes what another run left', async () => {
    await write(make(), 5);
    expect(files()).toHaveLength(1);
    make();
    expect(files()).toEqual([]);
  });
  it('an abandoned one leaves nothing', async () => {
    const writer = make().write(about);
    for (let id = 0; id < 50; id += 1) await writer.push(['x'.repeat(20)]);
    expect(files()).toHaveLength(1);
    writer.abandon();
    for (const deadline = Date.now() + 5000; files().length > 0 && Date.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(files()).toEqual([]);
  });
});

describe('limits', () => {
  it('of one and of all references', async () => {
    expect(await write(make({ maxBytes: 500 }), 100)).toBeNull();
    const store = make({ maxBytesOfAll: 6000 });
    expect(await write(store, 50)).not.toBeNull();
    expect(await write(store, 200)).toBeNull();
    expect(files()).toHaveLength(1);
    expect(await write(store, 20)).not.toBeNull();
  });
  it('of their number: the oldest goes', async () => {
    const store = make({ maxReferences: 2 });
    const [first] = [(await write(store, 1))!, await write(store, 1), await write(store, 1)];
    expect([store.find(first.id, owner), files().length]).toEqual([null, 2]);
  });
});
