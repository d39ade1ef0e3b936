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
  auth_time: z.number().optional(),
  tid: text.optional(),
  preferred_username: text.optional(),
  name: text.optional(),
  email: text.optional(),
  groups: list(1000),
  roles: list(200),
  amr: list(50),
});

/** Throws `Fault` `identity_unavailable` when a claim has another shape than the standard's. */
export function toPrincipal(claims: JWTPayload): Principal {
  const read = claimsSchema.safeParse(claims);
  if (!read.success) {
    const claim = String(read.error.issues[0]?.path[0] ?? 'sub');
    throw new Fault(
      'identity_unavailable',
      `The identity provider's claim ${claim} has an unexpected form. Ask its administrator.`,
    );
  }
  const { iss, sub, iat, auth_time, tid, preferred_username, name, email, groups, roles, amr } = read.data;
  const username = preferred_username ?? sub;
  return principalSchema.parse({
    subject: sub,
    issuer: iss,
    ...(tid === undefined ? {} : { tenant: tid }),
    username,
    displayName: name ?? username,
    ...(email === undefined ? {} : { email }),
    groups,
    roles,
    authenticationMethods: amr,
    authenticatedAt: Math.floor((auth_time ?? iat) * 1000),
  });
}
