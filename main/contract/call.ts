/**
 * A call changes type as it goes: `ToolCall` → `ClearedCall` → `ReleasedResult`. The brands' symbols are not
 * exported, so only `clear` and `release`, which the pipeline's runner alone may import, make the next type:
 * skipping policy does not compile.
 */
import type { Refusal } from './errors.ts';
import type { Classification, ColumnLabel, LabelNode } from './labels.ts';
import type { Principal } from './principal.ts';
import type { ReferenceNote } from './table.ts';
import type { ProgramTraits } from './program-traits.ts';
import type { AskKind, Offer, ToolManifest } from './manifest.ts';

/** The program on the other end of the socket: a label for people and policy, not authentication. */
export interface Caller {
  /** Tells programs apart for consent: one label and the same traits, one key. */
  readonly key: string;
  readonly program: string;
  /** The path of what it runs, where the kernel tells. */
  readonly executable: string | null;
  readonly pid: number | null;
  /** What it runs, and what started it; absent where the kernel does not tell. */
  readonly traits?: ProgramTraits | undefined;
}

/** Read once at the door, deep-frozen: what was checked is what is sent. */
export interface ToolCall {
  readonly callId: string;
  readonly caller: Caller;
  /** As offered to agents: `<connector>_<tool>`. */
  readonly toolName: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** How it is asked for: a hidden tool is not found by `tools/call`. Absent: `tool`. */
  readonly offer?: CallOffer;
  /** What the client can be asked in the middle of the call. Absent: nothing. */
  readonly client?: readonly AskKind[];
  /** The call goes on where it asked: from its start, through every stage, with these. */
  readonly continued?: Continued;
  readonly listener?: CallListener;
  readonly signal: AbortSignalLike;
}

/** `reference`: rows of an earlier result of this tool are read, in place of calling it. */
export type CallOffer = Offer | 'reference';

export interface Continued {
  /** `Principal.subject` of the person for whom it asked. */
  readonly subject: string;
  readonly state: string | null;
  readonly answers: Readonly<Record<string, unknown>>;
}

/** For what a connector says while it works, and only to the program whose call it is. */
export interface CallListener {
  readonly progress?: (progress: Progress) => void;
  readonly message?: (message: LogMessage) => void;
}

export interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

export interface LogMessage {
  readonly level: string;
  readonly data: string;
}

/** What a connector asks of the client, by a key of its own; `params` as the MCP method of that kind takes them. */
export interface Asks {
  readonly requests: Readonly<
    Record<string, { readonly kind: AskKind; readonly params: Readonly<Record<string, unknown>> }>
  >;
  /** The connector's own, given back to it. */
  readonly state: string | null;
}

/** What the contract needs of an AbortSignal (no ambient types here). */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The most that may be released of a result: what policy says for the person and program, not what a field is. */
export type Exposure = Classification;

declare const cleared: unique symbol;
declare const released: unique symbol;

/** A connector's tool as the gateway offers it: the manifest, with its schemas compiled. Made by the registry. */
export interface OfferedTool {
  /** `<connector>_<tool>`. */
  readonly name: string;
  readonly connector: string;
  readonly manifest: ToolManifest;
  /** Null when they fit; else what is wrong and what is allowed, naming members, never values. */
  readonly checkArguments: (value: Readonly<Record<string, unknown>>) => string | null;
  readonly checkOutput: (value: unknown) => string | null;
  /** One row, where the result comes in rows; else nothing fits. */
  readonly checkRow: (row: unknown) => boolean;
  readonly labels: LabelNode;
  /** Of columns of a result in rows, by their source: from the configuration. */
  readonly columnLabels: ReadonlyMap<string, ColumnLabel>;
  /** Of a wrapped server's tool: what its structured data is, as approved. */
  readonly shownOutputSchema?: Readonly<Record<string, unknown>>;
  /** Not approved, or not any more: it is not listed, and its calls end so. */
  readonly pending?: Refusal;
  /** The most that all its destinations may be given: `public` where one says nothing, or there is none. */
  readonly receives: Classification;
}

/** Passed every inbound stage. The only thing `dispatch` takes. */
export interface ClearedCall {
  readonly [cleared]: true;
  readonly call: ToolCall;
  readonly connector: string;
  readonly tool: ToolManifest;
  readonly principal: Principal;
  /** The Cedar policy that permitted it. */
  readonly policy: string;
  /** What is labelled above it does not reach the caller as it is. */
  readonly exposure: Exposure;
  /** The person approved that all rows are returned, and policy lets them. */
  readonly full: boolean;
}

/** Passed every outbound stage. The only thing a session may send. */
export interface ReleasedResult {
  readonly [released]: true;
  readonly value: Readonly<Record<string, unknown>>;
  /** The JSON text of `value`: what was measured is what is sent. */
  readonly text: string;
  /** `whole`: it is the protocol's result itself (content blocks, a resource, a prompt, completions). */
  readonly shape: 'structured' | 'whole';
  /** To the rows that it does not hold. */
  readonly reference?: ReferenceNote;
}

export function clear(parts: Omit<ClearedCall, typeof cleared>): ClearedCall {
  return Object.freeze({ ...parts }) as ClearedCall;
}

export function release(parts: Omit<ReleasedResult, typeof released>): ReleasedResult {
  return Object.freeze({ ...parts }) as ReleasedResult;
}
