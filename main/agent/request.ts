/** One message and where its answer goes. */
import type { RequestId } from './wire.ts';

export type Json = Readonly<Record<string, unknown>>;

/** With `initialize`, or each request alone (MCP 2026-07-28). */
export type Era = 'handshake' | 'stateless';

/** Called exactly once for each message: with its answer, or null when it gets none. */
export type Reply = (line: string | null) => void;

/** Where the answer to one message goes, and what belongs to it: lines share one stream, over HTTP each has its own. */
export interface Sink {
  readonly reply: Reply;
  readonly notify: (line: string) => void;
}

export interface Request extends Sink {
  readonly id: RequestId;
  readonly params: Json;
  readonly era: Era;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
