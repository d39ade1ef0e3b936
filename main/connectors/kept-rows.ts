/**
 * The rows that were kept for the signed-in person, asked of the gateway. For the window alone: the control socket is
 * given the shell and the consent, and not this.
 */
import type { KeptHead, KeptRows as Kept, RowsUse } from '../contract/reference.ts';
import type { Supervisor } from './supervisor.ts';

export interface KeptRows {
  list(): Promise<{ readonly subject: string | null; readonly references: readonly Kept[] }>;
  /** Puts on record that the person opens or saves them; then they can be read. */
  open(id: string, use: RowsUse): Promise<KeptHead>;
  page(id: string, at: { readonly from: number; readonly limit: number }): Promise<readonly (readonly unknown[])[]>;
}

const timeoutMs = 10_000;

export function createKeptRows(supervisor: Pick<Supervisor, 'core'>): KeptRows {
  const gateway = () => supervisor.core().gateway.control;
  return {
    list: () => gateway().request('references', {}, { timeoutMs }),
    open: (id, use) => gateway().request('reference-open', { id, use }, { timeoutMs }),
    page: async (id, at) => (await gateway().request('reference-page', { id, ...at }, { timeoutMs })).rows,
  };
}
