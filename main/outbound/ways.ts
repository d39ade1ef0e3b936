/**
 * TCP to a destination: straight to one of its addresses, or through the company's proxy (a CONNECT tunnel, RFC 9110 §9.3.6).
 * Guarantees: with a proxy configured nothing goes straight but what configuration or script says; only the configured proxy gets
 * the user name and password, as bytes from guarded memory; a proxy that says more than its answer's head is refused.
 * Does not protect against: a proxy that reaches something else than it says: TLS does, with the destination's name.
 * Through a proxy the name is resolved there, so that its address cannot be checked here.
 */
import { connect, isIPv6, type Socket } from 'node:net';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import type { FindRoutes, ProxyRoute } from './proxy-routes.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Way {
  /** host:port as it is dialled; of a tunnel the destination's, with the proxy's behind it. */
  readonly address: string;
  /** Of a straight way: where it leads. */
  readonly ip?: string;
  /** Rejects with a `Fault` `backend_unreachable`. */
  open(signal: AbortSignal): Promise<Socket>;
}

/** The proxy is not there at all: nothing was sent to anybody, so that the next way may be tried. */
class ProxyAbsent extends Fault {}

/** Whether the next way may be tried after this one failed so: another address, or where a proxy is not there, what the script names next. */
export function mayGoOn(way: Way, fault: Fault): boolean {
  return fault.code === 'backend_unreachable' && (way.ip !== undefined || fault instanceof ProxyAbsent);
}

/** In the order to try them. `addresses`: of the host, for a straight way. */
export type FindWays = (place: Place, addresses: () => Promise<readonly string[]>) => Promise<readonly Way[]>;

export interface ProxyLogin {
  /** host:port: no other proxy gets it. */
  readonly proxy: string;
  readonly username: string;
  /** Undefined: nobody typed it. */
  readonly password: () => Promise<Secret | undefined>;
}

export interface WaysDeps {
  readonly routes: FindRoutes;
  readonly login: ProxyLogin | undefined;
  readonly memory: SecretMemory;
}

const maxAddresses = 4;

export function createWays({ routes, login, memory }: WaysDeps): FindWays {
  return async (place, addresses) => {
    const ways: Way[] = [];
    for (const route of await routes(new URL(`https://${inUrl(place.host)}:${String(place.port)}`))) {
      if (route === undefined) {
        const found = await addresses();
        ways.push(...found.slice(0, maxAddresses).map((ip) => straightTo(ip, place.port)));
      } else {
        const known = login?.proxy === route.name ? login : undefined;
        ways.push({
          address: `${inUrl(place.host)}:${String(place.port)} by ${route.name}`,
          open: (signal) => tunnel({ route, place, login: known, memory }, signal),
        });
      }
    }
    return ways;
  };
}

const inUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

const straightTo = (ip: string, port: number): Way => ({
  address: `${inUrl(ip)}:${String(port)}`,
  ip,
  open: (signal) => connected({ host: ip, port }, signal, `${inUrl(ip)}:${String(port)}`),
});

function connected(place: Place, signal: AbortSignal, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (): void => {
      socket.destroy();
      reject(
        new Fault('backend_unreachable', `${name} does not answer. Check the network and the configured address.`),
      );
    };
    const socket = connect({ host: place.host, port: place.port, noDelay: true });
    // The last one stays: a late error must not end the process.
    socket.on('error', failed);
    socket.once('connect', () => {
      signal.removeEventListener('abort', failed);
      resolve(socket);
    });
    signal.addEventListener('abort', failed, { once: true });
    if (signal.aborted) failed();
  });
}

interface Tunnel {
  readonly route: ProxyRoute;
  readonly place: Place;
  readonly login: ProxyLogin | undefined;
  readonly memory: SecretMemory;
}

