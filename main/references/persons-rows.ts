/**
 * Kept rows as the signed-in person reads them: whole, and as the backend gave them, since they were read with the
 * person's own rights. Guarantees: they are nobody's but the signed-in person's, while the sign-in holds; the first row
 * leaves only after the log has on the disk who reads which result, and why; an answer fits one frame. Trusts: the
 * shell, whose channel alone leads here, to ask for its window alone.
 */
import type { AuditRecord } from '../contract/audit.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { maxNamedColumns, maxPageBytes, type KeptHead, type KeptRows, type RowsUse } from '../contract/reference.ts';
import type { Reference, ReferenceStore } from './store.ts';

export interface PersonsRowsDeps {
  readonly store: Pick<ReferenceStore, 'of' | 'read'>;
  readonly identity: () => { readonly principal: Principal | null; readonly validUntil: number | null };
  /** Resolves when it is on the disk. */
  readonly record: (record: AuditRecord) => Promise<void>;
  readonly epochMs: () => number;
}

export interface PersonsRows {
  list(): { subject: string | null; references: KeptRows[] };
  open(asked: { readonly id: string; readonly use: RowsUse }): Promise<KeptHead>;
  page(asked: { readonly id: string; readonly from: number; readonly limit: number }): Promise<{ rows: unknown[][] }>;
}

export function createPersonsRows({ store, identity, record, epochMs }: PersonsRowsDeps): PersonsRows {
  /** On record. The references themselves are forgotten by the store. */
  const opened = new WeakSet<Reference>();

  function person(): Principal | null {
    const { principal, validUntil } = identity();
    return validUntil !== null && epochMs() > validUntil ? null : principal;
  }

  function find(id: string): { readonly reference: Reference; readonly principal: Principal } {
    const principal = person();
    const reference = principal && store.of(principal).find((each) => each.id === id);
    if (!principal || !reference) throw new Fault('access_ended', saidGone);
    return { reference, principal };
  }

  return {
    list() {
      const principal = person();
      if (principal === null) return { subject: null, references: [] };
      return { subject: principal.subject, references: store.of(principal).slice(0, 100).map(shown) };
    },
    async open({ id, use }) {
      const { reference, principal } = find(id);
      const { subject, username, issuer } = principal;
      await record({
        event: 'lifecycle',
        what: use === 'open' ? 'rows-opened' : 'rows-saved',
        person: { subject, username, issuer },
        subject: id,
        detail: `${reference.toolName}, ${reference.rows} rows, call ${reference.callId}`,
      });
      // They may have left meanwhile.
      find(id);
      opened.add(reference);
      const columns = reference.head.columns.map(({ name, type }) => ({ name, type }));
      return fitting({ columns, rows: reference.rows });
    },
    async page({ id, from, limit }) {
      const { reference } = find(id);
      if (!opened.has(reference)) throw new Fault('internal', 'Rows are opened before they are read.');
      const rows = await readPage(store, reference, { from, limit });
      find(id);
      return fitting({ rows });
    },
  };
}

interface Asked {
  readonly from: number;
  readonly limit: number;
}

async function readPage(store: PersonsRowsDeps['store'], reference: Reference, asked: Asked): Promise<unknown[][]> {
  const page: unknown[][] = [];
  let bytes = 2;
  for await (const rows of store.read(reference, asked.from)) {
    if (rows === null) throw new Fault('access_ended', saidGone);
    for (const row of rows) {
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
      if (page.length === asked.limit || (page.length > 0 && bytes > maxPageBytes / 2)) return page;
      page.push(row);
    }
  }
  return page;
}

function fitting<T extends object>(answer: T): T {
  if (Buffer.byteLength(JSON.stringify(answer)) > maxPageBytes)
    throw new Fault('output_not_allowed', 'One row of it is too large to be shown or saved. Ask for fewer columns.');
  return answer;
}

function shown({ id, callId, toolName, head: { columns }, rows, expiresAtMs }: Reference): KeptRows {
  return {
    id,
    callId,
    tool: toolName,
    columns: columns.slice(0, maxNamedColumns).map(({ name }) => name.slice(0, 80)),
    columnCount: columns.length,
    rows,
    until: expiresAtMs,
  };
}

const saidGone = 'These rows are not kept any more. Let the program call the tool again.';
