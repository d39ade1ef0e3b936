/**
 * `requestState` of MCP 2026-07-28: what a call that asked needs to go on, kept by the client. Guarantees: nobody reads or
 * alters it, and it opens only for the same program, tool and arguments, within ten minutes, in this run (AES-256-GCM
 * under a key of this process; NIST SP 800-38D). It may be shown twice: then the call goes on twice, through every stage.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { askKindSchema } from '../contract/manifest.ts';

const stateSchema = z.strictObject({
  subject: z.string(),
  state: z.string().nullable(),
  /** How often the call asked, this time too. */
  rounds: z.int().positive(),
  requests: z.record(z.string(), z.strictObject({ kind: askKindSchema, params: z.record(z.string(), z.unknown()) })),
  expiresAtMs: z.number(),
});
export type RequestState = Omit<z.infer<typeof stateSchema>, 'expiresAtMs'>;

/** Which call it belongs to. */
export interface StateOwner {
  readonly key: string;
  readonly toolName: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface RequestStates {
  seal(owner: StateOwner, state: RequestState): string;
  /** Null: not one of ours, another call's, altered, or too old. */
  open(owner: StateOwner, sealed: string): RequestState | null;
}

const algorithm = 'aes-256-gcm';
const lifetimeMs = 10 * 60_000;
const nonceBytes = 12;
const tagBytes = 16;
const maxSealed = 256 * 1024;

export function createRequestStates(epochMs: () => number): RequestStates {
  const key = randomBytes(32);
  const bound = (owner: StateOwner): Buffer =>
    createHash('sha256')
      .update(JSON.stringify([owner.key, owner.toolName, owner.arguments]))
      .digest();
  return {
    seal(owner, state) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(bound(owner));
      const text = JSON.stringify({ ...state, expiresAtMs: epochMs() + lifetimeMs });
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return sealed.toString('base64url');
    },
    open(owner, sealed) {
      if (sealed.length > maxSealed || !/^[\w-]+$/.test(sealed)) return null;
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== sealed) return null;
      try {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes)).setAAD(bound(owner));
        decipher.setAuthTag(bytes.subarray(-tagBytes));
        const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
        const { expiresAtMs, ...state } = stateSchema.parse(JSON.parse(text.toString('utf8')));
        return expiresAtMs < epochMs() ? null : state;
      } catch {
        return null;
      }
    },
  };
}
