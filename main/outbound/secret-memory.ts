import type { Secret } from '../contract/secret.ts';

/** What this room needs of guarded memory (main/secrets); the entry injects it. */
export interface SecretMemory {
  /** `fill` writes exactly `length` bytes into a locked block. */
  sealFrom(length: number, fill: (bytes: Buffer) => void): Secret;
}
