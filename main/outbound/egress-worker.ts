/**
 * The credential boundary of one connector: streams in, declared destinations out. Wires tickets, credentials and
 * connections; knows no channel and no process.
 */
import type { ByteStream } from '../contract/channel.ts';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import type { ConnectionRecord } from '../contract/channels.ts';
import type { EgressDestination, ProxyConfig } from '../contract/config.ts';
import type { OutcomeCode } from '../contract/errors.ts';
import type { HttpRequest } from '../contract/http.ts';
import { resolveHere, type Resolve } from './addresses.ts';
import { createCredentials, type Credentials, type IssuedCredential } from './credentials.ts';
import { httpDestination } from './http-destination.ts';
import { createExchanger } from './http-exchange.ts';
import { createHttpRequests, type HttpPlace, type HttpRequests } from './http-requests.ts';
import { createHttpsDial } from './https-dial.ts';
import { createPostgresConnections } from './postgres-connections.ts';
import { createPostgresDialler } from './postgres-dial.ts';
import { createLogIn } from './postgres-login.ts';
import { createPostgresSessions } from './postgres-sessions.ts';
import { createSessionQueue } from './session-queue.ts';
import type { Secret } from '../contract/secret.ts';
import type { SecretMemory } from './secret-memory.ts';
import { nameOfProxy, straight, throughProxy, throughScript, type FindRoutes } from './proxy-routes.ts';
import { createTickets, type Link, type TicketTerms } from './tickets.ts';
import { createWays, type FindWays } from './ways.ts';

export interface EgressConfig {
  readonly connector: string;
  /** PEM text, beside the system's store. */
  readonly authorities: readonly string[];
  readonly destinations: Readonly<Record<string, EgressDestination>>;
  readonly proxy?: ProxyConfig | undefined;
  /** Whether a script says which way to go. */
  readonly pac?: boolean;
}

export interface EgressWorker {
  connect(header: Wanted, stream: ByteStream): void;
  request(header: Wanted & HttpRequest, stream: ByteStream): void;
  openTicket(terms: TicketTerms): void;
  cancelTicket(ticket: string, code: OutcomeCode): void;
  closeTicket(ticket: string): ConnectionRecord[];
  /** Wipes the credential and cuts everything, now. Resolves when every session is closed, within seconds. */
  revoke(): Promise<void>;
  status(): { readonly openConnections: number; readonly credentialUntil: number | null };
}

interface Wanted {
  readonly ticket: string;
  readonly destination: string;
}

export interface WorkerDeps {
  readonly requestCredential: (destination: string) => Promise<IssuedCredential>;
  readonly openSealed: (ciphertext: Uint8Array) => Secret;
  readonly memory: SecretMemory;
  readonly onRecord: (record: ConnectionRecord) => void;
  readonly readChallenge: (header: string | undefined) => ClaimsChallenge | undefined;
  /** Tells the vault; answers with what the call ends with. */
  readonly challenged: (destination: string, challenge: ClaimsChallenge) => Promise<OutcomeCode>;
  /** Of the proxy; undefined: nobody typed it. */
  readonly proxyPassword: () => Promise<Secret | undefined>;
  /** Runs the proxy script elsewhere. */
  readonly evaluate: (question: { readonly url: string; readonly addresses: readonly string[] }) => Promise<string>;
  /** Tests have names of their own. */
  readonly resolve?: Resolve;
}

/**
 * At one destination, across all calls, with the spare that is logged in ahead: fewer than a role is usually allowed
 * (32 in the lab), so that a session the server has not quite closed does not cost the next call its login.
 */
const maxSessions = 24;
const spareSessions = 1;
/** Several times what one agent's connection may have under way. */
const waitingPerProgram = 256;

