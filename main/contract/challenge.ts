/**
 * What a service asks of the next sign-in before it serves this person: Entra's claims challenge (`insufficient_claims`) or
 * RFC 9470's step-up (`insufficient_user_authentication`). No secret: it says how strong a sign-in must be.
 */
import { z } from 'zod';

export const claimsChallengeSchema = z.strictObject({
  /** The `claims` request parameter: JSON text (OpenID Connect Core §5.5). */
  claims: z.string().min(1).max(4096).optional(),
  acrValues: z
    .array(z.string().regex(/^[\x21-\x7e]{1,200}$/))
    .min(1)
    .max(20)
    .optional(),
  maxAgeSeconds: z.int().nonnegative().max(31_536_000).optional(),
});
export type ClaimsChallenge = z.infer<typeof claimsChallengeSchema>;

/** In place of a credential. */
export const challengedSchema = z.strictObject({ challenge: claimsChallengeSchema });
