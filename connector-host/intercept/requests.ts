/**
 * Answers a wrapped server in a destination's place. Guarantees: a request goes to egress under the ticket of the one call that runs when
 * it comes, or nowhere; it goes to the destination that its port, its TLS name and its Host header name alike; with the end of the call
 * its connections end. Trusts: egress for what is allowed and for every byte of an answer. Nothing of the server's ends this process.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fetchOver, type OpenRequest } from '../http-fetch.ts';
import type { FetchResponse } from '../sdk/http.ts';
import { isConnectorRefusal, type ConnectorRefusal } from '../sdk/refusal.ts';
import { createBodies, Refused, requestHead, type InterceptedDestination } from './outgoing.ts';

export interface Requests {
  /** The call whose requests are taken from now on. What still runs of another ends. */
  follow(ticket: string | null): void;
  /** Never rejects. */
  serve(request: IncomingMessage, response: ServerResponse, found: InterceptedDestination | undefined): Promise<void>;
}

/** Of a hostile server; egress has fewer sessions than that. */
const mostAtOnce = 64;

export function createRequests(open: (ticket: string, destination: string) => OpenRequest): Requests {
  const bodies = createBodies();
  const running = new Set<AbortController>();
  let current: string | null = null;

  async function answer(request: IncomingMessage, destination: InterceptedDestination, signal: AbortSignal) {
    const ticket = current;
    if (ticket === null)
      throw new Refused(
        503,
        'no_call',
        'Sallyport passes requests of this server only while one of its tools is called.',
      );
    const head = requestHead(request, destination);
    const body = await bodies.read(request);
    // What it carries was read while the call may have ended: then egress knows the ticket no more.
    const carried = body.length === 0 ? head : { ...head, body };
    return fetchOver(open(ticket, destination.name), carried, signal);
  }

  return {
    follow(ticket) {
      if (ticket === current) return;
      current = ticket;
      for (const each of running) each.abort();
      running.clear();
    },
    async serve(request, response, found) {
      const over = new AbortController();
      const end = (): void => over.abort();
      over.signal.addEventListener('abort', () => response.destroy());
      response.sendDate = false;
      response.once('close', end).on('error', () => undefined);
      try {
        if (running.size >= mostAtOnce)
          throw new Refused(503, 'limit_exceeded', 'Too many requests at once. Try again.');
        running.add(over);
        if (found === undefined)
          throw new Refused(421, 'destination_not_allowed', 'No destination of this server has this name.');
        await hand(await answer(request, found, over.signal), response);
      } catch (error) {
        tell(response, refusalOf(error));
      } finally {
        running.delete(over);
      }
    },
  };
}

async function hand({ status, headers, body }: FetchResponse, response: ServerResponse): Promise<void> {
  response.writeHead(status, headers);
  await pipeline(Readable.from(body, { objectMode: false }), response);
}

function tell(response: ServerResponse, { status, code, message }: Refused): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = JSON.stringify({ error: code, message });
  // What it still sends is not read to its end.
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  response.end(text);
}

const statusOf: Partial<Record<ConnectorRefusal['code'], number>> = { not_permitted: 403, backend_unreachable: 504 };

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (isConnectorRefusal(error))
    return new Refused(statusOf[error.code] ?? 502, error.code, error.message);
  return new Refused(
    431,
    'malformed',
    'The request cannot be passed on: its path, or one of its headers, is too long.',
  );
}

/** By the name of the TLS handshake, and the same in Host, with the port or without. */
export function destinationOf(
  { socket, headers: { host } }: IncomingMessage,
  destinations: readonly InterceptedDestination[],
): InterceptedDestination | undefined {
  const servername = 'servername' in socket ? socket.servername : undefined;
  const named = host?.toLowerCase();
  return destinations.find(
    (each) =>
      (named === each.host || named === `${each.host}:${each.port}`) &&
      (servername === each.host || (typeof servername !== 'string' && isAddress(each.host))),
  );
}

/** In TLS an address is no name (RFC 6066 §3). */
export const isAddress = (host: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(host);
