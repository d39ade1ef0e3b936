/** What the supervisor is given: channels, how processes are started, and whom it tells. */
import type { ChildProcess } from 'node:child_process';
import type { Channel, ChannelContract, ChannelHandlers } from '../contract/channel.ts';
import type { z } from 'zod';
import type { AuditRecord } from '../contract/audit.ts';
import type { HandOver } from '../contract/channels.ts';
import type { callReportSchema, ProgramSeen } from '../contract/shell-channels.ts';
import type { ProcessKind, Status } from '../contract/control.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import type { DefinitionDesk } from './definition-desk.ts';
import type { proxyQuestionSchema } from '../contract/exchange.ts';
import type { RegisteredConnector, Registry } from './registry.ts';
import type { ConnectorEnds } from './sandbox.ts';
import type { InterceptedDestination } from './wrapped/intercepted.ts';
import type { InterceptorEnds } from './wrapped/interceptor-process.ts';
import type { StartedServer } from './wrapped/server-process.ts';
import type { ServerEnds, ServerProgram } from './wrapped/server-program.ts';

/** The shell is side `a` of every control channel. */
export interface ShellEnd<C extends ChannelContract> {
  readonly fd: number;
  readonly contract: C;
  readonly side: 'a';
  readonly handlers: ChannelHandlers<C['b']>;
}

export interface Channels {
  createSocketPair(): { readonly a: number; readonly b: number };
  channelOverFd<C extends ChannelContract>(end: ShellEnd<C>): Channel<C['a']>;
  /** Sends an end to gateway or vault; this process's copy is closed in every case. */
  handOver(child: ChildProcess, message: HandOver, fd: number): Promise<void>;
}

export interface SandboxedConnector {
  readonly process: ChildProcess;
  /** What protects it, and what is weaker than it should be. */
  readonly degraded: Status['degraded'];
}

export interface SupervisorDeps {
  readonly channels: Channels;
  readonly registry: Registry;
  /** Runtime, flags and entry of each trusted process. */
  readonly commands: Readonly<Record<'gateway' | 'vault' | 'egress' | 'exchange', readonly string[]>>;
  /** Starts one connector in its sandbox with the ends it inherits. Throws `protection_missing`. */
  readonly startConnector: (connector: RegisteredConnector, ends: ConnectorEnds) => SandboxedConnector;
  /** Starts a wrapped server behind walls of its own. Throws `protection_missing` or `definition_changed`. */
  readonly startServer?: (connector: string, server: ServerProgram, ends: ServerEnds) => StartedServer;
  /** Starts the interceptor beside one that has destinations. Throws `protection_missing`. */
  readonly startInterceptor?: (
    destinations: readonly InterceptedDestination[],
    ends: InterceptorEnds,
  ) => SandboxedConnector;
  /** Runs the configured proxy script in a sandbox of its own. Rejects with a `Fault`. */
  readonly proxyFor: (question: z.output<typeof proxyQuestionSchema>) => Promise<string>;
  readonly version: string;
  readonly socketPath: string;
  readonly stateFolder: string;
  readonly consent: 'ask' | 'allow';
  readonly listener: SupervisorListener;
}

export interface SupervisorListener {
  /** A sign-in URL from the vault: unchecked. */
  readonly openUrl: (url: string) => void;
  /** Why the identity provider refused: for the window alone. */
  readonly providerSaid: (reason: string) => void;
  /** What happened to processes, for people and for the log. */
  readonly event: (event: SupervisorEvent) => void;
  readonly call: (report: z.output<typeof callReportSchema>) => void;
  /** A program that nobody was asked about. */
  readonly programUnknown: (program: ProgramSeen) => void;
  /** Calls that wait for the person. */
  readonly approvals: Pick<ApprovalDesk, 'ask' | 'over' | 'clear'>;
  /** What wrapped servers say of their tools. */
  readonly definitions: Pick<DefinitionDesk, 'answer'>;
  /** Agents, the person or a connector changed: whoever shows them asks for the status. */
  readonly changed: () => void;
  /** Nothing can be served any more: the shell ends. */
  readonly fatal: (say: string) => void;
}

export type SupervisorEvent =
  | {
      readonly event: 'process-ended';
      readonly kind: ProcessKind;
      readonly name?: string;
      readonly pid: number;
      readonly how: string;
    }
  | { readonly event: 'process-restarted'; readonly kind: ProcessKind; readonly name?: string; readonly pid: number }
  | { readonly event: 'connector-suspended'; readonly name: string; readonly why: string };

export type LifecycleRecord = Extract<AuditRecord, { event: 'lifecycle' }>;

export function lifecycle(what: LifecycleRecord['what'], subject: string, detail: string): LifecycleRecord {
  return { event: 'lifecycle', what, person: null, subject, detail: detail.slice(0, 300) };
}

/** More crashes than this do more harm than another start does good. */
export const crashLimit = { crashes: 3, withinMs: 10 * 60_000 };
/** Between a crash and the next start, so that a broken entry does not spin. */
export const restartPauseMs = 100;
/** Longest a process may take from its start to its first answer. */
export const startupTimeoutMs = 15_000;
/** Longest a process may take to finish what it writes before it is ended. */
export const stopTimeoutMs = 3_000;
