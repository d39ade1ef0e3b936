/**
 * A real egress process on real channels. The test holds the other ends: shell, gateway, connector, and a vault that
 * makes a role in the cluster and seals its password for this process, as the issuer and the vault do.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';
import path from 'node:path';
import pg from 'pg';
import { channelOverFd } from '../../../main/channel/channel-over-socket.ts';
import { closeFd, createSocketPair } from '../../../main/channel/socket-pair.ts';
import type { ClaimsChallenge } from '../../../main/contract/challenge.ts';
import type { EgressDestination, ProxyConfig } from '../../../main/contract/config.ts';
import type { AuditRecord } from '../../../main/contract/audit.ts';
import type { ByteStream, Channel } from '../../../main/contract/channel.ts';
import { connectorEgress, egressVault, gatewayEgress } from '../../../main/contract/channels.ts';
import { shellEgress } from '../../../main/contract/shell-channels.ts';
import { Fault, type OutcomeCode } from '../../../main/contract/errors.ts';
import { createGuardedMemory } from '../../../main/secrets/guarded-memory.ts';
import { sealTo } from '../../../main/secrets/sealed-box.ts';
import type { Cluster } from './postgres-cluster.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const memory = createGuardedMemory();

/** What the README of main/outbound says this process runs with. */
const runtimeFlags = [
  '--permission',
  '--allow-addons',
  `--allow-fs-read=${root}`,
  '--allow-fs-read=/proc/self/status',
  '--allow-fs-read=/etc/alpine-release',
  '--disable-warning=PERM0001',
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
];

export interface FakeVault {
  /** Who is signed in: the subject is also the role's name. */
  subject: string;
  lifetimeMs: number;
  /** Answer with this code instead of a credential. */
  refuse: OutcomeCode | undefined;
  /** Give out this role and password instead of a new one. */
  fixed: { role: string; password: string; also?: string } | undefined;
  /** The proxy's, where somebody typed it. */
  proxyPassword: string | undefined;
  /** What services asked of the next sign-in. */
  readonly challenges: ClaimsChallenge[];
  issued: number;
  readonly passwords: string[];
}

export interface Terms {
  readonly subject?: string;
  readonly program?: string;
  readonly destinations?: readonly string[];
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
}

export interface EgressStand {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly vault: FakeVault;
  readonly shell: Channel<(typeof shellEgress)['a']>;
  readonly gateway: Channel<(typeof gatewayEgress)['a']>;
  readonly connector: Channel<(typeof connectorEgress)['a']>;
  readonly vaultChannel: Channel<(typeof egressVault)['b']>;
  readonly records: AuditRecord[];
  readonly log: () => string;
  openTicket(terms?: Terms): Promise<{ ticket: string; callId: string }>;
  /** An unchanged `pg` client on a stream of the connector. */
  client(ticket: string, destination?: string): pg.Client;
  stop(): Promise<void>;
}

export interface StandOptions {
  readonly cluster: Pick<Cluster, 'port' | 'authority' | 'observe'>;
  readonly authorities?: readonly string[];
  readonly host?: string;
  readonly port?: number;
  /** In place of the cluster's. */
  readonly destinations?: Readonly<Record<string, EgressDestination>>;
  readonly proxy?: ProxyConfig;
  /** Takes the connector's end, for a real one; `connector` is then closed. */
  readonly startConnector?: (egress: number) => void;
  /** A proxy script's answers. */
  readonly proxyFor?: () => Promise<string>;
}

