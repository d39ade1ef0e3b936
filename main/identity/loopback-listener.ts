/**
 * Where the browser comes back to (RFC 8252 §7.3). Guarantees: 127.0.0.1 on a free port, or the configured one; one GET of one path
 * with our own name as Host, bounded in size and time, is taken, and then nothing more; a time-out ends the wait. What it says is
 * checked by its caller: whoever catches or forges it lacks state and verifier.
 * Does not protect against: a local program that spoils a sign-in by coming first.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../contract/errors.ts';
import { pages } from './identity-provider.ts';

const callbackPath = '/callback';
const limits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const maxConnections = 16;
const headers = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'content-type': 'text/html; charset=utf-8',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const;

export interface LoopbackListener {
  readonly redirectUri: string;
  /** The address that the browser came with. Rejects with `Fault` `not_signed_in` when nobody came in time. */
  readonly answered: Promise<URL>;
  close(): void;
}

export async function listenOnLoopback(timeoutMs: number, port = 0): Promise<LoopbackListener> {
  const server = createServer(limits);
  server.maxConnections = maxConnections;
  const origin = `http://127.0.0.1:${await listenOn(server, port)}`;
  const answer = Promise.withResolvers<URL>();
  // Whoever waits sees the rejection; a sign-in that failed before does not wait.
  answer.promise.catch(() => undefined);
  const late = setTimeout(() => {
    answer.reject(new Fault('not_signed_in', 'The sign-in was not completed in time. Start it again.'));
  }, timeoutMs);
  let taken = false;
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const url = URL.parse(req.url ?? '', origin);
    const status = taken ? 410 : refusalOf(req, url, origin);
    if (status !== undefined || url === null) {
      res.writeHead(status ?? 400, headers).end();
      return;
    }
    taken = true;
    const shown = url.searchParams.has('code') ? pages.done : pages.refused;
    res.writeHead(200, headers).end(shown, () => {
      answer.resolve(url);
    });
    // Also where the browser went away before it had read the page.
    res.once('close', () => {
      answer.resolve(url);
    });
  });
  return {
    redirectUri: `${origin}${callbackPath}`,
    answered: answer.promise,
    close: () => {
      clearTimeout(late);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Another Host is another page's name for this address. */
function refusalOf(req: IncomingMessage, url: URL | null, origin: string): number | undefined {
  if (url?.origin !== origin || req.headers.host !== new URL(origin).host) return 400;
  if (url.pathname !== callbackPath) return 404;
  return req.method === 'GET' ? undefined : 405;
}

async function listenOn(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => {
      const which = port === 0 ? 'No port' : `Port ${String(port)} (identity.openid.redirectPort)`;
      const say = `${which} could not be opened on this machine for the browser to come back to.`;
      const mend = port === 0 ? '' : ' End the program that holds it, then try again.';
      reject(new Fault('identity_unavailable', `${say}${mend}`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}
