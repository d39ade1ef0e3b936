/**
 * Guarantees: a connection to a declared PostgreSQL is TLS 1.2 or newer, its certificate verified for the declared
 * host against the system's authorities and the configured ones, before a byte of ours but SSLRequest is sent;
 * a server that answers SSLRequest with anything but `S` is refused, never spoken to in clear.
 * Trusts: the configured destination (so loopback and private addresses are allowed) and the system's resolver:
 * a wrong address fails at the certificate.
 */
import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, getCACertificates, type TLSSocket } from 'node:tls';
import { Fault } from '../contract/errors.ts';
import { isCertificateError, untrustedSay, watchIssuer } from './certificate.ts';
import { encodeBare, sslRequestCode } from './postgres-messages.ts';
import { mayGoOn, type FindWays } from './ways.ts';

export interface Target {
  /** As declared: what the certificate must name. */
  readonly host: string;
  readonly port: number;
}

export interface Dialled {
  readonly socket: TLSSocket;
  /** The IP address that answered; undefined behind a proxy. */
  readonly ip: string | undefined;
  /** host:port, for the record. */
  readonly address: string;
}

export interface DialOptions {
  readonly signal: AbortSignal;
  /** Dial this address of the host instead of resolving it: a CancelRequest must reach the same server. */
  readonly ip?: string;
}

/** Faults: `backend_unreachable`, `backend_refused` (no TLS), `backend_certificate`. */
export type DialPostgres = (target: Target, options: DialOptions) => Promise<Dialled>;

const dialTimeoutMs = 10_000;

interface DialDeps {
  readonly authorities: readonly string[];
  readonly ways: FindWays;
}

export function createPostgresDialler({ authorities, ways }: DialDeps): DialPostgres {
  // Parsing the system's store takes tens of milliseconds: once, not once a connection.
  const secureContext = createSecureContext({
    ca: [...getCACertificates('system'), ...authorities],
    minVersion: 'TLSv1.2',
  });
  return async (target, { signal, ip }) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMs)]);
    let failure = unreachable();
    for (const way of await ways(target, () => (ip === undefined ? resolve(target.host) : Promise.resolve([ip])))) {
      if (limit.aborted) break;
      let tcp: Socket | undefined;
      const abort = (): void => {
        tcp?.destroy(unreachable());
      };
      limit.addEventListener('abort', abort, { once: true });
      try {
        tcp = await way.open(limit);
        await requestTls(tcp);
        const socket = connectTls({
          socket: tcp,
          secureContext,
          ...serverName(target.host),
          ALPNProtocols: ['postgresql'],
        });
        await secured(socket, target.host);
        return { socket, ip: way.ip, address: way.address };
      } catch (error) {
        tcp?.destroy();
        const fault = error instanceof Fault ? error : unreachable();
        if (!mayGoOn(way, fault)) throw fault;
        failure = fault;
      } finally {
        limit.removeEventListener('abort', abort);
      }
    }
    throw failure;
  };
}

async function resolve(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address);
  } catch {
    throw new Fault('backend_unreachable', 'The name of the database server cannot be resolved. Check the network.');
  }
}

/** RFC 6066 §3 forbids an IP address as server name; the certificate is checked against `host` in both cases. */
const serverName = (host: string): { host: string; servername: string } => ({
  host,
  servername: isIP(host) === 0 ? host : '',
});

function once(socket: Socket, event: 'data'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      socket.off('error', failed).off('close', failed).off(event, happened);
      // From here on the next reader's; a late error must not end the process.
      socket.on('error', () => undefined);
      act();
    };
    const failed = (): void => {
      settle(() => {
        reject(unreachable());
      });
    };
    const happened = (data?: Buffer): void => {
      socket.pause();
      settle(() => {
        resolve(data ?? Buffer.alloc(0));
      });
    };
    socket.on('error', failed).on('close', failed).on(event, happened);
  });
}

/** Exactly one byte may come before TLS: more would be plaintext smuggled in by someone between (CVE-2021-23222). */
async function requestTls(tcp: Socket): Promise<void> {
  const answer = once(tcp, 'data');
  tcp.write(encodeBare(sslRequestCode));
  tcp.resume();
  const bytes = await answer;
  if (bytes.length !== 1 || bytes.toString('latin1') !== 'S') {
    throw noTls();
  }
}

function secured(socket: TLSSocket, host: string): Promise<void> {
  const issuer = watchIssuer(socket);
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      reject(isCertificateError(code) ? untrusted(untrustedSay(host, code, issuer())) : faultOf(code));
    });
    socket.once('close', () => {
      reject(unreachable());
    });
  });
}

function faultOf(code: string): Fault {
  return /^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code) ? noTls() : unreachable();
}

const unreachable = (): Fault =>
  new Fault('backend_unreachable', 'The database server does not answer. Check the network and the destination.');

const noTls = (): Fault =>
  new Fault('backend_refused', 'The database does not offer TLS 1.2 or newer. Turn it on at the server.');

const untrusted = (say: string): Fault => new Fault('backend_certificate', say);
