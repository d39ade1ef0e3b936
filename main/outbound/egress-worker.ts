/**
 * The credential boundary of one connector: streams in, declared destinations out. Wires tickets, credentials and
 * connections; knows no channel and no process.
 */
import type { ByteStream } from '../contract/channel.ts';
import type { ConnectionRecord } from '../contract/channels.ts';
import { wayOf, type DestinationConfig } from '../contract/config.ts';
import { loginKinds } from '../contract/credentials.ts';
import type { OutcomeCode } from '../contract/errors.ts';
import { createCredentials, type IssuedCredential } from './credentials.ts';
import { createPostgresConnections } from './postgres-connections.ts';
import { createPostgresDialler } from './postgres-dial.ts';
import { createLogIn } from './postgres-login.ts';
import { createPostgresSessions } from './postgres-sessions.ts';
import { createSessionQueue } from './session-queue.ts';
import type { Secret } from '../contract/secret.ts';
import type { SecretMemory } from './secret-memory.ts';
import { createTickets, type TicketTerms } from './tickets.ts';

export interface EgressConfig {
  readonly connector: string;
  /** PEM text, beside the system's store. */
  readonly authorities: readonly string[];
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}

export interface EgressWorker {
  connect(header: { readonly ticket: string; readonly destination: string }, stream: ByteStream): void;
  openTicket(terms: TicketTerms): void;
  cancelTicket(ticket: string, code: OutcomeCode): void;
  closeTicket(ticket: string): ConnectionRecord[];
  /** Wipes the credential and cuts everything, now. Resolves when every session is closed, within seconds. */
  revoke(): Promise<void>;
  status(): { readonly openConnections: number; readonly credentialUntil: number | null };
}

interface WorkerDeps {
  readonly requestCredential: (destination: string) => Promise<IssuedCredential>;
  readonly openSealed: (ciphertext: Uint8Array) => Secret;
  readonly memory: SecretMemory;
  readonly onRecord: (record: ConnectionRecord) => void;
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
  const isLogin = (name: string): boolean => {
    const way = targets.get(name);
    return way === undefined || loginKinds.includes(wayOf(way)?.kind ?? 'postgres-issuer');
  };
  const databases = new Map(
    [...targets].flatMap(([name, { database, ...target }]) =>
      database === undefined || !isLogin(name) ? [] : [[name, { ...target, database }] as const],
    ),
  );
  const credentials = createCredentials({ ...deps, request: deps.requestCredential, isLogin });
  const dial = createPostgresDialler(config);
  const sessions = createPostgresSessions({ logIn: createLogIn({ dial }), credentials, targets: databases });
  const places = maxSessions - spareSessions;
  const queues = new Map(
    [...databases.keys()].map((name) => [name, createSessionQueue({ places, waitingPerProgram })]),
  );
  const connections = createPostgresConnections({ sessions, queues, dial });
  const tickets = createTickets({
    connector: config.connector,
    configuredAddress: (destination) => {
      const target = targets.get(destination);
      return target === undefined ? '' : `${target.host}:${String(target.port)}`;
    },
    onRecord: deps.onRecord,
  });
  const open = new Set<Promise<void>>();

  return {
    connect: ({ ticket, destination }, stream) => {
      const link = tickets.admit(ticket, destination);
      if (typeof link === 'string') {
        stream.reset(link);
        return;
      }
      const served = connections.serve(link, stream).finally(() => open.delete(served));
      open.add(served);
    },
    openTicket: tickets.open,
    cancelTicket: tickets.cancel,
    closeTicket: tickets.close,
    revoke: async () => {
      credentials.wipe();
      sessions.drop();
      tickets.cutAll('access_ended');
      await Promise.all(open);
    },
    status: () => ({ openConnections: open.size, credentialUntil: credentials.validUntil }),
  };
}
