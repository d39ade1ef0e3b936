/**
 * Guarantees: claims are returned only from an ID token that the configured provider signed (keys fetched by ourselves over
 * verified TLS), with an asymmetric algorithm, for this client, not expired, and at sign-in with the nonce of this sign-in
 * (OpenID Connect Core 1.0 §3.1.3.7). MSAL checks no signature; this does.
 * Trusts: the provider's key set, jose, this machine's clock within `clockSkewMs`.
 */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { clockSkewMs, clockWords } from './clock.ts';
import { isConfiguredIssuer } from './configured-issuer.ts';
import { parseJson, type Provider } from './discovery.ts';

/** Asymmetric only: with HS256 whoever knows the public client could sign; `none` signs nothing. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** What the token must say; `nonce` is absent at a refresh, which has none. */
export interface ExpectedToken {
  readonly identity: IdentityConfig;
  /** Of the discovery document. */
  readonly issuer: string;
  readonly nonce?: string;
  /** How long ago the person may have authenticated, where a service asked for that. */
  readonly maxAgeSeconds?: number | undefined;
  /** Milliseconds since the epoch; default: now. */
  readonly nowMs?: number;
}

export async function fetchKeys({ send, jwksUri }: Provider): Promise<JSONWebKeySet> {
  const answer = await send({ method: 'GET', url: jwksUri, headers: { accept: 'application/json' } });
  const keys = answer.status === 200 ? keySetSchema.safeParse(parseJson(answer.body)) : undefined;
  if (keys?.success !== true)
    throw new Fault('identity_unavailable', 'The identity provider publishes no usable signing keys. Try again later.');
  return keys.data;
}

/** Throws `Fault` `identity_unavailable`, saying which check failed. */
export async function validateIdToken(
  idToken: string,
  keys: JSONWebKeySet,
  expected: ExpectedToken,
): Promise<JWTPayload> {
  const { identity, nonce, maxAgeSeconds = Infinity, nowMs = Date.now() } = expected;
  const claims = await verify(idToken, keys, expected);
  if (typeof claims.iss !== 'string' || !isConfiguredIssuer(identity, claims.iss)) throw invalidToken('iss');
  // What policies decide by is the tenant that signed.
  if (identity.kind === 'entra' && !claims.iss.endsWith(`/${String(claims['tid'])}/v2.0`)) throw invalidToken('tid');
  if (nonce !== undefined && claims['nonce'] !== nonce) throw invalidToken('nonce');
  // It was made just now: from the future, one of the clocks is wrong.
  const issuedAtMs = (claims.iat ?? 0) * 1000;
  if (issuedAtMs > nowMs + clockSkewMs) throw wrongClock('iat', issuedAtMs, nowMs);
  const authenticatedAt = Number(claims['auth_time'] ?? (maxAgeSeconds === Infinity ? 0 : NaN));
  if (!(nowMs - authenticatedAt * 1000 <= maxAgeSeconds * 1000 + clockSkewMs)) throw invalidToken('auth_time');
  const { azp } = claims as { azp?: unknown };
  if (azp === undefined ? Array.isArray(claims.aud) && claims.aud.length > 1 : azp !== identity.clientId)
    throw invalidToken('azp');
  return claims;
}

async function verify(
  idToken: string,
  keys: JSONWebKeySet,
  { identity, issuer, nowMs }: ExpectedToken,
): Promise<JWTPayload> {
  try {
    const verified = await jwtVerify(idToken, createLocalJWKSet(keys), {
      algorithms,
      audience: identity.clientId,
      ...(issuer.includes('{tenantid}') ? {} : { issuer }),
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
      clockTolerance: clockSkewMs / 1000,
      ...(nowMs === undefined ? {} : { currentDate: new Date(nowMs) }),
    });
    return verified.payload;
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
      const { claim, payload } = error;
      const at = claim === 'exp' || claim === 'nbf' ? payload[claim] : undefined;
      throw at === undefined ? invalidToken(claim) : wrongClock(claim, at * 1000, nowMs ?? Date.now());
    }
    throw invalidToken(error instanceof errors.JOSEAlgNotAllowed ? 'alg' : 'signature');
  }
}

/** A token that was made just now and is expired, or not valid yet, tells of a wrong clock. */
export function wrongClock(what: string, tokenMs: number, nowMs: number): Fault {
  const words = Number.isSafeInteger(tokenMs) && Math.abs(tokenMs) < 8.64e15 ? clockWords(tokenMs, nowMs) : '';
  return new Fault('identity_unavailable', `The identity provider's ID token is not valid (${what}). ${words}`.trim());
}

export function invalidToken(what: string): Fault {
  return new Fault(
    'identity_unavailable',
    `The identity provider's ID token is not valid (${what}). Check identity.authority, identity.clientId and this machine's clock.`,
  );
}
