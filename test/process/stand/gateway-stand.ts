/**
 * A real gateway process on real channels. The test holds the other ends: shell, vault, and a connector with its egress
 * worker, whose behaviour each test chooses.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { channelOverFd } from '../../../main/channel/channel-over-socket.ts';
import { handOver } from '../../../main/channel/hand-over.ts';
import { closeFd, createSocketPair } from '../../../main/channel/socket-pair.ts';
import type { Approval, ApprovalAnswer } from '../../../main/contract/approval.ts';
import type { AuditRecord } from '../../../main/contract/audit.ts';
import type { ByteStream, Channel } from '../../../main/contract/channel.ts';
import {
  connectorEgress,
  gatewayConnector,
  gatewayEgress,
  gatewayVault,
  type CallHeader,
  type ConnectionRecord,
} from '../../../main/contract/channels.ts';
import { shellGateway, type ProgramSeen } from '../../../main/contract/shell-channels.ts';
import type { Quota } from '../../../main/contract/config.ts';
import type { DefinitionsAnswer, DefinitionsQuestion } from '../../../main/contract/definitions.ts';
import { Fault, type OutcomeCode } from '../../../main/contract/errors.ts';
import type { ConnectorManifest, ToolManifest } from '../../../main/contract/manifest.ts';
import type { Principal } from '../../../main/contract/principal.ts';

const root = path.resolve(import.meta.dirname, '../../..');

/** What the README of main/agent says this process runs with. */
const runtimeFlags = [
  '--disable-sigusr1',
  '--disable-proto=delete',
  '--max-semi-space-size=2',
  '--heap-growing-percent=15',
];

export const alice: Principal = {
  subject: 'alice-subject',
  issuer: 'https://localhost:1',
  username: 'alice',
  displayName: 'Alice',
  groups: [],
  roles: ['analyst'],
  authenticationMethods: ['pwd'],
  authenticatedAt: 1,
};
export const bob: Principal = {
  ...alice,
  subject: 'bob-subject',
  username: 'bob',
  displayName: 'Bob',
  roles: ['support'],
};

const tool = (name: string, more: Partial<ToolManifest> = {}): ToolManifest => ({
  name,
  title: name,
  description: `The tool ${name}.`,
  operation: 'read',
  classification: 'internal',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', maxLength: 4_000_000 }, count: { type: 'integer', minimum: 0, maximum: 10 } },
    required: ['text'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: { text: { type: 'string' }, rows: { type: 'array', items: { type: 'integer' } } },
    additionalProperties: false,
  },
  destinations: ['database'],
  limits: { timeoutMs: 10_000, maxBackendBytes: 1_000_000, maxResultBytes: 1_000_000, maxResultTokens: 10_000_000 },
  examples: [],
  ...more,
});

export const manifest: ConnectorManifest = {
  name: 'probe',
  version: '1.0.0',
  title: 'Probe',
  description: 'A connector whose other half is the test.',
  destinations: {
    database: { protocol: 'postgres', authentication: 'postgres-issuer', description: 'none', receives: 'internal' },
  },
  tools: [
    tool('echo'),
    tool('secret', { classification: 'sensitive' }),
    tool('write', { operation: 'write' }),
    tool('hasty', { limits: { timeoutMs: 200, maxBackendBytes: 2048, maxResultBytes: 2048 } }),
  ],
};

const policies = [
  {
    name: 'test.cedar',
    text: `@id("analysts-read") permit (principal, action, resource)
      when { principal.roles.contains("analyst") && resource.classification != "sensitive" };`,
  },
];

const anything = z.unknown();
/** The gateway's end keeps to its contract; this end's is as wide as a taken-over process is free. */
const hostileConnector = {
  ...gatewayConnector,
  b: { ...gatewayConnector.b, notices: { ...gatewayConnector.b.notices, log: anything, approve: anything } },
};
const hostileEgress = { ...gatewayEgress, b: { ...gatewayEgress.b, notices: { record: anything } } };
type HostileConnector = (typeof hostileConnector)['b'];
type HostileEgress = (typeof hostileEgress)['b'];

/** What the connector's half does with a call; the default echoes `text`. */
export type OnCall = (header: CallHeader, stream: ByteStream) => Promise<void>;

export async function answer(stream: ByteStream, result: unknown): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(result));
  for (let at = 0; at < bytes.length; at += 16_384) await stream.write(bytes.subarray(at, at + 16_384));
  stream.end();
}

export interface Behaviour {
  onCall: OnCall;
  refuseTicket: OutcomeCode | undefined;
  /** Beside this call's own id. */
  connections: Omit<ConnectionRecord, 'callId'>[];
  settings: unknown;
  readonly tickets: { ticket: string; callId: string; subject: string; open: boolean; cancelled?: OutcomeCode }[];
}

