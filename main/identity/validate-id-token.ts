/**
 * Guarantees: claims are returned only from an ID token that the configured provider signed (keys fetched by ourselves over
 * verified TLS), with an asymmetric algorithm, for this client, not expired, and at sign-in with the nonce of this sign-in
 * (OpenID Connect Core 1.0 §3.1.3.7). MSAL checks no signature; this does.
 * Trusts: the provider's key set, jose, the clock within 60 s.
 */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
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
const clockToleranceSeconds = 60;

const keySetSchema = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** What the token must say; `nonce` is absent at a refresh, which has none. */
export interface ExpectedToken {
  readonly identity: IdentityConfig;
  /** Of the discovery document. */
  readonly issuer: string;
  readonly nonce?: string;
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
  const { identity, nonce } = expected;
  const claims = await verify(idToken, keys, expected);
  if (typeof claims.iss !== 'string' || !isConfiguredIssuer(identity, claims.iss)) throw invalid('iss');
  if (nonce !== undefined && claims['nonce'] !== nonce) throw invalid('nonce');
  const { azp } = claims as { azp?: unknown };
  if (azp === undefined ? Array.isArray(claims.aud) && claims.aud.length > 1 : azp !== identity.clientId)
    throw invalid('azp');
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
      clockTolerance: clockToleranceSeconds,
      ...(nowMs === undefined ? {} : { currentDate: new Date(nowMs) }),
    });
    return verified.payload;
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
      throw invalid(error.claim);
    throw invalid(error instanceof errors.JOSEAlgNotAllowed ? 'alg' : 'signature');
  }
}

function invalid(what: string): Fault {
  return new Fault(
    'identity_unavailable',
    `The identity provider's ID token is not valid (${what}). Check identity.authority, identity.clientId and this machine's clock.`,
  );
}
