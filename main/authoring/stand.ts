/**
 * A gateway for one connector and for minutes: the real process with every stage, the connector in its real sandbox, and
 * an egress without network (`destination.ts`). Nobody is signed in: there is no vault and no credential; a made-up person
 * may call everything, of a connector that can reach nothing. Guarantees that all of it is gone afterwards.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { channelOverFd } from '../channel/channel-over-socket.ts';
import { handOver } from '../channel/hand-over.ts';
import { closeFd, createSocketPair } from '../channel/socket-pair.ts';
import { createSandbox } from '../connectors/sandbox.ts';
import type { Admission } from '../connectors/definitions/definitions.ts';
import type { ServerProgram } from '../connectors/wrapped/server-program.ts';
import { connectorEgress, gatewayEgress, gatewayVault } from '../contract/channels.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import { localeOf } from '../contract/environment.ts';
import { shellGateway } from '../contract/shell-channels.ts';
import { Fault } from '../contract/errors.ts';
import type { Classification } from '../contract/labels.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { hostExitReasons } from '../contract/connector-process.ts';
import type { Principal } from '../contract/principal.ts';
import type { Product } from '../product.ts';
import { trustedCommands } from '../trusted-commands.ts';
import { callTool, type Outcome } from './agent.ts';
import { createAuditTail, type Audited } from './audit-tail.ts';
import { createDestination, type Backends } from './destination.ts';
import {
  createRunDefinitions,
  startWrappedServer,
  type RunDefinitions,
  type WrappedServerProcess,
} from './wrapped-server.ts';

export interface StandOptions extends Backends {
  /** The connector's bundle, with its manifest.json beside it; of a wrapped server its manifest.json. */
  readonly entry: string;
  /** The server that is started, where the manifest wraps one. */
  readonly server?: ServerProgram;
  readonly product: Product;
  /** The walls that the machine's configuration demands. */
  readonly atLeast: DemandedLevel | undefined;
  readonly manifest: ConnectorManifest;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the made-up person sees as it is; all of it if absent. */
  readonly exposure?: Classification;
}

export interface Stand {
  call(tool: string, given: Readonly<Record<string, unknown>>): Promise<Outcome>;
  /** What the log says of the call that was made last. */
  audited(): Promise<Audited>;
  /** Every stage that the gateway has, in its order. */
  stages(): Promise<readonly string[]>;
  /** Of the gateway. */
  readonly isAlive: () => boolean;
  /** How the connector's process ended: a code or a signal. */
  readonly ended: Promise<string>;
  /** Of the wrapped server. */
  readonly wrapped?: {
    /** What it said first, and what was approved of it. */
    readonly admission: Admission;
    readonly newest: RunDefinitions['newest'];
    readonly level: string;
  };
  stop(): Promise<void>;
}

const person: Principal = {
  subject: 'acceptance',
  issuer: 'https://acceptance.invalid',
  username: 'acceptance',
  displayName: 'Acceptance suite',
  groups: [],
  roles: [],
  authenticationMethods: ['none'],
  authenticatedAt: 0,
};
export const approval = 'none';
const policiesFor = (exposure: Classification) => [
  {
    name: 'acceptance.cedar',
    text: `@id("acceptance") @exposure("${exposure}") @approval("${approval}") @flow("approve") permit (principal, action, resource);`,
  },
];
const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };
const signedInMs = 3_600_000;
const startMs = 15_000;
/** A cold interpreter reads its whole program first. */
const serverStartMs = 40_000;

