import { expect, it } from 'vitest';
import type { AuditRecord } from '../contract/audit.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { createPersonsRows } from './persons-rows.ts';
import type { Reference, ReferencePerson } from './store.ts';

const alice: Principal = {
  subject: 'alice',
  issuer: 'https://localhost',
  username: 'alice@example.com',
  displayName: 'Alice',
  groups: [],
  roles: [],
  authenticationMethods: ['pwd'],
  authenticatedAt: 1,
};
const id = 'A'.repeat(22);

/** One result of alice; what a test changes is in `now`. */
function opened(rows: readonly unknown[][] = Array.from({ length: 250 }, (_, n) => [n])) {
  const reference: Reference = {
    owner: { subject: 'alice', issuer: 'https://localhost', programKey: 'p' },
    toolName: 'probe_query',
    callId: '00000000-0000-4000-8000-000000000001',
    resource: 'd',
    head: { columns: [{ name: 'id', type: 'integer', source: 's.t.id' }] },
    id,
    rest: {},
    rows: rows.length,
    expiresAtMs: 5000,
  };
  const now = { principal: alice as Principal | null, validUntil: 1000 as number | null, ms: 1, isWritable: true };
  const records: AuditRecord[] = [];
  const persons = createPersonsRows({
    store: {
      of: ({ subject, issuer }: ReferencePerson) =>
        subject === 'alice' && issuer === 'https://localhost' ? [reference] : [],
      async *read(_, from) {
        yield rows.slice(from, from + 30);
        yield rows.slice(from + 30);
      },
    },
    identity: () => now,
    record: (record) => {
      if (!now.isWritable) return Promise.reject(new Fault('audit_unavailable', 'full'));
      records.push(record);
      return Promise.resolve();
    },
    epochMs: () => now.ms,
  });
  return { persons, now, records };
}

it('lists what is kept, without a value', () => {
  expect(opened().persons.list()).toEqual({
    subject: 'alice',
    references: [
      {
        id,
        callId: '00000000-0000-4000-8000-000000000001',
        tool: 'probe_query',
        columns: ['id'],
        columnCount: 1,
        rows: 250,
        until: 5000,
      },
    ],
  });
});

it('gives rows after it is on record who reads them', async () => {
  const { persons, records } = opened();
  await expect(persons.page({ id, from: 0, limit: 10 })).rejects.toThrow('opened before');
  expect(await persons.open({ id, use: 'save' })).toEqual({ columns: [{ name: 'id', type: 'integer' }], rows: 250 });
  expect(records).toEqual([
    {
      event: 'lifecycle',
      what: 'rows-saved',
      person: { subject: 'alice', username: 'alice@example.com', issuer: 'https://localhost' },
      subject: id,
      detail: 'probe_query, 250 rows, call 00000000-0000-4000-8000-000000000001',
    },
  ]);
  const { rows } = await persons.page({ id, from: 100, limit: 100 });
  expect([rows[0], rows.length]).toEqual([[100], 100]);
  expect((await persons.page({ id, from: 240, limit: 100 })).rows).toHaveLength(10);
  expect((await persons.page({ id, from: 250, limit: 100 })).rows).toEqual([]);
});

it('gives none where the log cannot be written', async () => {
  const { persons, now } = opened();
  now.isWritable = false;
  await expect(persons.open({ id, use: 'open' })).rejects.toMatchObject({ code: 'audit_unavailable' });
  await expect(persons.page({ id, from: 0, limit: 10 })).rejects.toMatchObject({ code: 'internal' });
});

it.each<[string, (now: ReturnType<typeof opened>['now']) => void]>([
  ['another person', (now) => (now.principal = { ...alice, subject: 'bob' })],
  ['the same name at another provider', (now) => (now.principal = { ...alice, issuer: 'https://other' })],
  ['nobody', (now) => (now.principal = null)],
  ['somebody whose sign-in was not confirmed in time', (now) => (now.ms = 1001)],
])('is nothing to %s', async (_who, become) => {
  const { persons, now, records } = opened();
  await persons.open({ id, use: 'open' });
  become(now);
  expect(persons.list().references).toEqual([]);
  await expect(persons.open({ id, use: 'open' })).rejects.toMatchObject({ code: 'access_ended' });
  await expect(persons.page({ id, from: 0, limit: 1 })).rejects.toMatchObject({ code: 'access_ended' });
  expect(records).toHaveLength(1);
});

it('gives fewer rows where they are large, and none that fits no frame', async () => {
  const { persons } = opened(Array.from({ length: 10 }, () => ['x'.repeat(200_000)]));
  await persons.open({ id, use: 'open' });
  expect((await persons.page({ id, from: 0, limit: 10 })).rows).toHaveLength(2);
  const huge = opened([['x'.repeat(1_000_000)]]).persons;
  await huge.open({ id, use: 'open' });
  await expect(huge.page({ id, from: 0, limit: 10 })).rejects.toMatchObject({ code: 'output_not_allowed' });
});
