/** A real HTTPS server on loopback, and a real egress worker in this process whose resolver and vault the test plays. */
import { once } from 'node:events';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchOver } from '../../../connector-host/http-fetch.ts';
import type { FetchRequest, FetchResponse } from '../../../connector-host/sdk/http.ts';
import type { ByteStream, Channel } from '../../../main/contract/channel.ts';
import { connectorEgress, type ConnectionRecord } from '../../../main/contract/channels.ts';
import type { EgressDestination, ProxyConfig } from '../../../main/contract/config.ts';
import type { HttpRequest } from '../../../main/contract/http.ts';
import { createMultiplexer, type Multiplexer } from '../../../main/contract/multiplex.ts';
import { readChallenge } from '../../../main/identity/read-challenge.ts';
import { createEgressWorker, type EgressWorker, type WorkerDeps } from '../../../main/outbound/egress-worker.ts';
import { createGuardedMemory } from '../../../main/secrets/guarded-memory.ts';
import { createAuthority, type Authority } from '../../lab/authority.ts';
import { codec } from '../../contract/connected-pair.ts';

export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpsBackend {
  readonly authority: Authority;
  readonly port: number;
  /** Of the server's certificate, PEM. */
  readonly certificate: string;
  readonly arrived: Arrived[];
  /** How many TLS connections were made. */
  connections(): number;
  /** By path without the query; else 404. */
  answers: Record<string, (req: IncomingMessage, res: ServerResponse, body: string) => void>;
  stop(): Promise<void>;
}

export async function startBackend(names: readonly string[] = []): Promise<HttpsBackend> {
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue('localhost', names);
  const arrived: Arrived[] = [];
  let connections = 0;
  const backend: Pick<HttpsBackend, 'answers'> = { answers: {} };
  const server = createServer({ cert: certificate, key, keepAliveTimeout: 60_000 }, (req, res) => {
    void (async () => {
      let body = '';
      for await (const part of req) body += String(part);
      const { method = '', url = '', headers } = req;
      arrived.push({ method, url, headers, body });
      const answer = backend.answers[url.split('?')[0] ?? ''];
      if (answer === undefined) res.writeHead(404).end();
      else answer(req, res, body);
    })().catch(() => undefined);
  });
  server.on('secureConnection', () => (connections += 1));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(backend, {
    authority,
    certificate,
    port: (server.address() as AddressInfo).port,
    arrived,
    connections: () => connections,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

const memory = createGuardedMemory();

export interface WorkerOptions {
  readonly backend: Pick<HttpsBackend, 'authority'>;
  readonly destinations: Readonly<Record<string, EgressDestination>>;
  readonly deps?: Partial<WorkerDeps>;
  readonly authorities?: readonly string[];
  readonly proxy?: ProxyConfig;
}

export interface WorkerUnderTest {
  readonly worker: EgressWorker;
  /** What every destination gets. */
  credential: { role: string; password: string; also?: string };
  issued: number;
  subject: string;
  readonly challenges: unknown[];
  readonly records: ConnectionRecord[];
  ticket(terms?: {
    readonly deadlineMs?: number;
    readonly maxBytes?: number;
    readonly destinations?: string[];
    readonly subject?: string;
  }): string;
  readonly fetch: (destination: string, request: FetchRequest, ticket?: string) => Promise<FetchResponse>;
  /** A stream as a hostile connector opens it. */
  readonly open: (destination: string, request: HttpRequest, ticket?: string) => ByteStream;
  stop(): Promise<void>;
}

export function startWorker({ backend, destinations, deps = {}, authorities, proxy }: WorkerOptions): WorkerUnderTest {
  const records: ConnectionRecord[] = [];
  const challenges: unknown[] = [];
  const config = {
    connector: 'probe',
    authorities: authorities ?? [backend.authority.certificate],
    destinations,
    proxy,
  };
  const worker = createEgressWorker(config, {
    memory,
    openSealed: (ciphertext) => memory.seal(Buffer.from(ciphertext)),
    requestCredential: async () => {
      under.issued += 1;
      const { role, password, also } = under.credential;
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      const second = also === undefined ? {} : { alsoSealed: base64(also) };
      return { subject: under.subject, role, sealed: base64(password), ...second, expiresAt: Date.now() + 600_000 };
    },
    onRecord: (record) => void records.push(record),
    readChallenge,
    challenged: async (_, challenge) => {
      challenges.push(challenge);
      return 'reauthentication_required';
    },
    proxyPassword: async () => undefined,
    evaluate: async () => 'DIRECT',
    ...deps,
  });
  const channel = connected(worker);
  const ticket: WorkerUnderTest['ticket'] = (terms = {}) => {
    const id = randomBytes(32).toString('base64url');
    worker.openTicket({
      ticket: id,
      callId: randomUUID(),
      subject: terms.subject ?? 'alice',
      program: 'a test',
      destinations: terms.destinations ?? Object.keys(destinations),
      deadlineMs: terms.deadlineMs ?? 20_000,
      maxBytes: terms.maxBytes ?? 50_000_000,
    });
    return id;
  };
  const open: WorkerUnderTest['open'] = (destination, request, id = ticket()) =>
    channel.open('request', { ticket: id, destination, ...request });
  const under: WorkerUnderTest = {
    worker,
    credential: { role: 'orders', password: randomBytes(24).toString('base64url') },
    issued: 0,
    subject: 'alice',
    challenges,
    records,
    ticket,
    open,
    fetch: (destination, request, id) =>
      fetchOver((sent) => open(destination, sent, id), request, new AbortController().signal),
    stop: () => worker.revoke(),
  };
  return under;
}

/** Both ends of the connector's channel, in this process. */
function connected(worker: EgressWorker): Channel<(typeof connectorEgress)['a']> {
  const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };
  const timers = { set: setTimeout, clear: () => undefined };
  const to = (peer: () => { receive(bytes: Uint8Array): void }) => ({
    send: (bytes: Uint8Array) => {
      const copy = Uint8Array.from(bytes);
      setImmediate(() => {
        peer().receive(copy);
      });
      return true;
    },
    backlogBytes: () => 0,
    shut: () => undefined,
  });
  const a: Multiplexer<(typeof connectorEgress)['a']> = createMultiplexer({
    contract: connectorEgress,
    side: 'a',
    handlers: nothing,
    transport: to(() => b),
    codec,
    timers,
  });
  const b: Multiplexer<(typeof connectorEgress)['b']> = createMultiplexer({
    contract: connectorEgress,
    side: 'b',
    handlers: {
      ...nothing,
      streams: {
        connect: (header, stream) => {
          worker.connect(header, stream);
        },
        request: (header, stream) => {
          worker.request(header, stream);
        },
      },
    },
    transport: to(() => a),
    codec,
    timers,
  });
  return a.channel;
}

type Https = NonNullable<EgressDestination['https']>;
type Changed = Omit<Partial<EgressDestination>, 'https'> & { readonly https?: Partial<Https> };

/** On this loopback, where everything is allowed that a test does not forbid. */
export function destination({ port }: Pick<HttpsBackend, 'port'>, more: Changed = {}): EgressDestination {
  const everything = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
  return {
    host: 'localhost',
    port,
    networks: ['127.0.0.0/8', '::1/128'],
    ...more,
    https: { authentication: 'bearer', rules: [[{ methods: [...everything], path: '/' }]], ...more.https },
  };
}
