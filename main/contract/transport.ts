/** What a channel needs of the runtime: the contract itself knows no socket, timer or text encoder. */
import type { Code } from './errors.ts';

/** What carries the bytes. */
export interface Transport {
  /** False: take no more stream data until `drained()`. Everything else is still sent. */
  send(bytes: Uint8Array): boolean;
  /** Bytes taken and not yet passed on. */
  backlogBytes(): number;
  /** Called once. Without a code: let what was sent pass, then end. With one: cut at once. */
  shut(code: Code | undefined): void;
}

export interface Timers {
  set(callback: () => void, delayMs: number): unknown;
  clear(timer: unknown): void;
}

/** UTF-8, both strict: `decode` throws on invalid bytes and keeps a byte order mark. */
export interface TextCodec {
  encode(text: string): Uint8Array;
  decode(bytes: Uint8Array): string;
}
