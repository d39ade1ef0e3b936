/**
 * What the headers of a request must say before its body counts. Guarantees: a page in a browser that was led here by a
 * foreign name (DNS rebinding) is refused by Host and Origin; in the stateless era headers and body say the same
 * (MCP 2026-07-28, Streamable HTTP, "Standard headers"), so that nobody who reads only one of them is misled.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isObject, type Json } from '../request.ts';
import { handshakeVersions, metaKeys } from '../wire.ts';

const ownNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Of this machine, by the names that every machine has for itself; VS Code sends `localhost` over a socket. */
export function isLocal({ host, origin }: IncomingHttpHeaders): boolean {
  return isOwnAuthority(host) && (origin === undefined || isOwnOrigin(origin));
}

function isOwnAuthority(authority: string | undefined): boolean {
  if (authority === undefined) return false;
  const name = authority.replace(/:\d{1,5}$/, '').toLowerCase();
  return ownNames.has(name);
}

function isOwnOrigin(origin: string): boolean {
  const found = /^https?:\/\/([^/@?#]+)$/i.exec(origin);
  return found !== null && isOwnAuthority(found[1]);
}

/** RFC 9110 §12.5.1, as far as it is needed: does it take this type? No header takes all. */
export function accepts({ accept }: IncomingHttpHeaders, type: string): boolean {
  if (accept === undefined) return true;
  const [main = ''] = type.split('/');
  const wanted = accept.split(',').map((range) => range.split(';', 1)[0]?.trim().toLowerCase());
  return wanted.some((range) => range === type || range === '*/*' || range === `${main}/*`);
}

export function isJson({ 'content-type': type }: IncomingHttpHeaders): boolean {
  return type?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

/** `initialize` began it, and it names no later revision in its header or its body. */
export function isHandshake(version: string | undefined, message: unknown): boolean {
  const known = version === undefined || handshakeVersions.some((each) => each === version);
  return known && metaOf(message)[metaKeys.version] === undefined;
}

/** What is wrong with a stateless request, or nothing. */
export function statelessProblem(
  headers: IncomingHttpHeaders,
  message: Json,
): { readonly kind: 'invalid' | 'mismatch'; readonly say: string } | null {
  const meta = metaOf(message);
  const version = meta[metaKeys.version];
  if (typeof version !== 'string') return { kind: 'invalid', say: `_meta needs "${metaKeys.version}", a text.` };
  if (headers['mcp-protocol-version'] !== version)
    return { kind: 'mismatch', say: 'The header MCP-Protocol-Version and _meta must name the same version.' };
  if (!isObject(meta[metaKeys.clientCapabilities]))
    return { kind: 'invalid', say: `_meta needs "${metaKeys.clientCapabilities}", an object.` };
  if (headers['mcp-method'] !== message['method'])
    return { kind: 'mismatch', say: 'The header Mcp-Method must name the method of the body.' };
  const name = nameOf(message);
  if (name !== undefined && decoded(headers['mcp-name']) !== name)
    return { kind: 'mismatch', say: 'The header Mcp-Name must name what the body names.' };
  return null;
}

const named: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

function nameOf(message: Json): string | undefined {
  const member = named[String(message['method'])];
  const { params } = message;
  const value = member === undefined || !isObject(params) ? undefined : params[member];
  return typeof value === 'string' ? value : undefined;
}

/** A value that is no plain header text travels as `=?base64?…?=`. */
function decoded(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const found = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(header);
  return found === null ? header : Buffer.from(found[1] ?? '', 'base64').toString('utf8');
}

function metaOf(message: unknown): Json {
  const params = isObject(message) ? message['params'] : undefined;
  const meta = isObject(params) ? params['_meta'] : undefined;
  return isObject(meta) ? meta : {};
}
