/**
 * A TLS connection as `node:http` sees it. Guarantees: a credential is put into the head of one request, below `node:http`, as
 * bytes in guarded memory that are wiped when they were written: in place of marks that stand there exactly once each, after
 * the handshake, and never into a body. Trusts: OpenSSL, which encrypts the bytes as they are written.
 */
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import type { Insertion } from './presenters/presenter.ts';
import type { SecretMemory } from './secret-memory.ts';

/** For the next request on this connection. */
export interface NextRequest {
  readonly insertions: readonly Insertion[];
  readonly sent: (bytes: number) => void;
}

export interface GuardedSocket extends Duplex {
  /** host:port that answers. */
  readonly address: string;
  expect(request: NextRequest): void;
}

export interface Secured {
  readonly socket: TLSSocket;
  readonly address: string;
}

const mostIdleMs = 30_000;

export function guardSocket({ socket: tls, address }: Secured, memory: SecretMemory): GuardedSocket {
  let next: NextRequest | undefined;
  let sent: NextRequest['sent'] = () => undefined;
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      sent(bytes.length);
      tls.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  const writeHead = async (head: Buffer, insertions: readonly Insertion[]): Promise<void> => {
    if (insertions.length === 0) return write(head);
    const filled = fill(memory, head, insertions);
    try {
      await filled.useAsync(write);
    } finally {
      filled.wipe();
    }
  };
  const duplex = new Duplex({
    allowHalfOpen: false,
    read: () => {
      tls.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      const head = next;
      next = undefined;
      const writing = head === undefined ? write(chunk) : writeHead(chunk, head.insertions);
      writing.then(() => {
        done();
      }, done);
    },
    final: (done) => {
      tls.end();
      done();
    },
    destroy: (error, done) => {
      tls.destroy();
      done(error);
    },
  });
  // Between two requests nobody listens: a late error must not end the process.
  duplex.on('error', () => undefined);
  tls.on('data', (chunk: Buffer) => {
    if (!duplex.push(chunk)) tls.pause();
  });
  tls.on('end', () => duplex.push(null));
  tls.on('error', (error: Error) => duplex.destroy(error));
  tls.on('close', () => duplex.destroy());
  tls.on('timeout', () => duplex.destroy());
  return Object.assign(duplex, {
    address,
    expect: (request: NextRequest) => {
      next = request;
      sent = request.sent;
    },
    ...idling(tls, () => duplex),
    destroySoon: () => {
      duplex.destroy();
    },
  });
}

/** What `node:http` calls on a socket: it is idle from `unref` to `ref`, no longer than the server says. */
function idling(tls: TLSSocket, duplex: () => Duplex) {
  let isIdle = false;
  let idleMs = mostIdleMs;
  return {
    setTimeout: (ms: number) => {
      if (ms > 0) idleMs = Math.min(ms, mostIdleMs);
      if (isIdle) tls.setTimeout(idleMs);
      return duplex();
    },
    setNoDelay: duplex,
    setKeepAlive: duplex,
    ref: () => {
      isIdle = false;
      tls.setTimeout(0);
      tls.ref();
      return duplex();
    },
    unref: () => {
      isIdle = true;
      tls.setTimeout(idleMs);
      tls.unref();
      return duplex();
    },
  };
}

/** All of the head with the secrets in it, in guarded memory. */
function fill(memory: SecretMemory, head: Buffer, insertions: readonly Insertion[]): Secret {
  // Else a part of it could wait in node:http, or the mark stand in a body.
  if (head.indexOf('\r\n\r\n') !== head.length - 4) throw misplaced();
  const places = insertions.map(({ mark, secret }) => {
    const at = head.indexOf(mark);
    if (at === -1 || head.lastIndexOf(mark) !== at) throw misplaced();
    return { at, end: at + mark.length, secret };
  });
  places.sort((one, other) => one.at - other.at);
  const length = places.reduce((sum, { at, end, secret }) => sum - (end - at) + secret.length, head.length);
  return memory.sealFrom(length, (into) => {
    let [from, to] = [0, 0];
    for (const { at, end, secret } of places) {
      to += head.copy(into, to, from, at);
      const start = to;
      secret.use((bytes) => {
        into.set(bytes, start);
      });
      to += secret.length;
      from = end;
    }
    head.copy(into, to, from);
  });
}

const misplaced = (): Fault => new Fault('internal', 'The credential has no single place in this request.');
