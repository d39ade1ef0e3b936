/**
 * The person, as far as anything outside vault and exchange may know: validated claims, no tokens.
 * Claim names follow OpenID Connect Core 1.0 §5.1 and Entra's ID-token reference.
 */
import { z } from 'zod';

const claim = z.string().min(1).max(512);

export const principalSchema = z.strictObject({
  /** `sub`: unique within the issuer; the key of everything that belongs to a person. */
  subject: claim,
  /** `iss` as validated against the configured authority. */
  issuer: claim,
  /** `tid` where the provider has tenants. */
  tenant: claim.optional(),
  /** `preferred_username`, else `upn`, else `sub`: a label for people, never a key. */
  username: claim,
  displayName: claim,
  email: claim.optional(),
  groups: z.array(claim).max(1000),
  /** The provider left groups out, since there are too many: no policy may permit by what `groups` does not hold. */
  groupsOverage: z.literal(true).optional(),
  roles: z.array(claim).max(200),
  /** `amr` (RFC 8176): how the person authenticated. */
  authenticationMethods: z.array(claim).max(50),
  /** `auth_time`, milliseconds since the epoch. */
  authenticatedAt: z.int().nonnegative(),
  /** Granted with the sign-in. */
  scopes: z.array(claim).max(100).optional(),
  /** `exp` of the claims, milliseconds since the epoch; the vault renews them before access depends on it. */
  expiresAt: z.int().nonnegative().optional(),
});

export type Principal = z.infer<typeof principalSchema>;
