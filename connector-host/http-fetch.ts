/** `call.fetch`: a `request` stream of egress as a response. Everything in it is what egress and a backend said: bounded, read once. */
import type { ByteStream } from '../main/contract/channel.ts';
import { httpAnswerSchema, maxAnswerHeadBytes, type HttpAnswer, type HttpRequest } from '../main/contract/http.ts';
import type { FetchRequest, FetchResponse } from './sdk/http.ts';
import { ConnectorRefusal } from './sdk/refusal.ts';
import { refusalFor } from './stream-duplex.ts';

export type OpenRequest = (request: HttpRequest) => ByteStream;

/** Rejects with a `ConnectorRefusal` when egress refused or cut it. */
export async function fetchOver(open: OpenRequest, given: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
  const { body, ...head } = asRequest(given);
  const stream = open(head);
  const abort = (): void => {
    stream.reset('connector_failed');
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  void stream.closed.then(() => {
    signal.removeEventListener('abort', abort);
  });
  // Beside the answer: a refusal can come before all of it was sent, and is told by reading.
  void (body === undefined ? Promise.resolve() : stream.write(body)).then(
    () => {
      stream.end();
    },
    () => undefined,
  );
  const source = stream[Symbol.asyncIterator]();
  try {
    const { answer, rest } = await readHead(source);
    return responseOf(answer, bodyOf({ source, rest, stream }));
  } catch (error) {
    throw error instanceof ConnectorRefusal ? error : refusalFor(error);
  }
}

const bodyMethods = new Set(['POST', 'PUT', 'PATCH']);

function asRequest({ method = 'GET', path, query = {}, headers = {}, body }: FetchRequest): HttpRequest & {
  body: Uint8Array | undefined;
} {
  const bytes = bytesOf(body) ?? (bodyMethods.has(method) ? new Uint8Array() : undefined);
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const named = Object.entries(headers);
  const hasType = named.some(([name]) => name.toLowerCase() === 'content-type');
  const typed = isJson && !hasType ? [['content-type', 'application/json'] as const] : [];
  return {
    method,
    path: `${path}${queryText(path, query)}`,
    headers: [...named, ...typed].map(([name, value]): [string, string] => [name, value]),
    ...(bytes === undefined ? {} : { bodyBytes: bytes.length }),
    body: bytes,
  };
}

function bytesOf(body: FetchRequest['body']): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Spaces as %20: a plus sign is read in two ways. */
function queryText(path: string, query: NonNullable<FetchRequest['query']>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`],
  );
  if (pairs.length === 0) return '';
  return `${path.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

type Source = AsyncIterator<Uint8Array>;

export async function readHead(source: Source): Promise<{ answer: HttpAnswer; rest: Uint8Array }> {
  let held = new Uint8Array();
  const more = async (): Promise<void> => {
    const next = await source.next();
    if (next.done === true) throw broken();
    const grown = new Uint8Array(held.length + next.value.length);
    grown.set(held);
    grown.set(next.value, held.length);
    held = grown;
  };
  while (held.length < 4) await more();
  const length = new DataView(held.buffer).getUint32(0);
  if (length > maxAnswerHeadBytes) throw broken();
  while (held.length < 4 + length) await more();
  return { answer: readAnswer(held.subarray(4, 4 + length)), rest: held.subarray(4 + length) };
}

function readAnswer(bytes: Uint8Array): HttpAnswer {
  try {
    return httpAnswerSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw broken();
  }
}

const broken = (): ConnectorRefusal =>
  new ConnectorRefusal('backend_refused', 'The system behind this tool gave an answer that cannot be read.');

interface BodyParts {
  readonly source: Source;
  readonly rest: Uint8Array;
  readonly stream: ByteStream;
}

async function* bodyOf({ source, rest, stream }: BodyParts): AsyncGenerator<Uint8Array, undefined> {
  let isOver = false;
  try {
    if (rest.length > 0) yield rest;
    for (;;) {
      const next = await source.next();
      if (next.done === true) {
        isOver = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    throw refusalFor(error);
  } finally {
    if (!isOver) stream.reset('connector_failed');
  }
}

function responseOf({ status, headers }: HttpAnswer, body: AsyncIterable<Uint8Array>): FetchResponse {
  const text = async (): Promise<string> => {
    const decoder = new TextDecoder();
    let all = '';
    for await (const chunk of body) all += decoder.decode(chunk, { stream: true });
    return all + decoder.decode();
  };
  const joined = new Map<string, string>();
  for (const [name, value] of headers) {
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return {
    status,
    ok: status >= 200 && status <= 299,
    headers: Object.fromEntries(joined),
    body,
    text,
    json: async () => {
      try {
        return JSON.parse(await text()) as unknown;
      } catch (error) {
        throw error instanceof ConnectorRefusal ? error : broken();
      }
    },
  };
}