export interface GatewayStand {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly folder: string;
  readonly socketPath: string;
  readonly shell: Channel<(typeof shellGateway)['a']>;
  readonly vault: Channel<(typeof gatewayVault)['b']>;
  readonly behaviour: Behaviour;
  /** Programs that the gateway told the shell about. */
  readonly unknown: readonly ProgramSeen[];
  /** What the gateway asked the shell to show, and what it took back. */
  readonly approvals: readonly Approval[];
  readonly over: readonly string[];
  readonly log: () => string;
  /** Ends of the pair, as the gateway sees them lost. They send what they like, whatever the contract says. */
  readonly connector: Channel<HostileConnector>;
  readonly egress: Channel<HostileEgress>;
  attachPair(): Promise<void>;
  identify(principal: Principal | null, waiting?: readonly string[]): void;
  auditRecords(): AuditRecord[];
  stop(): Promise<void>;
}

/** No test of something else meets a limit. */
const wide: Quota = { callsPerMinute: 10_000_000, burst: 1_000_000, rowsPerHour: 1e10, bytesPerHour: 1e12 };

export interface StandOptions {
  readonly consent?: 'ask' | 'allow';
  readonly folder?: string;
  readonly policies?: readonly { name: string; text: string }[];
  readonly signedIn?: boolean;
  /** The person at the window; absent: there is none. */
  readonly approve?: (approval: Approval) => Promise<ApprovalAnswer>;
  readonly limits?: Partial<Record<'person' | 'tool', Partial<Quota>>>;
  /** Of the connector whose half is the test; it is called probe. */
  readonly manifest?: ConnectorManifest;
  /** What the shell says of a wrapped server's definitions. */
  readonly admit?: (question: DefinitionsQuestion) => DefinitionsAnswer;
  /** Another connector, as a process of its own: its ends are given to it. */
  readonly connector?: {
    readonly manifest: ConnectorManifest;
    readonly start: (ends: { readonly gateway: number; readonly egress: number }) => void;
  };
}

export const echo: OnCall = (header, stream) => answer(stream, { ok: true, value: { text: header.arguments['text'] } });

