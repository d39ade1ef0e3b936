/**
 * Tools of an HTTP API that is described by data. It keeps nothing from one call to the next: it is not told who calls, so
 * nothing that it kept could be kept apart by person. Egress decides what may be asked, the backend what the person gets.
 */
import { collect } from './paginate.ts';
import { refuse } from './refusal.ts';
import { declaredOf, readJson, refuseFailure } from './rest-answer.ts';
import type { RestManifest, RestOperation } from './rest-operation.ts';
import { itemsOf, type Asking, type Items } from './rest-pages.ts';
import { asFetch, requestOf } from './rest-request.ts';
import { fetchPatiently } from './rest-retry.ts';
import { rows } from './rows.ts';
import type { Call, ConnectorOf, Tool } from './connector.ts';
import type { FetchResponse } from './http.ts';
import type { ManifestTypes } from './manifest-types.ts';

type Schema = Readonly<Record<string, unknown>>;

/** A handler for each operation, by the name of its tool. Spread it, and write what you want to do otherwise behind it. */
export function restTools<M extends ManifestTypes>(
  manifest: RestManifest,
  operations: Readonly<Record<string, RestOperation>>,
  destination = 'api',
): ConnectorOf<M>['tools'] {
  const tools = manifest.tools.flatMap(({ name, inputSchema, outputSchema }): [string, Tool][] => {
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined) return [];
    const schemas = { input: inputSchema as Schema, output: outputSchema as Schema };
    return [[name, (call) => run(call, operation, { ...schemas, destination })]];
  });
  return Object.fromEntries(tools) as unknown as ConnectorOf<M>['tools'];
}

interface Terms {
  readonly input: Schema;
  readonly output: Schema;
  readonly destination: string;
}

async function run(call: Call, operation: RestOperation, terms: Terms): Promise<unknown> {
  const until = performance.now() + call.deadlineMs;
  let made = 0;
  const attempts = {
    fetch: (request: Parameters<Call['fetch']>[1]) => {
      made += 1;
      return call.fetch(terms.destination, request);
    },
    signal: call.signal,
    timeLeftMs: () => until - performance.now(),
  };
  const fetch: Asking['fetch'] = (request) => fetchPatiently(attempts, asFetch(request));
  const asking = { fetch, made: () => made };
  const request = requestOf(operation, call.arguments);
  switch (operation.answers) {
    case 'rows':
      return asRows(call, operation, { items: itemsOf(operation, request, asking), terms });
    case 'list':
      return asList(call, itemsOf(operation, request, asking), terms);
    default:
      return asValue(await fetch(request), operation, terms);
  }
}

async function asValue(response: FetchResponse, operation: RestOperation, { output }: Terms): Promise<unknown> {
  if (response.status === 304) return { notModified: true };
  refuseFailure(response);
  if (operation.answers === 'done') {
    await response.text();
    return { done: true };
  }
  const value = await readJson(response);
  if (typeof value !== 'object' || value === null)
    refuse('backend_refused', 'The service gave no answer where its document says one. Tell the person.');
  const { etag } = response.headers;
  const tagged = operation.etag === true && etag !== undefined ? { ...value, etag } : value;
  return declaredOf(tagged, output, output);
}

/** Less than what the call may answer with: the list is cut there, and says so. */
const usableShare = 0.8;

async function asList(call: Call, found: Items, { input, output }: Terms): Promise<unknown> {
  const most = mostItems(call, input);
  const { items, truncated } = await collect(within(found.items, call.maxResultBytes * usableShare), most);
  const isCut = items.at(-1) === tooMuch;
  const whole = isCut ? items.slice(0, -1) : items;
  return declaredOf({ items: whole, truncated: truncated || isCut || found.wasCut() }, output, output);
}

const tooMuch = Symbol('more than fits');

async function* within(items: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<unknown, void, undefined> {
  const encoder = new TextEncoder();
  let bytes = 0;
  for await (const item of items) {
    bytes += encoder.encode(JSON.stringify(item)).length + 1;
    if (bytes > maxBytes) {
      yield tooMuch;
      return;
    }
    yield item;
  }
}

async function asRows(
  call: Call,
  { columns = [] }: RestOperation,
  found: { items: Items; terms: Terms },
): Promise<unknown> {
  const { items, wasCut } = found.items;
  const most = mostItems(call, found.terms.input);
  // What is refused at once is no result in rows.
  let next = await items.next();
  let isCut = false;
  async function* read(): AsyncGenerator<readonly unknown[], void, undefined> {
    for (let count = 0; next.done !== true; count += 1, next = await items.next()) {
      if (count >= most) {
        isCut = true;
        await items.return();
        return;
      }
      const item = next.value as Schema | null;
      yield columns.map(({ name }) => (typeof item === 'object' && item !== null ? (item[name] ?? null) : null));
    }
  }
  return rows({ columns, rows: read(), rest: () => ({ truncated: isCut || wasCut() }) });
}

/** The argument `maxItems`, or its default in the schema. */
function mostItems({ arguments: given }: Call, input: Schema): number {
  const { properties } = input as { readonly properties?: { readonly maxItems?: { readonly default?: unknown } } };
  const most = given['maxItems'] ?? properties?.maxItems?.default;
  return typeof most === 'number' ? most : 100;
}
