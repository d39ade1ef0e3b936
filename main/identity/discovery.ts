/** What the provider says of itself, fetched over verified TLS and checked before anything else is believed. */
import { z } from 'zod';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { discoveryUrl, isConfiguredIssuer, isSignInUrl } from './configured-issuer.ts';

export interface HttpsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
export type SendHttps = (request: HttpsRequest) => Promise<HttpsAnswer>;
/** Makes a client for these origins and no others. */
export type DialOrigins = (origins: readonly string[]) => SendHttps;

const httpsUrl = z.url({ protocol: /^https$/ });
/** OpenID Provider Metadata, Discovery 1.0 §3; members that we do not use pass. */
const metadataSchema = z.looseObject({
  issuer: z.string().max(2000),
  authorization_endpoint: httpsUrl,
  token_endpoint: httpsUrl,
  jwks_uri: httpsUrl,
});

export interface Provider {
  /** As published; for Entra's shared endpoints with `{tenantid}` in it. */
  readonly issuer: string;
  readonly jwksUri: string;
  /** The document itself, so that nobody asks twice. */
  readonly metadata: string;
  /** Reaches the authority's origin and those its document names, no others. */
  readonly send: SendHttps;
}

/** Throws `Fault`: the dialler's, `identity_unavailable` (no usable answer), `destination_not_allowed` (foreign issuer). */
export async function discover(identity: IdentityConfig, dial: DialOrigins): Promise<Provider> {
  const authorityOrigin = new URL(identity.authority).origin;
  const answer = await dial([authorityOrigin])({
    method: 'GET',
    url: discoveryUrl(identity),
    headers: { accept: 'application/json' },
  });
  const found = answer.status === 200 ? metadataSchema.safeParse(parseJson(answer.body)) : undefined;
  if (found?.success !== true) {
    throw new Fault(
      'identity_unavailable',
      `${discoveryUrl(identity)} does not describe an identity provider. Check identity.authority and identity.kind.`,
    );
  }
  const metadata = found.data;
  // Entra's shared endpoints publish a template; each ID token's own issuer is checked when it is validated.
  const issuer = metadata.issuer.replace('{tenantid}', '00000000-0000-0000-0000-000000000000');
  if (!isConfiguredIssuer(identity, issuer) || !isSignInUrl(identity, metadata.authorization_endpoint)) {
    throw new Fault(
      'destination_not_allowed',
      'The identity provider names another issuer or sign-in page than identity.authority. Correct identity.authority.',
    );
  }
  const origins = [authorityOrigin, new URL(metadata.token_endpoint).origin, new URL(metadata.jwks_uri).origin];
  return { issuer: metadata.issuer, jwksUri: metadata.jwks_uri, metadata: answer.body, send: dial(origins) };
}

/** Undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