export async function startGateway(options: StandOptions = {}): Promise<GatewayStand> {
  const folder = options.folder ?? mkdtempSync(path.join(tmpdir(), 'sallyport-gateway-'));
  const socketPath = path.join(folder, 'run', 'mcp.sock');
  const [shellPair, vaultPair] = [createSocketPair(), createSocketPair()];
  const child = spawn(process.execPath, [...runtimeFlags, path.join(root, 'dist/main/gateway.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe', shellPair.b, vaultPair.a, 'ipc'],
    env: { LANG: 'C.UTF-8' },
  });
  for (const fd of [shellPair.b, vaultPair.a]) closeFd(fd);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };
  const unknown: ProgramSeen[] = [];
  const approvals: Approval[] = [];
  const over: string[] = [];
  const shell = channelOverFd({
    fd: shellPair.a,
    contract: shellGateway,
    side: 'a',
    handlers: {
      ...nothing,
      notices: {
        call: () => undefined,
        'program-unknown': (program) => void unknown.push(program),
        'agents-changed': () => undefined,
        'person-over': () => undefined,
        'approval-over': ({ id }) => void over.push(id),
      },
      requests: {
        approve: async (approval) => {
          approvals.push(approval);
          return { answer: await (options.approve?.(approval) ?? Promise.resolve('unavailable' as const)) };
        },
        definitions: (question) =>
          options.admit === undefined
            ? Promise.reject(new Fault('malformed', 'nothing is wrapped here'))
            : Promise.resolve(options.admit(question)),
      },
    },
  });
  const vault = channelOverFd({ fd: vaultPair.b, contract: gatewayVault, side: 'b', handlers: nothing });
  const behaviour: Behaviour = {
    onCall: echo,
    refuseTicket: undefined,
    connections: [],
    settings: undefined,
    tickets: [],
  };
  const attached = () =>
    options.connector ? attachReal(child, behaviour, options.connector) : attach(child, behaviour);
  let pair = await attached();
  await shell.request('configure', {
    version: '0.0.0',
    socketPath,
    stateFolder: folder,
    consent: options.consent ?? 'allow',
    connectors: [
      { manifest: options.connector?.manifest ?? options.manifest ?? manifest, settings: { some: 'setting' } },
    ],
    policies: [...(options.policies ?? policies)],
    limits: { person: { ...wide, ...options.limits?.person }, tool: { ...wide, ...options.limits?.tool } },
  });
  const identify = (principal: Principal | null, waiting: readonly string[] = []): void => {
    vault.notify('identity', { principal, validUntil: principal && Date.now() + 600_000, waiting: [...waiting] });
  };
  if (options.signedIn !== false) identify(alice);
  await shell.request('listen', {});
  // The vault's notice and the shell's requests come on different channels.
  if (options.signedIn !== false) await new Promise((resolve) => setTimeout(resolve, 20));

  return {
    child,
    ended,
    folder,
    socketPath,
    shell,
    vault,
    behaviour,
    unknown,
    approvals,
    over,
    log: () => said,
    get connector() {
      return pair.connector;
    },
    get egress() {
      return pair.egress;
    },
    attachPair: async () => {
      pair = await attached();
    },
    identify,
    auditRecords: () => readAudit(folder),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) await shell.request('stop', {}).catch(() => undefined);
      for (const channel of [shell, vault, pair.connector, pair.egress]) channel.close();
      await ended;
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The whole lines: one that is being written is not yet a record. */
export function readAudit(folder: string): AuditRecord[] {
  const audit = path.join(folder, 'audit');
  return readdirSync(audit)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(path.join(audit, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => (JSON.parse(line) as { record: AuditRecord }).record);
}

/** A connector in a process of its own; egress is still the test's. */
async function attachReal(
  child: ChildProcess,
  behaviour: Behaviour,
  { manifest: { name: connector }, start }: NonNullable<StandOptions['connector']>,
): ReturnType<typeof attach> {
  const [toGateway, toEgress, egressPair] = [createSocketPair(), createSocketPair(), createSocketPair()];
  const egress = channelOverFd({
    fd: egressPair.b,
    contract: hostileEgress,
    side: 'b',
    handlers: egressHandlers(behaviour),
  });
  channelOverFd({
    fd: toEgress.b,
    contract: connectorEgress,
    side: 'b',
    handlers: {
      notices: {},
      requests: {},
      streams: {
        connect: (_, stream) => stream.reset('destination_not_allowed'),
        request: (_, stream) => stream.reset('destination_not_allowed'),
      },
      onClose: () => undefined,
    },
  });
  start({ gateway: toGateway.b, egress: toEgress.a });
  await handOver(child, { channel: 'gateway-connector', connector }, toGateway.a);
  await handOver(child, { channel: 'gateway-egress', connector }, egressPair.a);
  // The stand has no hand in this one's words.
  return { connector: egress as never, egress };
}

async function attach(
  child: ChildProcess,
  behaviour: Behaviour,
): Promise<{
  connector: Channel<HostileConnector>;
  egress: Channel<HostileEgress>;
}> {
  const [connectorPair, egressPair] = [createSocketPair(), createSocketPair()];
  const connector = channelOverFd({
    fd: connectorPair.b,
    contract: hostileConnector,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        configure: ({ settings }) => {
          behaviour.settings = settings;
          return Promise.resolve({});
        },
      },
      streams: {
        call: (header, stream) => {
          behaviour.onCall(header, stream).catch(() => undefined);
        },
      },
      onClose: () => undefined,
    },
  });
  const egress = channelOverFd({
    fd: egressPair.b,
    contract: hostileEgress,
    side: 'b',
    handlers: egressHandlers(behaviour),
  });
  await handOver(child, { channel: 'gateway-connector', connector: manifest.name }, connectorPair.a);
  await handOver(child, { channel: 'gateway-egress', connector: manifest.name }, egressPair.a);
  return { connector, egress };
}

function egressHandlers(behaviour: Behaviour) {
  const find = (ticket: string) => {
    const found = behaviour.tickets.find((entry) => entry.ticket === ticket);
    if (found === undefined) throw new Fault('internal', 'no such ticket');
    return found;
  };
  return {
    notices: {
      'cancel-ticket': ({ ticket, code }: { ticket: string; code: OutcomeCode }) => {
        find(ticket).cancelled = code;
      },
    },
    requests: {
      'open-ticket': ({ ticket, callId, subject }: { ticket: string; callId: string; subject: string }) => {
        if (behaviour.refuseTicket !== undefined)
          return Promise.reject(new Fault(behaviour.refuseTicket, 'refused by the test'));
        behaviour.tickets.push({ ticket, callId, subject, open: true });
        return Promise.resolve({});
      },
      'close-ticket': ({ ticket }: { ticket: string }) => {
        const found = find(ticket);
        found.open = false;
        return Promise.resolve({
          connections: behaviour.connections.map((record) => ({ ...record, callId: found.callId })),
        });
      },
    },
    streams: {},
    onClose: () => undefined,
  };
}