export async function startEgress(options: StandOptions): Promise<EgressStand> {
  const { cluster } = options;
  const pairs = [createSocketPair(), createSocketPair(), createSocketPair(), createSocketPair()] as const;
  const [shellPair, connectorPair, gatewayPair, vaultPair] = pairs;
  const child = spawn(process.execPath, [...runtimeFlags, path.join(root, 'dist/main/egress.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe', shellPair.b, connectorPair.b, gatewayPair.b, vaultPair.a],
    env: { LANG: 'C.UTF-8' },
  });
  for (const fd of [shellPair.b, connectorPair.b, gatewayPair.b, vaultPair.a]) closeFd(fd);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  const onClose = (): void => undefined;
  const nothing = { notices: {}, requests: {}, streams: {}, onClose };

  const records: AuditRecord[] = [];
  const vault: FakeVault = {
    subject: 'alice',
    lifetimeMs: 600_000,
    refuse: undefined,
    fixed: undefined,
    proxyPassword: undefined,
    challenges: [],
    issued: 0,
    passwords: [],
  };
  const vaultEnd = startVault(vaultPair.b, vault, cluster);
  const shell = channelOverFd({
    fd: shellPair.a,
    contract: shellEgress,
    side: 'a',
    handlers: { ...nothing, requests: { 'proxy-for': async () => ({ answer: (await options.proxyFor?.()) ?? '' }) } },
  });
  // The stand's own end goes nowhere where there is a real connector.
  const own = options.startConnector === undefined ? connectorPair : createSocketPair();
  options.startConnector?.(connectorPair.a);
  const connector = channelOverFd({ fd: own.a, contract: connectorEgress, side: 'a', handlers: nothing });
  const gateway = channelOverFd({
    fd: gatewayPair.a,
    contract: gatewayEgress,
    side: 'a',
    handlers: { ...nothing, notices: { record: (record) => void records.push(record) } },
  });
  const destination = {
    host: options.host ?? 'localhost',
    port: options.port ?? cluster.port,
    database: 'shop',
    issuer: { url: 'https://localhost:1/credentials', scope: 'issue:postgres' },
  };
  await vaultEnd.greeted;
  await shell.request('configure', {
    connector: 'postgres',
    authorities: [...(options.authorities ?? [cluster.authority])],
    proxy: options.proxy,
    pac: options.proxyFor !== undefined,
    destinations: options.destinations ?? { database: destination, other: destination },
  });

  return {
    child,
    ended,
    vault,
    shell,
    gateway,
    connector,
    vaultChannel: vaultEnd.channel,
    records,
    log: () => said,
    openTicket: async (terms = {}) => {
      const ticket = randomBytes(32).toString('base64url');
      const callId = randomUUID();
      await gateway.request('open-ticket', {
        ticket,
        callId,
        subject: terms.subject ?? 'alice',
        program: terms.program ?? 'a test',
        destinations: [...(terms.destinations ?? ['database'])],
        deadlineMs: terms.deadlineMs ?? 30_000,
        maxBytes: terms.maxBytes ?? 10_000_000,
      });
      return { ticket, callId };
    },
    client: (ticket, name = 'database') => {
      const stream = (): Duplex => asSocket(connector.open('connect', { ticket, destination: name }));
      const client = new pg.Client({ user: 'whoever', database: 'anything', stream });
      // pg reports the end of a cut connection here as well as at the query.
      client.on('error', () => undefined);
      return client;
    },
    stop: async () => {
      for (const channel of [shell, gateway, connector, vaultEnd.channel]) channel.close();
      await ended;
    },
  };
}

interface VaultEnd {
  readonly channel: Channel<(typeof egressVault)['b']>;
  readonly greeted: Promise<void>;
}

function startVault(fd: number, vault: FakeVault, cluster: Pick<Cluster, 'observe'>): VaultEnd {
  let publicKey = Buffer.alloc(0);
  let greet = (): void => undefined;
  const greeted = new Promise<void>((resolve) => (greet = resolve));
  const issue = async (): Promise<{ role: string; password: string; also?: string }> => {
    if (vault.fixed !== undefined) return vault.fixed;
    const password = randomBytes(32).toString('base64url');
    const role = vault.subject;
    const exists = await cluster.observe('SELECT FROM pg_roles WHERE rolname = $1', [role]);
    await cluster.observe(`${exists.length > 0 ? 'ALTER' : 'CREATE'} ROLE "${role}" LOGIN PASSWORD '${password}'`);
    return { role, password };
  };
  const sealed = (text: string): string => sealTo(publicKey, memory.seal(Buffer.from(text))).toString('base64');
  const channel = channelOverFd({
    fd,
    contract: egressVault,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        hello: async (params) => {
          publicKey = Buffer.from(params.publicKey, 'base64');
          greet();
          return {};
        },
        credential: async () => {
          if (vault.refuse !== undefined) throw new Fault(vault.refuse, 'refused by the test');
          vault.issued += 1;
          const { role, password, also } = await issue();
          vault.passwords.push(password);
          const expiresAt = Date.now() + vault.lifetimeMs;
          const alsoSealed = also === undefined ? {} : { alsoSealed: sealed(also) };
          return { subject: vault.subject, role, sealed: sealed(password), ...alsoSealed, expiresAt };
        },
        challenge: async ({ challenge }) => {
          vault.challenges.push(challenge);
          return { code: 'reauthentication_required' as const };
        },
        'proxy-password': async () =>
          vault.proxyPassword === undefined ? {} : { sealed: sealed(vault.proxyPassword) },
      },
      streams: {},
      onClose: () => undefined,
    },
  });
  return { channel, greeted };
}

/** A channel's stream as the socket that `pg` expects. */
export function asSocket(stream: ByteStream): Duplex {
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      stream.write(chunk).then(() => {
        done();
      }, done);
    },
    final: (done) => {
      stream.end();
      done();
    },
    destroy: (error, done) => {
      stream.reset('connector_failed');
      done(error);
    },
  });
  void (async () => {
    try {
      for await (const chunk of stream) socket.push(chunk);
      socket.push(null);
    } catch (error) {
      socket.destroy(error as Error);
    }
  })();
  return Object.assign(socket, {
    connect: () => queueMicrotask(() => socket.emit('connect')),
    setNoDelay: () => socket,
    setKeepAlive: () => socket,
    ref: () => socket,
    unref: () => socket,
  });
}
