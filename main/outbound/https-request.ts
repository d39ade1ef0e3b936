/**
 * Guarantees: one HTTPS request to one of the origins it was made for; TLS 1.2 or newer, always verified against the system
 * store and the configured authorities; no redirect followed; answer and time bounded; every failure is a coded fault.
 * Trusts: the system's certificate store and the resolver.
 * Does not protect against: an allowed server that lies. It knows no proxy yet, and takes nothing from the environment.
 */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createSecureContext, getCACertificates } from 'node:tls';
import { Fault } from '../contract/errors.ts';

const maxAnswerBytes = 1_048_576;

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
}

/** Makes a client for these origins (`https://host:port`): it dials no others. */
export type DialOrigins = (origins: readonly string[]) => (request: HttpsRequest) => Promise<HttpsAnswer>;

/**
 * A client rejects with `Fault`: `destination_not_allowed` (origin not listed), `backend_certificate`, `backend_unreachable`
 * (no connection, no answer in time), `backend_refused` (answer too large).
 */
export function createHttpsDialler({ authorities, timeoutMs = 15_000 }: HttpsOptions): DialOrigins {
  // Made once: reading some hundred authorities takes longer than a request.
  const secureContext = createSecureContext({
    ca: [...getCACertificates('system'), ...authorities],
    minVersion: 'TLSv1.2',
  });
  const agent = new Agent({ keepAlive: false, secureContext, rejectUnauthorized: true });
  return (origins) => {
    const allowed = new Set(origins);
    return ({ method, url, headers = {}, body }) => {
      const target = URL.parse(url);
      if (target?.protocol !== 'https:' || !allowed.has(target.origin)) {
        return Promise.reject(
          new Fault('destination_not_allowed', 'A request to an address outside the configuration was refused.'),
        );
      }
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const options: RequestOptions = {
        method,
        headers: { ...headers, ...length },
        agent,
        signal: AbortSignal.timeout(timeoutMs),
      };
      return exchange(target, options, body);
    };
  };
}

function exchange(target: URL, options: RequestOptions, body: string | undefined): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(target, options, (incoming) => {
      readBounded(incoming).then(resolve, (error: unknown) => {
        outgoing.destroy();
        reject(asFault(error, target));
      });
    });
    outgoing.on('error', (error) => {
      reject(asFault(error, target));
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

/** OpenSSL's verification errors as Node names them (`X509_V_ERR_…` without the prefix), and its own for the host name. */
const certificateErrors =
  /^(CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT)/;

/** A wrong clock looks the same as an old certificate. */
const clockErrors = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

function asFault(error: unknown, target: URL): Fault {
  if (error instanceof Fault) return error;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (clockErrors.has(code)) {
    const shown = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    return new Fault(
      'backend_certificate',
      `The certificate of ${target.host} is not valid at the time of this machine's clock, ${shown} (${code}). If that time is wrong, set the clock; if it is right, the server needs a new certificate: tell its administrator.`,
    );
  }
  return certificateErrors.test(code)
    ? new Fault(
        'backend_certificate',
        `The certificate of ${target.host} is not trusted (${code}). Add its authority to egress.authorities, or correct the host name.`,
      )
    : new Fault(
        'backend_unreachable',
        `${target.host} cannot be reached. Check the network and the configured address.`,
      );
}
