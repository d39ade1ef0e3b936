/** What a poll for the provider's security events brought, checked: SETs (RFC 8417) of the Shared Signals Framework. */
import { z } from 'zod';

const text = (max: number) => z.string().max(max);

/** A validated one. */
const securityEventSchema = z.strictObject({
  jti: text(200),
  /** `other`: known or not, it ends nobody's access. */
  kind: z.enum(['session-revoked', 'account-disabled', 'other']),
  /** Null where it names nobody by issuer and subject. */
  person: z.strictObject({ issuer: text(512), subject: text(512) }).nullable(),
  /** When it happened, milliseconds since the epoch. */
  at: z.int().nonnegative(),
});
export type SecurityEvent = z.infer<typeof securityEventSchema>;

/** RFC 8936 §2.4: told to the transmitter with the next poll. */
export const refusedEventSchema = z.strictObject({
  jti: text(200),
  err: z.enum(['invalid_request', 'invalid_key', 'invalid_issuer', 'invalid_audience', 'authentication_failed']),
});
export type RefusedEvent = z.infer<typeof refusedEventSchema>;

export const polledSchema = z.strictObject({
  events: z.array(securityEventSchema).max(100),
  refused: z.array(refusedEventSchema.extend({ why: text(60) })).max(100),
  /** There are more to fetch at once. */
  more: z.boolean(),
});
export type Polled = z.infer<typeof polledSchema>;
