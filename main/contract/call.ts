/**
 * A call changes type as it goes: `ToolCall` → `ClearedCall` → `ReleasedResult`. The brands' symbols are not
 * exported, so only `clear` and `release`, which the pipeline's runner alone may import, make the next type:
 * skipping policy does not compile.
 */
import type { Principal } from './principal.ts';
import type { ToolManifest } from './manifest.ts';

/** The program on the other end of the socket: a label for people and policy, not authentication. */
export interface Caller {
  /** Tells programs apart for consent: one label and one executable, one key. */
  readonly key: string;
  readonly program: string;
  /** The path of what it runs, where the kernel tells. */
  readonly executable: string | null;
  readonly pid: number | null;
}

/** Read once at the door, deep-frozen: what was checked is what is sent. */
export interface ToolCall {
  readonly callId: string;
  readonly caller: Caller;
  /** As offered to agents: `<connector>_<tool>`. */
  readonly toolName: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignalLike;
}

/** What the contract needs of an AbortSignal (no ambient types here). */
export interface AbortSignalLike {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

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
}

/** Passed every outbound stage. The only thing a session may send. */
export interface ReleasedResult {
  readonly [released]: true;
  readonly value: Readonly<Record<string, unknown>>;
  /** The JSON text of `value`: what was measured is what is sent. */
  readonly text: string;
}

export function clear(parts: Omit<ClearedCall, typeof cleared>): ClearedCall {
  return Object.freeze({ ...parts }) as ClearedCall;
}

export function release(parts: Omit<ReleasedResult, typeof released>): ReleasedResult {
  return Object.freeze({ ...parts }) as ReleasedResult;
}
