/** Pages of a backend as one stream of items: bounded, and ended where a backend turns in circles. */
import { refuse } from './refusal.ts';

export interface Page<Item, Cursor> {
  readonly items: readonly Item[];
  /** Where the next page begins; absent or null: this was the last one. */
  readonly next?: Cursor | null | undefined;
}

export interface PageLimits {
  /** Of the call: no further page is asked for once it is over. */
  readonly signal?: AbortSignal | undefined;
  /** Default 1000: a backend that has more ends the call as `backend_refused`. */
  readonly maxPages?: number | undefined;
}

/** Asks for a page only when its items are wanted. `readPage` gets no cursor for the first one. */
export async function* paginate<Item, Cursor extends string | number>(
  readPage: (cursor: Cursor | undefined) => Promise<Page<Item, Cursor>>,
  { signal, maxPages = 1000 }: PageLimits = {},
): AsyncGenerator<Item, void, undefined> {
  const seen = new Set<Cursor>();
  let cursor: Cursor | undefined;
  for (let pages = 0; pages < maxPages; pages += 1) {
    signal?.throwIfAborted();
    const page = await readPage(cursor);
    yield* page.items;
    const next = page.next ?? undefined;
    if (next === undefined) return;
    if (seen.has(next)) refuse('backend_refused', 'The backend answers with the same page again. Ask for less.');
    seen.add(next);
    cursor = next;
  }
  refuse('backend_refused', 'The backend has too many pages for one call. Ask for less, or filter.');
}

/** The first items, and whether there are more. Nothing after them is asked for but one item. */
export async function collect<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  maxItems: number,
): Promise<{ readonly items: readonly Item[]; readonly truncated: boolean }> {
  const kept: Item[] = [];
  for await (const item of items) {
    if (kept.length >= maxItems) return { items: kept, truncated: true };
    kept.push(item);
  }
  return { items: kept, truncated: false };
}
