/**
 * Guarantees: a connection to a declared HTTPS destination is TLS 1.2 or newer, its certificate verified for the declared host
 * against the system's authorities and the configured ones, and its key one of the pins where there are some, before a byte of
 * a request is sent. A straight way leads to an address that was checked. Trusts: `ways` and `addresses` for what they say.
 */
import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { Fault } from '../contract/errors.ts';
import { addressesOf, createAddressCheck, type Resolve } from './addresses.ts';
import { isCertificateError, untrustedSay, watchIssuer } from './certificate.ts';
import type { Secured } from './guarded-socket.ts';
import { mayGoOn, type FindWays, type Place } from './ways.ts';

export interface HttpsTarget extends Place {
  readonly networks: readonly string[];
  /** SHA-256 of public keys, base64; none: any key of a trusted certificate. */
  readonly pins: readonly string[];
}

/** Faults: `backend_unreachable`, `backend_refused` (no TLS), `backend_certificate`, `destination_not_allowed` (its address). */
export type DialHttps = (target: HttpsTarget) => Promise<Secured>;

export interface HttpsDialDeps {
  /** PEM text, trusted beside the system's store. */
  readonly authorities: readonly string[];
  readonly ways: FindWays;
  readonly resolve: Resolve;
}

const dialTimeoutMs = 10_000;

export function createHttpsDial({ authorities, ways, resolve }: HttpsDialDeps): DialHttps {
  let context: SecureContext | undefined;
  // Parsing the system's store takes tens of milliseconds: once, and only where there is such a destination.
  const secureContext = (): SecureContext =>
    (context ??= createSecureContext({ ca: [...getCACertificates('system'), ...authorities], minVersion: 'TLSv1.2' }));
  return async (target) => {
    const mayDial = createAddressCheck(target.networks);
    const signal = AbortSignal.timeout(dialTimeoutMs);
    // A name is not resolved for a proxy; an address is checked in any case.
    if (isIP(target.host) !== 0) await addressesOf(target.host, { resolve, mayDial });
    let failure = new Fault('backend_unreachable', `${target.host} cannot be reached. Check the network.`);
    for (const way of await ways(target, () => addressesOf(target.host, { resolve, mayDial }))) {
      if (signal.aborted) break;
      try {
        const socket = await secure(await way.open(signal), { target, secureContext: secureContext(), signal });
        return { socket, address: way.address };
      } catch (error) {
        if (!(error instanceof Fault) || !mayGoOn(way, error)) throw error;
        failure = error;
      }
    }
    throw failure;
  };
}

interface Securing {
  readonly target: HttpsTarget;
  readonly secureContext: SecureContext;
  readonly signal: AbortSignal;
}

function secure(tcp: Socket, { target, secureContext, signal }: Securing): Promise<TLSSocket> {
  const { host, pins } = target;
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      socket: tcp,
      secureContext,
      host,
      // RFC 6066 §3 forbids an address as server name; the certificate is checked against `host` in both cases.
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
    });
    const issuer = watchIssuer(socket);
    const fail = (fault: Fault): void => {
      signal.removeEventListener('abort', late);
      socket.destroy();
      tcp.destroy();
      reject(fault);
    };
    const late = (): void => {
      fail(new Fault('backend_unreachable', `${host} does not answer in time. Try again later.`));
    };
    signal.addEventListener('abort', late, { once: true });
    if (signal.aborted) late();
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', late);
      if (pins.length > 0 && !pins.includes(pinOf(socket))) fail(notPinned(host));
      else resolve(socket);
    });
    // Stays for good: a late error must not end the process.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      fail(faultOf(error.code ?? '', host, issuer()));
    });
    socket.once('close', () => {
      fail(new Fault('backend_unreachable', `${host} hung up before TLS. Try again later.`));
    });
  });
}

/** Of the server's own key: others of the chain are what it likes to send. */
function pinOf(socket: TLSSocket): string {
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' });
  return key === undefined ? '' : createHash('sha256').update(key).digest('base64');
}

const notPinned = (host: string): Fault =>
  new Fault(
    'backend_certificate',
    `The key of ${host} is none of those that the configuration pins. If the server has a new key, add its pin.`,
  );

function faultOf(code: string, host: string, issuer: string): Fault {
  if (isCertificateError(code)) return new Fault('backend_certificate', untrustedSay(host, code, issuer));
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO)/.test(code))
    return new Fault('backend_refused', `${host} does not offer TLS 1.2 or newer.`);
  return new Fault('backend_unreachable', `${host} cannot be reached. Check the network and the configured address.`);
}