/** @throws Fault saying why the connector or the gateway did not start */
export async function startStand(options: StandOptions): Promise<Stand> {
  const { product, manifest } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-acceptance-'));
  const socketFolder = path.join(folder, 'run');
  mkdirSync(socketFolder, { mode: 0o700 });
  const socketPath = path.join(socketFolder, 'mcp.sock');
  const { gateway: command } = trustedCommands({ product, socketFolder, stateFolder: folder });
  const definitions = options.server && createRunDefinitions(options.server);
  const gateway = startGateway(command, definitions);
  let connector: Sandboxed | undefined;
  const stop = async (): Promise<void> => {
    await connector?.stop();
    await gateway.shell.request('stop', {}, { timeoutMs: 3000 }).catch(() => undefined);
    gateway.kill();
    await gateway.ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    connector = await attachPair(gateway.child, options);
    await gateway.shell.request('configure', configuration(options, { socketPath, folder }), { timeoutMs: startMs });
    gateway.vault.notify('identity', { principal: person, validUntil: Date.now() + signedInMs, waiting: [] });
    const { ended, server } = connector;
    const start = async (): Promise<Stand['wrapped']> => {
      await gateway.shell.request('listen', {}, { timeoutMs: startMs });
      if (definitions === undefined || server === undefined) return undefined;
      const admission = await within(serverStartMs, definitions.first);
      // The gateway has taken the answer in once it has answered a second time.
      for (const _ of [1, 2]) await gateway.shell.request('status', {}, { timeoutMs: startMs });
      return { admission, newest: definitions.newest, level: server.level };
    };
    const refused = ended.then((how) => (server === undefined ? refuseStart(how) : refuseServer(how, server)));
    const wrapped = await Promise.race([start(), refused]);
    const audit = createAuditTail(path.join(folder, 'audit'));
    return {
      call: (tool, given) =>
        callTool(socketPath, manifest.unprefixed === true ? tool : `${manifest.name}_${tool}`, given),
      audited: () => audit.next(),
      stages: async () => {
        const { stages } = await gateway.shell.request('status', {}, { timeoutMs: startMs });
        return stages.map(({ stage }) => stage);
      },
      isAlive: () => gateway.child.exitCode === null && gateway.child.signalCode === null,
      ended,
      ...(wrapped && { wrapped }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const noLimit = { callsPerMinute: 1e9, burst: 1e9, rowsPerHour: 1e12, bytesPerHour: 1e12 };

function configuration(
  { manifest, settings, exposure = 'sensitive' }: StandOptions,
  { socketPath, folder }: { readonly socketPath: string; readonly folder: string },
) {
  return {
    version: '0.0.0',
    socketPath,
    stateFolder: folder,
    consent: 'allow' as const,
    connectors: [{ manifest, settings: { ...settings } }],
    policies: policiesFor(exposure),
    limits: { person: noLimit, tool: noLimit },
  };
}

function refuseStart(how: string): never {
  throw new Fault(
    'connector_failed',
    `the connector ended at its start (${how}): does it export "connector" with a handler for each tool?`,
  );
}

function refuseServer(how: string, { lastWords }: WrappedServerProcess): never {
  const [, code] = /^exit (\d+)$/.exec(how) ?? [];
  const words = lastWords();
  const why = hostExitReasons[Number(code)] ?? how;
  throw new Fault(
    'connector_failed',
    `the server ended at its start, or did not begin as MCP servers do (${why})${words === '' ? '' : `; it wrote: ${words}`}`,
  );
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `the server said nothing of its tools for ${timeoutMs / 1000} s`;
    timer = setTimeout(() => reject(new Fault('connector_failed', why)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function startGateway(
  [runtime = process.execPath, ...parameters]: readonly string[],
  definitions: RunDefinitions | undefined,
) {
  const [shellPair, vaultPair] = [createSocketPair(), createSocketPair()];
  const child = spawn(runtime, parameters, {
    stdio: ['ignore', 'ignore', 'ignore', shellPair.b, vaultPair.a, 'ipc'],
    env: localeOf(process.env),
    cwd: '/',
  });
  for (const fd of [shellPair.b, vaultPair.a]) closeFd(fd);
  const shell = channelOverFd<typeof shellGateway, 'a'>({
    fd: shellPair.a,
    contract: shellGateway,
    side: 'a',
    handlers: {
      ...nothing,
      notices: {
        call: () => undefined,
        'program-unknown': () => undefined,
        'agents-changed': () => undefined,
        'person-over': () => undefined,
        'approval-over': () => undefined,
      },
      requests: {
        approve: () => Promise.resolve({ answer: 'approve' }),
        definitions: (question) =>
          definitions === undefined
            ? Promise.reject(new Fault('not_permitted', 'there is no person here to approve its tools'))
            : new Promise((resolve) => resolve(definitions.answer(question))),
      },
    },
  });
  const vault = channelOverFd<typeof gatewayVault, 'b'>({
    fd: vaultPair.b,
    contract: gatewayVault,
    side: 'b',
    handlers: nothing,
  });
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  return { child, shell, vault, ended, kill: () => child.kill('SIGKILL') };
}

interface Sandboxed {
  readonly ended: Promise<string>;
  readonly server?: WrappedServerProcess;
  stop(): Promise<void>;
}

async function attachPair(gateway: ChildProcess, options: StandOptions): Promise<Sandboxed> {
  // First: where it cannot be started, nothing else was opened.
  const server = options.server && startWrappedServer(options.server, options);
  try {
    return await attachTo(gateway, options, server);
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

async function attachTo(
  gateway: ChildProcess,
  options: StandOptions,
  server: WrappedServerProcess | undefined,
): Promise<Sandboxed> {
  const { entry, manifest, product, atLeast } = options;
  const [toGateway, toEgress, egressPair] = [createSocketPair(), createSocketPair(), createSocketPair()];
  const destination = createDestination(manifest, options);
  const channels = [
    channelOverFd<typeof gatewayEgress, 'b'>({
      fd: egressPair.b,
      contract: gatewayEgress,
      side: 'b',
      handlers: destination.gateway,
    }),
    channelOverFd<typeof connectorEgress, 'b'>({
      fd: toEgress.b,
      contract: connectorEgress,
      side: 'b',
      handlers: destination.connector,
    }),
  ];
  const { connectorHost, wrapHost, runtime, launcher } = product;
  const start = createSandbox({ host: server ? wrapHost : connectorHost, runtime, launcher, atLeast });
  const inherited = { gateway: toGateway.b, egress: toEgress.a, ...(server && { server: server.ends }) };
  const { process: child } = start({ entry }, inherited);
  for (const fd of [toGateway.b, toEgress.a, ...(server?.ends ?? [])]) closeFd(fd);
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit ${code ?? 'unknown'}`);
    });
  });
  await handOver(gateway, { channel: 'gateway-egress', connector: manifest.name }, egressPair.a);
  await handOver(gateway, { channel: 'gateway-connector', connector: manifest.name }, toGateway.a);
  return {
    ended,
    ...(server && { server }),
    async stop() {
      child.kill('SIGKILL');
      await Promise.all([ended, server?.stop()]);
      for (const channel of channels) channel.close();
    },
  };
}
