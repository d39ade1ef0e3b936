/**
 * Guarantees: one HTTPS request to one of the origins it was made for; TLS 1.2 or newer, always verified against the system
 * store and the configured authorities; no redirect followed; answer and time bounded; every failure is a coded fault.
 * Trusts: the system's certificate store and the resolver.
 * Does not protect against: an allowed server that lies. It takes nothing from the environment, the proxy neither.
 */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createSecureContext, getCACertificates, TLSSocket } from 'node:tls';
import { Fault } from '../contract/errors.ts';
import { isCertificateError, isUnknownAuthority, issuerOf, untrustedSay } from './certificate.ts';
import { straight, type FindRoutes, type Route } from './proxy-routes.ts';

const maxAnswerBytes = 1_048_576;
const issuerTimeoutMs = 5_000;

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpsOptions {
  /** PEM text, trusted beside the system store. */
  readonly authorities: readonly string[];
  /** For a whole request; default 15 000. */
  readonly timeoutMs?: number;
  /** Default: straight. */
  readonly routes?: FindRoutes;
}

/** Makes a client for these origins (`https://host:port`): it dials no others. */
export type DialOrigins = (origins: readonly string[]) => (request: HttpsRequest) => Promise<HttpsAnswer>;

/**
 * A client rejects with `Fault`: `destination_not_allowed` (origin not listed), `backend_certificate`, `backend_unreachable`
 * (no connection, no answer in time), `backend_refused` (answer too large).
 */
export function createHttpsDialler({ authorities, timeoutMs = 15_000, routes = straight }: HttpsOptions): DialOrigins {
  // Made once: reading some hundred authorities takes longer than a request.
  const secureContext = createSecureContext({
    ca: [...getCACertificates('system'), ...authorities],
    minVersion: 'TLSv1.2',
  });
  const agentFor = (route: Route): Agent =>
    new Agent({
      keepAlive: false,
      secureContext,
      rejectUnauthorized: true,
      ...proxied(route),
    });
  return (origins) => {
    const allowed = new Set(origins);
    return async ({ method, url, headers = {}, body }) => {
      const target = URL.parse(url);
      if (target?.protocol !== 'https:' || !allowed.has(target.origin)) {
        throw new Fault('destination_not_allowed', 'A request to an address outside the configuration was refused.');
      }
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const signal = AbortSignal.timeout(timeoutMs);
      return alongOne(await routes(target), (route) => {
        const options: RequestOptions = { method, headers: { ...headers, ...length }, agent: agentFor(route), signal };
        return exchange({ target, route }, options, body);
      });
    };
  };
}

/** The next way only when this one's proxy is not there at all: nothing was sent to anybody then. */
async function alongOne<T>(routes: readonly Route[], along: (route: Route) => Promise<T>): Promise<T> {
  for (const [index, route] of routes.entries()) {
    try {
      return await along(route);
    } catch (error) {
      if (!(error instanceof Fault && absentProxies.has(error)) || index === routes.length - 1) throw error;
    }
  }
  throw new Fault('backend_unreachable', 'There is no way to the network. Check egress.proxy and egress.pac.');
}

/** Faults of a proxy that is not there. */
const absentProxies = new WeakSet<Fault>();

interface Way {
  readonly target: URL;
  readonly route: Route;
}

const proxied = (route: Route) => (route === undefined ? {} : { proxyEnv: { HTTPS_PROXY: route.url } });

/**
 * Who issued the certificate that was not trusted; empty where it cannot be seen. It asks again without trusting, and sends
 * nothing at all on that connection: Node shows nobody the certificate that it refuses behind a proxy.
 */
function issuerSeen({ target, route }: Way, error: unknown): Promise<string> {
  if (!isUnknownAuthority(codeOf(error))) return Promise.resolve('');
  return new Promise((resolve) => {
    const agent = new Agent({ keepAlive: false, rejectUnauthorized: false, ...proxied(route) });
    const looking = httpsRequest(target, { agent, signal: AbortSignal.timeout(issuerTimeoutMs) });
    const seen = (issuer: string): void => {
      if (issuer === '') return;
      resolve(issuer);
      looking.destroy();
    };
    looking.on('error', () => {
      resolve('');
    });
    looking.once('socket', (socket) => {
      const look = (): void => {
        if (socket instanceof TLSSocket) seen(issuerOf(socket));
      };
      // Behind a proxy it is secured before it comes here.
      look();
      socket.once('secureConnect', look);
    });
  });
}

function exchange(way: Way, options: RequestOptions, body: string | undefined): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(way.target, options, (incoming) => {
      readBounded(incoming).then(resolve, (error: unknown) => {
        outgoing.destroy();
        reject(asFault(error, way));
      });
    });
    outgoing.on('error', (error) => {
      issuerSeen(way, error).then((issuer) => {
        reject(asFault(error, { ...way, issuer }));
      }, reject);
    });
    outgoing.end(body);
  });
}

async function readBounded(incoming: IncomingMessage): Promise<HttpsAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes)
      throw new Fault('backend_refused', 'A server answered with more than 1 MiB where little is expected.');
    chunks.push(chunk);
  }
  const headers = Object.entries(incoming.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  );
  return {
    status: incoming.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** A wrong clock looks the same as an old certificate. */
const clockErrors = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

function asFault(error: unknown, { target, route, issuer = '' }: Way & { readonly issuer?: string }): Fault {
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  if (clockErrors.has(code)) {
    const shown = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    return new Fault(
      'backend_certificate',
      `The certificate of ${target.host} is not valid at the time of this machine's clock, ${shown} (${code}). If that time is wrong, set the clock; if it is right, the server needs a new certificate: tell its administrator.`,
    );
  }
  if (isCertificateError(code)) {
    return new Fault('backend_certificate', untrustedSay(target.host, code, issuer));
  }
  if (route !== undefined && code === 'ERR_PROXY_TUNNEL') return tunnelFault(error, { target, route });
  if (route !== undefined && /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(code))
    return proxyFault(route.name);
  return new Fault(
    'backend_unreachable',
    `${target.host} cannot be reached. Check the network and the configured address.`,
  );
}

function proxyFault(name: string): Fault {
  const fault = new Fault('backend_unreachable', `The proxy ${name} cannot be reached. Check egress.proxy.`);
  absentProxies.add(fault);
  return fault;
}

/** What Node adds to the error of a tunnel that the proxy did not open. */
function tunnelFault(error: unknown, { target, route }: Way & { readonly route: { readonly name: string } }): Fault {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 0;
  if (status === 407) {
    return new Fault(
      'backend_unreachable',
      `The proxy ${route.name} wants a user name and a password, or does not accept them. Set egress.proxy.username, then type the password in the window, or run: sallyport proxy-password`,
    );
  }
  return new Fault(
    'backend_unreachable',
    `The proxy ${route.name} does not let Sallyport reach ${target.host} (HTTP ${String(status)}). Ask its administrator to allow it.`,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
