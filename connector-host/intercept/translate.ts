/**
 * A program's request as egress takes one. Guarantees: nothing that frames a message or belongs to the connection goes on; of the
 * presenter's header the declared placeholder alone is dropped, any other value in it is refused; a placeholder elsewhere stays
 * what it is. What is mended is spelling, never meaning: egress checks all of it again, and its word counts.
 */
import type { IncomingMessage } from 'node:http';
import { httpMethodSchema, httpRequestSchema, type HttpRequest } from '../../main/contract/http.ts';
import type { Intercepted } from '../../main/contract/intercept.ts';

export type Destination = Intercepted['destinations'][number];

export interface Refused {
  readonly status: number;
  readonly code: string;
  readonly say: string;
}

export interface Translated {
  readonly request: Omit<HttpRequest, 'bodyBytes'>;
  /** `chunked`: its length is not known before its end. */
  readonly body: number | 'none' | 'chunked';
}

type Asked = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;
type Header = readonly [name: string, value: string];

/** RFC 9110 §7.6.1, and what egress says itself. */
const ofConnection = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'expect',
  'accept-encoding',
  'upgrade',
  'http2-settings',
]);
const maxBodyBytes = 16_777_216;

const refused = (status: number, code: string, say: string): Refused => ({ status, code, say });
const malformed = (say: string): Refused => refused(400, 'malformed', say);
const notAllowed = (say: string): Refused => refused(403, 'destination_not_allowed', say);

export function translate(asked: Asked, destination: Destination): Translated | Refused {
  const headers = pairsOf(asked.rawHeaders);
  const method = httpMethodSchema.safeParse(asked.method);
  if (!method.success) return refused(405, 'destination_not_allowed', 'This method is not passed on.');
  if (!namesHost(headers, destination)) return malformed('The Host header does not name the server that was dialled.');
  // To HTTP/2 (Java's client asks each time, RFC 7540 §3.2): whoever does not do it answers as if it had not been asked.
  if (valuesOf(headers, 'upgrade').some((value) => value.trim().toLowerCase() !== 'h2c'))
    return notAllowed('No connection is upgraded here.');
  const path = plainTarget(asked.url ?? '');
  if (path === undefined) return malformed('Only a path, with a query or without, is asked for here.');
  const body = bodyOf(headers);
  if (typeof body === 'object') return body;
  const kept = keptOf(headers, destination);
  if ('status' in kept) return kept;
  const request = { method: method.data, path, headers: kept.map(([name, value]): [string, string] => [name, value]) };
  return httpRequestSchema.safeParse(request).success
    ? { request, body }
    : refused(431, 'destination_not_allowed', 'The path or the headers are too long, or there are too many.');
}

function pairsOf(raw: readonly string[]): Header[] {
  const pairs: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return pairs;
}

const valuesOf = (headers: readonly Header[], wanted: string): string[] =>
  headers.filter(([name]) => name === wanted).map(([, value]) => value);

function namesHost(headers: readonly Header[], { host, port }: Destination): boolean {
  const [named, ...more] = valuesOf(headers, 'host').map((value) => value.toLowerCase());
  return more.length === 0 && (named === `${host}:${port}` || (port === 443 && named === host));
}

/** The parser refused both already; once more, as everything behind it relies on that. */
function bodyOf(headers: readonly Header[]): Translated['body'] | Refused {
  const lengths = valuesOf(headers, 'content-length');
  const encodings = valuesOf(headers, 'transfer-encoding');
  if (lengths.length + encodings.length > 1) return malformed('It says twice how long its body is.');
  const [encoding] = encodings;
  if (encoding !== undefined)
    return encoding.toLowerCase() === 'chunked' ? 'chunked' : malformed('Its transfer encoding is not known.');
  const [length] = lengths;
  if (length === undefined) return 'none';
  if (!/^[0-9]{1,15}$/.test(length)) return malformed('Its length is no number.');
  return Number(length) > maxBodyBytes ? tooLarge : Number(length);
}

export const tooLarge = refused(413, 'destination_not_allowed', 'The body is too large to be passed on.');

function keptOf(headers: readonly Header[], destination: Destination): Header[] | Refused {
  const named = valuesOf(headers, 'connection').flatMap((value) =>
    value.split(',').map((each) => each.trim().toLowerCase()),
  );
  const dropped = new Set([...ofConnection, ...named]);
  const kept: Header[] = [];
  for (const [name, value] of headers) {
    if (name === destination.header) {
      if (!isPlaceholder(value, destination.placeholder))
        return notAllowed(`"${name}" holds something else than the declared placeholder: it is not sent.`);
    } else if (name === 'authorization' || name === 'cookie' || name === 'proxy-authorization')
      return notAllowed(`"${name}" is not sent: nothing but egress signs in.`);
    else if (!dropped.has(name)) kept.push([name, value]);
  }
  return kept;
}

/** Alone, or behind one scheme. */
function isPlaceholder(value: string, placeholder: string | undefined): boolean {
  if (placeholder === undefined) return false;
  return (
    value === placeholder || /^[A-Za-z][A-Za-z0-9-]{0,30} (?<text>[^ ]+)$/.exec(value)?.groups?.['text'] === placeholder
  );
}

/** Origin-form alone. Programs send these as they are (WHATWG URL); encoded they mean the same. */
function plainTarget(url: string): string | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(url) || url.includes('#')) return undefined;
  const mark = url.indexOf('?');
  const [path, query] = mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
  return `${encoded(path, /[[\]|^]/g)}${encoded(query, /[[\]{}|^`"<>\\]/g)}`;
}

const encoded = (text: string, characters: RegExp): string =>
  text.replaceAll(characters, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
