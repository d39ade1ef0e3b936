/** What a connector is made of: the call that a handler gets, and the handlers by their tools. */
import type { Duplex } from 'node:stream';
import type { Questions } from './ask.ts';
import type { FetchRequest, FetchResponse } from './http.ts';
import type { Line } from './line.ts';
import type { AnyTool, ManifestTypes, ToolTypes } from './manifest-types.ts';
import type { RowsResult } from './rows.ts';

/** RFC 5424 severities, the least severe first. */
export type LogLevel = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical' | 'alert' | 'emergency';

/** For people who run Sallyport. Bounded and kept: never an argument or a row, which is why it takes a `line` alone. */
export interface ConnectorLog {
  info(message: Line): void;
  warn(message: Line): void;
  error(message: Line): void;
}

/** What the host writes to: any text, cut and cleaned where it is read. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface Call<T extends ToolTypes = AnyTool> {
  /** Also reaches the backend's log, where it has one. */
  readonly callId: string;
  /** Checked against the tool's input schema before they get here. */
  readonly arguments: T['arguments'];
  /** Aborts when the caller cancels or the deadline passes. Every stream of the call ends with it. */
  readonly signal: AbortSignal;
  /** Time left for the whole call when it began. */
  readonly deadlineMs: number;
  /** The JSON of the returned value must fit; of one row, where it returns rows. */
  readonly maxResultBytes: number;
  readonly log: ConnectorLog;
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
  /** Bytes to and from a destination of the manifest, signed in as the person. Fails with a `ConnectorRefusal` when it is refused or cut. */
  connect(destination: T['destinations']): Duplex;
  /** One request to an HTTPS destination of the manifest, signed in as the person. Rejects with a `ConnectorRefusal` when it is refused or cut. */
  fetch(destination: HttpsOf<T>, request: FetchRequest): Promise<FetchResponse>;
}

type HttpsOf<T extends ToolTypes> = T extends { readonly https: infer Names extends string } ? Names : never;

/** Returns a value of the tool's output schema, or with `"result": "rows"` what `rows` makes. Whatever it throws, but a refusal, ends as `connector_failed`. */
export type ToolOf<T extends ToolTypes> = (
  call: Call<T>,
) => Promise<T extends { readonly rows: true } ? RowsResult : T['result']>;

/** A tool whose manifest's types are not known. */
export type Tool = ToolOf<AnyTool>;

export interface ConnectorOf<M extends ManifestTypes> {
  /** Called once before the first call, with the connector's `settings`. Refuse what cannot be used. */
  readonly configure?: (settings: Readonly<Record<string, unknown>>) => void | Promise<void>;
  /** By the names in the manifest: each of them, and no other. */
  readonly tools: { readonly [K in keyof M['tools']]: ToolOf<M['tools'][K]> };
}

export type Connector = ConnectorOf<{
  readonly destinations: ManifestTypes['destinations'];
  readonly tools: Readonly<Record<string, AnyTool>>;
}>;

/**
 * `export const connector = defineConnector<Manifest>({ tools: { … } })` is all of a connector's entry file, with
 * `Manifest` of the `manifest.types.ts` beside it. Without it, nothing is known of arguments and results.
 */
export function defineConnector(connector: Connector): Connector;
export function defineConnector<M extends ManifestTypes>(connector: ConnectorOf<M>): Connector;
export function defineConnector(connector: object): Connector {
  return connector as Connector;
}

/** A handler in a file of its own: `export const list = defineTool<Manifest, 'list'>(async (call) => …)`. */
export function defineTool<M extends ManifestTypes, K extends keyof M['tools']>(
  run: ToolOf<M['tools'][K]>,
): ToolOf<M['tools'][K]> {
  return run;
}
