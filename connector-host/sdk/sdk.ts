/** All that a connector author sees. There is no credential here: a stream arrives already signed in. */
import type { Duplex } from 'node:stream';

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
  /** The JSON of the returned value must fit. */
  readonly maxResultBytes: number;
  readonly log: Log;
  /** Bytes to and from a destination of the manifest. Fails with a `ConnectorRefusal` when it is refused or cut. */
  connect(destination: string): Duplex;
}

/** Returns a value of the tool's output schema. Whatever it throws, but a refusal, ends as `connector_failed`. */
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
