/**
 * In front of the provider: what stands before any protocol. Guarantees: while an outage is on, 503 for everything; from a
 * network that is not listed no sign-in and no token, told in words (Conditional Access by location). Trusts: the socket's
 * address, never a header.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList } from 'node:net';
import { sendPage } from './login.ts';
import { errorPage } from './login-pages.ts';

const retryAfterSeconds = 2;
const notFromHere = 'Your organization does not allow a sign-in from this network.';

export interface Gate {
  setOutage(on: boolean): void;
  /** Of IPv4 networks such as `127.0.0.0/8`; undefined: one of them is none. */
  setNetworks(networks: readonly string[]): true | undefined;
  /** Answers whether it refused the request, which is over then. */
  refuses(req: IncomingMessage, res: ServerResponse): boolean;
}

export function createGate(): Gate {
  let outage = false;
  let listed: BlockList | undefined;
  return {
    setOutage(on) {
      outage = on;
    },
    setNetworks(networks) {
      const list = new BlockList();
      for (const network of networks) {
        const [, address = '', bits] = /^([\d.]{7,15})\/(\d{1,2})$/.exec(network) ?? [];
        try {
          list.addSubnet(address, Number(bits));
        } catch {
          return undefined;
        }
      }
      listed = list;
      return true;
    },
    refuses(req, res) {
      if (outage) {
        res.writeHead(503, { 'retry-after': String(retryAfterSeconds) }).end();
        return true;
      }
      const { pathname } = new URL(req.url ?? '/', 'https://localhost');
      const isToken = pathname === '/token';
      if (!isToken && !/^\/(auth|interaction)(\/|$)/.test(pathname)) return false;
      if (listed?.check(req.socket.remoteAddress ?? '') !== false) return false;
      if (isToken) {
        res.writeHead(400, { 'content-type': 'application/json', 'cache-control': 'no-store' });
        res.end(JSON.stringify({ error: 'invalid_grant', error_description: notFromHere }));
      } else sendPage(res, { status: 403, body: errorPage(notFromHere) });
      return true;
    },
  };
}
