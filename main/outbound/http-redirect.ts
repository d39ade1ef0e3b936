/** Where an answer sends us. Guarantees: only to the same origin, never with a body again; everything else is `elsewhere`. */
import type { IncomingMessage } from 'node:http';
import type { HttpMethod } from '../contract/http.ts';

export interface Target {
  readonly method: HttpMethod;
  readonly path: string;
  readonly hasBody: boolean;
}

const redirects = new Set([301, 302, 303, 307, 308]);

/** Undefined: it is an answer. The path is not checked yet. */
export function redirectOf(
  { statusCode = 0, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>,
  from: Target,
  host: string,
): Target | 'elsewhere' | undefined {
  if (!redirects.has(statusCode)) return undefined;
  const { location } = headers;
  const origin = `https://${host}`;
  // What a URL parser would mend first (backslashes, tabs, line ends) leads nowhere.
  if (location === undefined || !/^[\x21-\x7e]{1,8192}$/.test(location) || location.includes('\\')) return 'elsewhere';
  const path = ownPath(location, from.path, origin);
  if (path === undefined) return 'elsewhere';
  const keepsMethod = statusCode === 307 || statusCode === 308 || ['GET', 'HEAD'].includes(from.method);
  if (!keepsMethod) return { method: 'GET', path, hasBody: false };
  // The body has been sent and is not kept.
  return from.hasBody ? 'elsewhere' : { ...from, path };
}

/** RFC 3986 §5, without its removal of dot segments: those are refused later. */
function ownPath(location: string, from: string, origin: string): string | undefined {
  const [plain = ''] = location.split('#');
  if (plain.startsWith('/')) return plain.startsWith('//') ? ownPath(`https:${plain}`, from, origin) : plain;
  if (plain.toLowerCase().startsWith(`${origin}/`)) return plain.slice(origin.length);
  if (plain.toLowerCase() === origin) return '/';
  if (/^[a-z][a-z0-9+.-]*:/i.test(plain) || plain === '') return undefined;
  const [path = '/'] = from.split('?');
  return plain.startsWith('?') ? `${path}${plain}` : `${path.slice(0, path.lastIndexOf('/') + 1)}${plain}`;
}
