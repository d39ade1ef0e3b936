/**
 * References as agents use them: an address for what was kept, and the way from an address back to rows, as a call of the
 * tool that gave them. Guarantees that an address that is not this person's and program's looks like none at all.
 */
import type { CallOffer, ClearedCall, OfferedTool } from '../contract/call.ts';
import type { Refusal } from '../contract/errors.ts';
import type { OpenTable, Page, RowKeeper, TableHead } from '../contract/table.ts';
import type { Reference, ReferenceOwner, ReferenceStore } from './store.ts';

/** What `resources/templates/list` shows to who may use a tool that makes references. */
export const referenceTemplate = Object.freeze({
  uriTemplate: 'sallyport://reference/{id}',
  name: 'reference',
  title: 'Rows of an earlier result',
  description: 'The address is in a result. Read it for the first rows, then what "next" says for the following ones.',
  mimeType: 'application/json',
});

/** More than a page can show is not read from the disk. */
const pageRows = 50;
const address = /^sallyport:\/\/reference\/([A-Za-z0-9_-]{22})(?:\?from=(0|[1-9][0-9]{0,8}))?$/;

export interface References {
  keep(cleared: ClearedCall, resource: string, head: TableHead): RowKeeper;
  /** The call that reads this address; null: it is no reference. */
  target(uri: string): {
    readonly tool: OfferedTool;
    readonly arguments: Readonly<Record<string, unknown>>;
    readonly offer: CallOffer;
  } | null;
  /** The tool as it is read through its references. */
  asRead(tool: OfferedTool): OfferedTool;
  read(cleared: ClearedCall, open: OpenTable): Promise<PageRead>;
  forgetAll(): void;
}

export type PageRead = { readonly resultBytes: number; readonly backendBytes: 0 } & (
  | { readonly ok: 'rows'; readonly rest: Readonly<Record<string, unknown>>; readonly page: Page }
  | { readonly ok: false; readonly refusal: Refusal }
);

export function createReferences(store: ReferenceStore, findTool: (name: string) => OfferedTool | null): References {
  return {
    keep: (cleared, resource, head) => keeperOf(store, cleared, { resource, head }),
    target(uri) {
      const id = address.exec(uri)?.[1];
      const known = id === undefined ? null : store.about(id);
      const tool = known && findTool(known.toolName);
      return tool ? { tool, arguments: { uri, resource: known.resource }, offer: 'reference' } : null;
    },
    asRead: (tool) => ({
      ...tool,
      // Made by `target`, not by the agent.
      checkArguments: () => null,
      manifest: tool.manifest.resource === undefined ? tool.manifest : { ...tool.manifest, resource: '/resource' },
    }),
    read: (cleared, open) => readPage(store, cleared, open),
    forgetAll: () => store.forgetAll(),
  };
}

function ownerOf({ principal, call }: ClearedCall): ReferenceOwner {
  return { subject: principal.subject, issuer: principal.issuer, programKey: call.caller.key };
}

function keeperOf(
  store: ReferenceStore,
  cleared: ClearedCall,
  { resource, head }: { readonly resource: string; readonly head: TableHead },
): RowKeeper {
  const { toolName, callId } = cleared.call;
  const writer = store.write({ owner: ownerOf(cleared), toolName, callId, resource, head });
  return {
    push: (row) => writer.push(row),
    async finish(rest) {
      const kept = await writer.finish(rest);
      if (kept === null) return null;
      return { uri: uriOf(kept), rows: kept.rows, expiresAt: new Date(kept.expiresAtMs).toISOString() };
    },
    abandon: () => writer.abandon(),
  };
}

const uriOf = ({ id }: Reference): string => `sallyport://reference/${id}`;

async function readPage(store: ReferenceStore, cleared: ClearedCall, open: OpenTable): Promise<PageRead> {
  const [, id = '', from = '0'] = address.exec(String(cleared.call.arguments['uri'])) ?? [];
  const reference = store.find(id, ownerOf(cleared));
  if (reference === null) return gone;
  const sink = open(reference.head);
  if (sink === null) return gone;
  let left = pageRows;
  let resultBytes = 0;
  for await (const rows of store.read(reference, Number(from))) {
    if (rows === null) return gone;
    const page = rows.slice(0, left);
    left -= page.length;
    resultBytes += JSON.stringify(page).length;
    if (!(await sink.take(page)) || left === 0) break;
  }
  const page = { uri: uriOf(reference), from: Number(from), rows: reference.rows };
  return { ok: 'rows', rest: reference.rest, page, resultBytes, backendBytes: 0 };
}

const gone: PageRead = {
  ok: false,
  refusal: { code: 'unknown_tool', say: 'There is no such reference (any more). Call the tool again.' },
  resultBytes: 0,
  backendBytes: 0,
};
