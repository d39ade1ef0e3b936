/** From a tool's arguments to a request. Guarantees that an argument stays in its place: it cannot become a path, a parameter or a header of its own. */
import type { FetchRequest } from './http.ts';
import { refuse } from './refusal.ts';
import type { RestOperation, RestParameter } from './rest-operation.ts';

type Given = Readonly<Record<string, unknown>>;

/** A request whose query can still be changed: a further page is the same one with another parameter. */
export interface RestRequest {
  readonly method: RestOperation['method'];
  readonly path: string;
  /** Encoded. */
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export function requestOf(operation: RestOperation, given: Given): RestRequest {
  const { method, parameters, contentType } = operation;
  let path = operation.path;
  const query: [string, string][] = [];
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'sallyport-connector' };
  for (const parameter of parameters) {
    const value = given[parameter.argument];
    if (value === undefined) continue;
    if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, () => pathText(parameter, value));
    else if (parameter.in === 'query') query.push(...queryPairs(parameter, value));
    else headers[parameter.name.toLowerCase()] = headerText(parameter, value);
  }
  const { body } = given;
  if (contentType === undefined || body === undefined) return { method, path, query, headers };
  return { method, path, query, headers: { ...headers, 'content-type': contentType }, body: JSON.stringify(body) };
}

export function withQuery(request: RestRequest, name: string, value: string): RestRequest {
  const key = encodeURIComponent(name);
  const others = request.query.filter(([each]) => each !== key);
  return { ...request, query: [...others, [key, encodeURIComponent(value)]] };
}

export function asFetch({ method, path, query, headers, body }: RestRequest): FetchRequest {
  const text = query.map(([name, value]) => `${name}=${value}`).join('&');
  const all = text === '' ? path : `${path}?${text}`;
  return { method, path: all, headers, ...(body === undefined ? {} : { body }) };
}

/** Where the next page is, as this API's own path; its host is the configuration's, whatever a link says. */
export function atLink(request: RestRequest, link: string): RestRequest {
  const base = `https://api.invalid${asFetch(request).path}`;
  const url = URL.canParse(link, base) ? new URL(link, base) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    refuse('backend_refused', 'The service names a next page that cannot be read. Ask for less.');
  return { ...request, path: `${url.pathname}${url.search}`, query: [] };
}

function pathText({ style, explode, argument }: RestParameter, value: unknown): string {
  const text = style === 'json' ? encodeURIComponent(JSON.stringify(value)) : listed(value, explode ? '=' : ',', ',');
  const plain = decodeURIComponent(text);
  if (plain === '' || /^\.+$/.test(plain) || /[/\\\p{Cc}]/u.test(plain))
    refuse('invalid_arguments', `"${argument}" cannot be empty, only dots, or hold a slash or a control character.`);
  return text;
}

function queryPairs({ name, style, explode }: RestParameter, value: unknown): [string, string][] {
  const key = encodeURIComponent(name);
  if (style === 'json') return [[key, encodeURIComponent(JSON.stringify(value))]];
  if (isPlain(value)) return [[key, primitive(value)]];
  if (style === 'deepObject')
    return entriesOf(value).map(([member, each]) => [encodeURIComponent(`${name}[${member}]`), primitive(each)]);
  if (explode)
    return Array.isArray(value)
      ? value.map((each) => [key, primitive(each)])
      : entriesOf(value).map(([member, each]) => [encodeURIComponent(member), primitive(each)]);
  const between = style === 'spaceDelimited' ? '%20' : style === 'pipeDelimited' ? '%7C' : ',';
  return [[key, listed(value, between, between)]];
}

function headerText({ style, explode, argument }: RestParameter, value: unknown): string {
  const encoded = listed(value, explode ? '=' : ',', ',');
  const text = style === 'json' ? JSON.stringify(value) : decodeURIComponent(encoded);
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text))
    refuse('invalid_arguments', `"${argument}" is sent as a header: write it in printable ASCII characters.`);
  return text;
}

/** A primitive, or the parts of a list or an object with separators between. */
function listed(value: unknown, beforeValue: string, between: string): string {
  if (Array.isArray(value)) return value.map(primitive).join(between);
  if (isPlain(value)) return primitive(value);
  return entriesOf(value)
    .map(([member, each]) => `${encodeURIComponent(member)}${beforeValue}${primitive(each)}`)
    .join(between);
}

const isPlain = (value: unknown): boolean => value === null || typeof value !== 'object';

const entriesOf = (value: unknown): [string, unknown][] =>
  Object.entries(value as object).filter(([, each]) => each !== undefined);

function primitive(value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return encodeURIComponent(String(value));
  return refuse('invalid_arguments', 'A parameter is nested deeper than this API can be asked.');
}
