/**
 * Guarantees: a session exists only after both sides proved the password over verified TLS (SCRAM-SHA-256, with
 * channel binding where the server offers it); a server that asks for less, or for nothing, is refused.
 * Trusts: `dial` for TLS. What the server sends is bounded and read as data; its texts go nowhere.
 */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { Fault } from '../contract/errors.ts';
import { createByteReader, type ByteReader } from './byte-reader.ts';
import type { DialPostgres, Target } from './postgres-dial.ts';
import {
  brokenProtocol,
  cString,
  encode,
  encodeStartUp,
  int32,
  readMessage,
  readStrings,
  sqlState,
  type Message,
} from './postgres-messages.ts';
import { createScram, type ChannelBinding, type Scram } from './scram.ts';
import type { Secret } from '../contract/secret.ts';

export interface PostgresSession {
  readonly socket: TLSSocket;
  readonly reader: ByteReader;
  readonly target: Target;
  /** Undefined behind a proxy. */
  readonly ip: string | undefined;
  /** host:port, for the record. */
  readonly address: string;
  /** As the server reported them; kept up to date by `run`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Process id and secret key, as a CancelRequest carries them. */
  readonly cancelKey: Buffer;
  /** One statement without rows, before the session is handed over; false when the server refused it. */
  run(sql: string): Promise<boolean>;
}

export interface Login {
  readonly target: Target & { readonly database: string };
  readonly role: string;
  readonly password: Secret;
  readonly signal: AbortSignal;
}

const loginTimeoutMs = 10_000;
const maxMessages = 200;
/** What a server may report about itself; the connector gets to see it. */
const parameterLimits = { count: 64, bytes: 1024 };

/** Faults: `backend_unreachable`, `backend_certificate`, `backend_refused`; `LoginRefused` is the last with its SQLSTATE. */
export type LogIn = (login: Login) => Promise<PostgresSession>;

/** The server said no to this role and password (SQLSTATE class 28): a fresh credential may help. */
export class LoginRefused extends Fault {
  readonly credentialRefused: boolean;
  constructor(state: string) {
    super('backend_refused', 'The database refused the login of this person. Ask who administers it.');
    this.credentialRefused = state.startsWith('28');
  }
}

export function createLogIn({ dial }: { readonly dial: DialPostgres }): LogIn {
  return async ({ target, role, password, signal }) => {
    const { socket, ip, address } = await dial(target, { signal });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(loginTimeoutMs)]);
    const abort = (): void => {
      socket.destroy();
    };
    limit.addEventListener('abort', abort, { once: true });
    try {
      if (limit.aborted) throw hungUp();
      const reader = createByteReader(socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
      socket.write(
        encodeStartUp({
          user: role,
          database: target.database,
          client_encoding: 'UTF8',
          application_name: 'sallyport',
        }),
      );
      await authenticate({ socket, reader, scram: (mechanisms) => choose(socket, mechanisms, password) });
      const settled = await settle(reader);
      const session = { socket, reader, target, ip, address, ...settled };
      const run = createRun(socket, reader, settled.parameters);
      // So that the server notices by itself when this process is gone in the middle of a statement (14 and newer).
      await run("SET client_connection_check_interval = '1s'");
      return { ...session, run };
    } catch (error) {
      socket.destroy();
      throw error instanceof Fault ? error : hungUp();
    } finally {
      limit.removeEventListener('abort', abort);
    }
  };
}

const hungUp = (): Fault => new Fault('backend_unreachable', 'The database hung up during the login. Try again later.');

interface Authentication {
  readonly socket: TLSSocket;
  readonly reader: ByteReader;
  readonly scram: (mechanisms: readonly string[]) => Scram;
}

/** AuthenticationSASL → SASLContinue → SASLFinal → AuthenticationOk, in this order and no other. */
async function authenticate({ socket, reader, scram }: Authentication): Promise<void> {
  const offer = await authenticationStep(reader, 10);
  const exchange = scram(readStrings(offer));
  const first = exchange.clientFirst;
  socket.write(encode('p', cString(exchange.mechanism), int32(first.length), first));
  socket.write(encode('p', await exchange.answer(await authenticationStep(reader, 11))));
  exchange.verify(await authenticationStep(reader, 12));
  await authenticationStep(reader, 0);
}

