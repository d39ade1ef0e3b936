/** The items of a list, page after page: asked for when they are wanted, a bounded number of pages, never in circles. */
import type { FetchResponse } from './http.ts';
import { refuse } from './refusal.ts';
import { atPointer, readJson, refuseFailure } from './rest-answer.ts';
import type { RestOperation, RestPages, RestPageSize } from './rest-operation.ts';
import { asFetch, atLink, withQuery, type RestRequest } from './rest-request.ts';
import { mostTries } from './rest-retry.ts';

const mostPages = 50;
/** Egress takes 64 requests a call, and cuts it at the next; tries count. */
const mostRequests = 60;

export interface Items {
  readonly items: AsyncGenerator<unknown, void, undefined>;
  /** There were more pages than one call may ask for. */
  readonly wasCut: () => boolean;
}

interface Page {
  readonly value: unknown;
  readonly link: string | undefined;
  readonly items: readonly unknown[];
}

export interface Asking {
  readonly fetch: (request: RestRequest) => Promise<FetchResponse>;
  /** Requests of this call, tries included. */
  readonly made: () => number;
}

export function itemsOf(operation: RestOperation, first: RestRequest, { fetch, made }: Asking): Items {
  let cut = false;
  async function* read(): AsyncGenerator<unknown, void, undefined> {
    const { pages } = operation;
    let request: RestRequest | undefined = sized(first, pages);
    const asked = new Set<string>();
    for (let count = 0, seen = 0; request !== undefined; count += 1) {
      if (count >= mostPages || made() + mostTries > mostRequests) {
        cut = true;
        return;
      }
      const { path } = asFetch(request);
      if (asked.has(path)) refuse('backend_refused', 'The service answers with the same page again. Ask for less.');
      asked.add(path);
      const page = await readPage(await fetch(request), operation.items ?? '');
      yield* page.items;
      seen += page.items.length;
      request = pages === undefined ? undefined : nextOf({ request, first, pages, page, count, seen });
    }
  }
  return { items: read(), wasCut: () => cut };
}

async function readPage(response: FetchResponse, pointer: string): Promise<Page> {
  refuseFailure(response);
  const value = await readJson(response);
  const items = atPointer(value, pointer);
  if (!Array.isArray(items))
    refuse('backend_refused', 'The service gave no list where its document says one. Tell the person.');
  return { value, link: nextLink(response.headers['link']), items: items as readonly unknown[] };
}

interface Turn {
  readonly request: RestRequest;
  readonly first: RestRequest;
  readonly pages: RestPages;
  readonly page: Page;
  readonly count: number;
  readonly seen: number;
}

function nextOf({ request, first, pages, page, count, seen }: Turn): RestRequest | undefined {
  switch (pages.by) {
    case 'link':
      return page.link === undefined ? undefined : atLink(request, page.link);
    case 'url': {
      const url = atPointer(page.value, pages.next);
      return typeof url === 'string' && url !== '' ? atLink(request, url) : undefined;
    }
    case 'cursor': {
      const cursor = atPointer(page.value, pages.next);
      const isOne = (typeof cursor === 'string' && cursor !== '') || typeof cursor === 'number';
      return isOne ? withQuery(request, pages.parameter, String(cursor)) : undefined;
    }
    case 'offset':
      return isLast(page, pages.size, { seen, count })
        ? undefined
        : withQuery(sized(first, pages), pages.parameter, String(seen));
    case 'number':
      return isLast(page, pages.size, { seen, count })
        ? undefined
        : withQuery(sized(first, pages), pages.parameter, String(pages.first + count + 1));
  }
}

/** An empty page; where pages have a size, also one that is shorter than those before: a server may give less than was asked for. */
const isLast = (
  { items }: Page,
  size: RestPageSize | undefined,
  { seen, count }: Pick<Turn, 'seen' | 'count'>,
): boolean => items.length === 0 || (size !== undefined && items.length * count < seen - items.length);

function sized(request: RestRequest, pages: RestPages | undefined): RestRequest {
  if (pages?.size === undefined) return request;
  return withQuery(request, pages.size.parameter, String(pages.size.value));
}

/** RFC 8288 §3: the target of `rel="next"`. */
function nextLink(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(
    /<([^<>]{0,8192})>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^",;\s]*))*)/g,
  ))
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s*(?:;|$)))/i.test(parameters)) return target;
  return undefined;
}