export function createEgressWorker(config: EgressConfig, deps: WorkerDeps): EgressWorker {
  const targets = new Map(Object.entries(config.destinations));
  const isLogin = (name: string): boolean => targets.get(name)?.https === undefined;
  const databases = new Map(
    [...targets].flatMap(([name, { database, ...target }]) =>
      database === undefined || !isLogin(name) ? [] : [[name, { ...target, database }] as const],
    ),
  );
  const credentials = createCredentials({ ...deps, request: deps.requestCredential, isLogin });
  const ways = findWays(config, deps);
  const dial = createPostgresDialler({ ...config, ways });
  const sessions = createPostgresSessions({ logIn: createLogIn({ dial }), credentials, targets: databases });
  const places = maxSessions - spareSessions;
  const queues = new Map(
    [...databases.keys()].map((name) => [name, createSessionQueue({ places, waitingPerProgram })]),
  );
  const connections = createPostgresConnections({ sessions, queues, dial });
  const requests = createRequests(config, deps, { credentials, ways });
  const tickets = createTickets({
    connector: config.connector,
    configuredAddress: (destination) => {
      const target = targets.get(destination);
      return target === undefined ? '' : `${target.host}:${String(target.port)}`;
    },
    onRecord: deps.onRecord,
  });
  const open = new Set<Promise<void>>();

  const admit = (
    { ticket, destination }: Wanted,
    stream: ByteStream,
    { isFor, serve }: { readonly isFor: boolean; readonly serve: (link: Link) => Promise<void> },
  ): void => {
    const link = tickets.admit(ticket, destination);
    if (typeof link === 'string') {
      stream.reset(link);
      return;
    }
    if (!isFor) {
      link.end('destination_not_allowed');
      stream.reset('destination_not_allowed');
      return;
    }
    const served = serve(link).finally(() => open.delete(served));
    open.add(served);
  };

  return {
    connect: (wanted, stream) => {
      const isFor = isLogin(wanted.destination);
      admit(wanted, stream, { isFor, serve: (link) => connections.serve(link, stream) });
    },
    request: (wanted, stream) => {
      const isFor = !isLogin(wanted.destination);
      admit(wanted, stream, { isFor, serve: (link) => requests.serve(link, wanted, stream) });
    },
    openTicket: tickets.open,
    cancelTicket: tickets.cancel,
    closeTicket: tickets.close,
    revoke: async () => {
      credentials.wipe();
      sessions.drop();
      requests.drop();
      tickets.cutAll('access_ended');
      await Promise.all(open);
    },
    status: () => ({ openConnections: open.size, credentialUntil: credentials.validUntil }),
  };
}

/** The same ways for databases and for HTTPS. */
function findWays({ proxy, pac = false }: EgressConfig, deps: WorkerDeps): FindWays {
  // Without its password, which stays in guarded memory: only the user name is beside it.
  const plain = proxy && { url: proxy.url, exceptFor: proxy.exceptFor };
  const explicit: FindRoutes = plain === undefined ? straight : throughProxy(plain);
  const routes = pac ? throughScript({ evaluate: deps.evaluate, proxy: plain }) : explicit;
  const login =
    proxy?.username === undefined
      ? undefined
      : { proxy: nameOfProxy(proxy.url), username: proxy.username, password: deps.proxyPassword };
  return createWays({ routes, login, memory: deps.memory });
}

function createRequests(
  config: EgressConfig,
  deps: WorkerDeps,
  { credentials, ways }: { readonly credentials: Credentials; readonly ways: FindWays },
): HttpRequests {
  const { memory, resolve = resolveHere } = deps;
  const dial = createHttpsDial({ authorities: config.authorities, ways, resolve });
  const places = new Map(
    Object.entries(config.destinations).flatMap(([name, destination]): [string, HttpPlace][] => {
      const declared = httpDestination(destination, memory);
      if (declared === undefined) return [];
      const exchanger = createExchanger({ target: declared.target, dial, memory });
      const queue = createSessionQueue({ places: maxSessions, waitingPerProgram });
      return [[name, { destination: declared, exchanger, queue }]];
    }),
  );
  return createHttpRequests({ places, credentials, readChallenge: deps.readChallenge, challenged: deps.challenged });
}