async function tunnel({ route, place, login, memory }: Tunnel, signal: AbortSignal): Promise<Socket> {
  const proxy = new URL(route.url);
  const host = proxy.hostname.replaceAll(/[[\]]/g, '');
  const there = { host, port: Number(proxy.port || '80') };
  const socket = await connected(there, signal, route.name).catch(() => {
    throw new ProxyAbsent('backend_unreachable', `The proxy ${route.name} cannot be reached. Check egress.proxy.`);
  });
  const abort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  let password: Secret | undefined;
  try {
    password = await login?.password();
    const target = `${inUrl(place.host)}:${String(place.port)}`;
    const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n`;
    if (login === undefined || password === undefined) await written(socket, Buffer.from(`${head}\r\n`, 'latin1'));
    else {
      const sealed = authorized({ head, username: login.username, password, memory });
      await sealed.useAsync((bytes) => written(socket, bytes)).finally(() => sealed.wipe());
    }
    const status = connectStatus(await readHead(socket));
    if (status === undefined) throw noTunnel(route.name);
    if (status < 200 || status > 299) throw refused(route.name, place.host, status);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error instanceof Fault ? error : noTunnel(route.name);
  } finally {
    password?.wipe();
    signal.removeEventListener('abort', abort);
  }
}

const written = (socket: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });

interface Authorized {
  readonly head: string;
  readonly username: string;
  readonly password: Secret;
  readonly memory: SecretMemory;
}

/** RFC 7617, put together where nobody else reads. */
function authorized({ head, username, password, memory }: Authorized): Secret {
  const before = Buffer.from(`${head}Proxy-Authorization: Basic `, 'latin1');
  const user = Buffer.from(`${username}:`, 'utf8');
  const pair = memory.sealFrom(user.length + password.length, (into) => {
    into.set(user);
    password.use((bytes) => {
      into.set(bytes, user.length);
    });
  });
  const encodedBytes = 4 * Math.ceil(pair.length / 3);
  try {
    return memory.sealFrom(before.length + encodedBytes + 4, (into) => {
      into.set(before);
      pair.use((bytes) => {
        writeBase64(bytes, into.subarray(before.length, before.length + encodedBytes));
      });
      into.write('\r\n\r\n', before.length + encodedBytes, 'latin1');
    });
  } finally {
    pair.wipe();
  }
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'latin1');

function writeBase64(bytes: Uint8Array, into: Buffer): void {
  const padding = '='.charCodeAt(0);
  for (let at = 0, to = 0; at < bytes.length; at += 3, to += 4) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    into[to] = alphabet[group >> 18] ?? 0;
    into[to + 1] = alphabet[(group >> 12) & 63] ?? 0;
    into[to + 2] = at + 1 < bytes.length ? (alphabet[(group >> 6) & 63] ?? 0) : padding;
    into[to + 3] = at + 2 < bytes.length ? (alphabet[group & 63] ?? 0) : padding;
  }
}

const maxHeadBytes = 16_384;

function readHead(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    let head = Buffer.alloc(0);
    const settle = (): void => {
      socket.off('data', more).off('close', settle);
      socket.pause();
      resolve(head);
    };
    const more = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      if (head.includes('\r\n\r\n') || head.length > maxHeadBytes) settle();
    };
    socket.on('data', more).on('close', settle);
  });
}

/** The status; undefined when it is no HTTP, or says more than that the tunnel is open: it would come before the server's words. */
export function connectStatus(answer: Buffer): number | undefined {
  const end = answer.indexOf('\r\n\r\n');
  const head = answer.toString('latin1', 0, end + 4);
  const [, digits] = /^HTTP\/1\.[01] ([1-5]\d{2})(?: [^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*\r\n$/.exec(head) ?? [];
  if (end === -1 || digits === undefined) return undefined;
  const status = Number(digits);
  return status >= 200 && status <= 299 && end + 4 !== answer.length ? undefined : status;
}

const noTunnel = (proxy: string): Fault =>
  new Fault('backend_unreachable', `The proxy ${proxy} does not open a tunnel as it should. Check egress.proxy.`);

function refused(proxy: string, host: string, status: number): Fault {
  if (status === 407)
    return new Fault(
      'backend_unreachable',
      `The proxy ${proxy} wants a user name and a password, or does not accept them. Set egress.proxy.username, then type the password in the window, or run: sallyport proxy-password`,
    );
  return new Fault(
    'backend_unreachable',
    `The proxy ${proxy} does not let Sallyport reach ${host} (HTTP ${String(status)}). Ask its administrator to allow it.`,
  );
}