/** Any other step than the expected one is refused: AuthenticationOk, clear text, MD5, GSSAPI too early or instead. */
async function authenticationStep(reader: ByteReader, expected: number): Promise<Buffer> {
  const { type, body } = await nextUnlessError(reader);
  if (type !== 'R' || body.length < 4 || body.readInt32BE() !== expected) {
    throw new Fault(
      'backend_refused',
      'The database does not ask for SCRAM-SHA-256. Set it as the method for this role.',
    );
  }
  return body.subarray(4);
}

async function nextUnlessError(reader: ByteReader): Promise<Message> {
  for (let count = 0; count < maxMessages; count += 1) {
    const message = await readMessage(reader);
    if (message.type === 'E') throw refusal(sqlState(message.body));
    if (message.type !== 'N') return message;
  }
  throw brokenProtocol();
}

/**
 * Starting up, shutting down or full (classes 57 and 53) passes by itself: `backend_unreachable`, here as in the
 * connector. `rate_limited` is only ever our own limit. Everything else is a refusal.
 */
function refusal(state: string): Fault {
  return /^5[37]/.test(state)
    ? new Fault('backend_unreachable', 'The database takes no connections at the moment. Try again later.')
    : new LoginRefused(state);
}

async function settle(reader: ByteReader): Promise<{ parameters: Map<string, string>; cancelKey: Buffer }> {
  const parameters = new Map<string, string>();
  let cancelKey: Buffer | undefined;
  for (let count = 0; count < maxMessages; count += 1) {
    const { type, body } = await nextUnlessError(reader);
    if (type === 'S') remember(parameters, body);
    else if (type === 'K' && body.length >= 8 && body.length <= 260) cancelKey = Buffer.from(body);
    else if (type === 'Z' && cancelKey !== undefined) return { parameters, cancelKey };
    else throw brokenProtocol();
  }
  throw brokenProtocol();
}

function remember(parameters: Map<string, string>, body: Buffer): void {
  const [name, value = ''] = readStrings(body);
  if (name === undefined || body.length > parameterLimits.bytes || parameters.size >= parameterLimits.count) {
    throw brokenProtocol();
  }
  parameters.set(name, value);
}

function createRun(socket: TLSSocket, reader: ByteReader, parameters: Map<string, string>) {
  return async (sql: string): Promise<boolean> => {
    socket.write(encode('Q', cString(sql)));
    let accepted = true;
    for (let count = 0; count < maxMessages; count += 1) {
      const { type, body } = await readMessage(reader);
      if (type === 'Z') return accepted;
      if (type === 'E') accepted = false;
      if (type === 'S') remember(parameters, body);
    }
    throw brokenProtocol();
  };
}

function choose(socket: TLSSocket, mechanisms: readonly string[], password: Secret): Scram {
  const hash = certificateHash(socket);
  if (mechanisms.includes('SCRAM-SHA-256-PLUS') && hash !== undefined) {
    return createScram({ password, binding: { kind: 'plus', hash } });
  }
  if (!mechanisms.includes('SCRAM-SHA-256')) {
    throw new Fault(
      'backend_refused',
      'The database does not offer SCRAM-SHA-256. Set it as the method for this role.',
    );
  }
  const kind: Exclude<ChannelBinding['kind'], 'plus'> = hash === undefined ? 'unable' : 'unoffered';
  return createScram({ password, binding: { kind } });
}

/** tls-server-end-point (RFC 5929 §4.1): the hash of the certificate's own signature, MD5 and SHA-1 raised to SHA-256. */
function certificateHash(socket: TLSSocket): Buffer | undefined {
  const certificate = socket.getPeerX509Certificate();
  const signature = certificate?.signatureAlgorithm?.toLowerCase() ?? '';
  const hash = /sha(1|224|256|384|512)|md5/.exec(signature)?.[0];
  if (certificate === undefined || hash === undefined) return undefined;
  return createHash(hash === 'sha1' || hash === 'md5' ? 'sha256' : hash)
    .update(certificate.raw)
    .digest();
}
