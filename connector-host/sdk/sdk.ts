/** All that a connector author sees. There is no credential here: a stream arrives already signed in. */
import type { Duplex } from 'node:stream';
import type { LogLevel } from '../../main/contract/channels.ts';
import type { Questions } from './ask.ts';

export { ask, type Questions } from './ask.ts';
export { rows, type RowsResult } from './rows.ts';
export { ConnectorRefusal, isConnectorRefusal, refuse, type ConnectorCode } from './refusal.ts';

/** For people who run Sallyport. Bounded and kept: never log an argument or a row. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface Call {
  /** Also reaches the backend's log, where it has one. */
  readonly callId: string;
  /** Checked against the tool's input schema before they get here. */
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Aborts when the caller cancels or the deadline passes. Every stream of the call ends with it. */
  readonly signal: AbortSignal;
  /** Time left for the whole call when it began. */
  readonly deadlineMs: number;
  /** The JSON of the returned value must fit; of one row, where it returns rows. */
  readonly maxResultBytes: number;
  readonly log: Log;
  /** What the client of this call can be asked with `ask`. */
  readonly client: readonly Questions[string]['kind'][];
  /** After `ask`: the answers by its keys, and the state that it was given. Both are an agent's word. */
  readonly answers: Readonly<Record<string, unknown>>;
  readonly state: string | undefined;
  /** For the program, where it wants to know: how far the call is. Grows; of `total`, where that is known. */
  progress(done: number, total?: number, message?: string): void;
  /** For the program, where it wants to know (RFC 5424 severities). Never an argument or a row. */
  message(level: LogLevel, data: string): void;
  /** For programs that subscribed: a resource of this connector is different. */
  resourceUpdated(uri: string): void;
  /** Bytes to and from a destination of the manifest. Fails with a `ConnectorRefusal` when it is refused or cut. */
  connect(destination: string): Duplex;
}

/** Returns a value of the tool's output schema, or with `"result": "rows"` what `rows` makes. Whatever it throws, but a refusal, ends as `connector_failed`. */
export type Tool = (call: Call) => Promise<unknown>;

export interface Connector {
  /** Called once before the first call, with the connector's `settings`. Refuse what cannot be used. */
  readonly configure?: (settings: Readonly<Record<string, unknown>>) => void | Promise<void>;
  /** By the names in the manifest. */
  readonly tools: Readonly<Record<string, Tool>>;
}

/** `export const connector = defineConnector({ tools: { … } })` is all of a connector's entry file. */
export function defineConnector(connector: Connector): Connector {
  return connector;
}
