/**
 * A wrapped server's request as egress takes one. Guarantees: what carries the credential carries nothing of the server's; what frames
 * a message is this connection's alone, and goes no further; the body has a known length. Everything else is egress's to refuse.
 */
import type { IncomingMessage } from 'node:http';
import type { Intercepted } from '../../main/contract/intercept.ts';
import type { FetchRequest } from '../sdk/http.ts';

export type InterceptedDestination = Intercepted['destinations'][number];

/** What the server is answered, in words for people who read its log. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** RFC 9110 §7.6.1 and what belongs to this connection; egress makes its own. */
const ofThisConnection = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  'content-length',
  'expect',
  'accept-encoding',
  'alt-used',
]);
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
/** As egress takes it. */
const maxBodyBytes = 16_777_216;
/** Bodies of all requests together. */
const maxHeldBytes = 4 * maxBodyBytes;

export function requestHead(
  { method = '', url = '', rawHeaders }: IncomingMessage,
  destination: InterceptedDestination,
): Omit<FetchRequest, 'body'> & { readonly method: (typeof methods)[number] } {
  const known = methods.find((each) => each === method);
  if (known === undefined)
    throw new Refused(501, 'not_supported', 'Sallyport passes GET, HEAD, POST, PUT, PATCH and DELETE.');
  if (!url.startsWith('/')) throw new Refused(400, 'malformed', 'The request names another host than its destination.');
  return { method: known, path: url, headers: headersOf(rawHeaders, destination) };
}

function headersOf(raw: readonly string[], destination: InterceptedDestination): Record<string, string> {
  const pairs = raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? ''] as const] : []));
  const named = pairs
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((each) => each.trim()),
    );
  const headers = new Map<string, string>();
  for (const [name, value] of pairs) {
    if (name === destination.header) refuseOwnCredential(value, destination);
    else if (!ofThisConnection.has(name) && !named.includes(name)) {
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }
  return Object.fromEntries(headers);
}

/** Egress puts the real one there, whether or not a placeholder stood in its place. */
function refuseOwnCredential(value: string, { name, placeholder }: InterceptedDestination): void {
  const words = value.trim().split(/ +/);
  if (placeholder !== undefined && words.length <= 2 && words.at(-1) === placeholder) return;
  throw new Refused(
    403,
    'destination_not_allowed',
    `A credential of its own has no way out here: the server sends the placeholder of the destination "${name}", or nothing.`,
  );
}

export interface Bodies {
  /** Throws a `Refused`: it is too large, or too much of others is held. */
  read(request: IncomingMessage): Promise<Uint8Array>;
}

export function createBodies(): Bodies {
  let heldBytes = 0;
  return {
    async read(request) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      try {
        for await (const chunk of request as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          heldBytes += chunk.length;
          if (bytes > maxBodyBytes)
            throw new Refused(413, 'limit_exceeded', `A request carries at most ${maxBodyBytes} bytes.`);
          if (heldBytes > maxHeldBytes)
            throw new Refused(503, 'limit_exceeded', 'Too much is sent at once. Try again.');
          chunks.push(chunk);
        }
        return Buffer.concat(chunks);
      } finally {
        heldBytes -= bytes;
      }
    },
  };
}
