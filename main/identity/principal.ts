/** Validated claims → `Principal`. Names follow OpenID Connect Core 1.0 §5.1 and Entra's ID-token reference. */
import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { Fault } from '../contract/errors.ts';
import { principalSchema, type Principal } from '../contract/principal.ts';

const text = z.string().min(1).max(512);
const list = (max: number) => z.array(text).max(max).default([]);

const claimsSchema = z.object({
  iss: text,
  sub: text,
  iat: z.number(),
  exp: z.number().optional(),
  auth_time: z.number().optional(),
  tid: text.optional(),
  preferred_username: text.optional(),
  upn: text.optional(),
  name: text.optional(),
  email: text.optional(),
  groups: list(1000),
  roles: list(200),
  amr: list(50),
  // Entra's marks of groups that did not fit: where to ask for them, or only that there are some.
  _claim_names: z.record(z.string(), z.unknown()).optional(),
  hasgroups: z.unknown().optional(),
});

/** Throws `Fault` `identity_unavailable` when a claim has another shape than the standard's. */
export function toPrincipal(claims: JWTPayload, scopes: readonly string[]): Principal {
  const read = claimsSchema.safeParse(claims);
  if (!read.success) {
    const claim = String(read.error.issues[0]?.path[0] ?? 'sub');
    throw new Fault(
      'identity_unavailable',
      `The identity provider's claim ${claim} has an unexpected form. Ask its administrator.`,
    );
  }
  const { iss, sub, iat, exp, auth_time, tid, preferred_username, upn, name, email } = read.data;
  const { groups, roles, amr, _claim_names: elsewhere = {}, hasgroups = false } = read.data;
  // Roles that are somewhere else would be taken for none.
  if ('roles' in elsewhere)
    throw new Fault(
      'identity_unavailable',
      'The identity provider left roles out of the ID token. Ask its administrator.',
    );
  const username = preferred_username ?? upn ?? sub;
  return principalSchema.parse({
    subject: sub,
    issuer: iss,
    ...(tid === undefined ? {} : { tenant: tid }),
    username,
    displayName: name ?? username,
    ...(email === undefined ? {} : { email }),
    groups,
    ...('groups' in elsewhere || (hasgroups !== false && hasgroups !== 'false') ? { groupsOverage: true } : {}),
    roles,
    authenticationMethods: amr,
    authenticatedAt: Math.floor((auth_time ?? iat) * 1000),
    scopes: scopes.slice(0, 100),
    ...(exp === undefined ? {} : { expiresAt: Math.floor(exp * 1000) }),
  });
}
