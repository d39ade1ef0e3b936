/**
 * Guarantees: Authorization Code with PKCE S256, state and nonce (RFC 8252, RFC 7636, OpenID Connect Core §3.1) in the system
 * browser; verifier, nonce and loopback listener live in this process only; tokens are returned only beside claims from a
 * validated ID token.
 * Trusts: MSAL or openid-client for the protocol, the provider for who the person is.
 * Does not protect against: a browser that the same user's malware controls.
 */
import { randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { isSignInUrl } from './configured-issuer.ts';
import { discover, type DialOrigins, type Provider } from './discovery.ts';
import { identityProviderFor } from './provider-for.ts';
import { toPrincipal } from './principal.ts';
import { fetchKeys, validateIdToken, type ExpectedToken } from './validate-id-token.ts';

/** Plaintext: exists in an exchange process only, which ends right after. */
export interface ExchangedTokens {
  /** Absent when a refresh brought no ID token: the claims stay as they were. */
  readonly principal?: Principal;
  readonly audience: string;
  readonly accessToken: string;
  readonly accessTokenExpiresAt: number;
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

export interface SignInRequest {
  readonly identity: IdentityConfig;
  /** Ask for the password even where the browser has a session (`prompt=login`). */
  readonly forceLogin: boolean;
  /** What a service asked of this sign-in. */
  readonly challenge?: ClaimsChallenge | undefined;
  readonly openUrl: (url: string) => void;
}

export async function signIn(
  { identity, forceLogin, challenge, openUrl }: SignInRequest,
  dial: DialOrigins,
): Promise<ExchangedTokens & { principal: Principal }> {
  const provider = await discover(identity, dial);
  const nonce = randomBytes(32).toString('base64url');
  const client = await identityProviderFor(identity, provider);
  const { idToken, refreshToken, ...tokens } = await client.signIn({
    nonce,
    forceLogin,
    challenge,
    openUrl: (url) => {
      if (!isSignInUrl(identity, url))
        throw new Fault('destination_not_allowed', 'The sign-in page is not of the configured authority.');
      openUrl(url);
    },
  });
  if (idToken === undefined)
    throw new Fault('identity_unavailable', 'The identity provider gave no ID token. Add openid to identity.scopes.');
  if (refreshToken === undefined) {
    throw new Fault(
      'identity_unavailable',
      'The identity provider gave no refresh token. Allow offline_access for this client.',
    );
  }
  const claims = await validated(idToken, provider, { identity, nonce, maxAgeSeconds: challenge?.maxAgeSeconds });
  return {
    ...tokens,
    principal: toPrincipal(claims, tokens.scopes),
    audience: identity.clientId,
    refreshToken,
  };
}

export async function validated(
  idToken: string,
  provider: Provider,
  expected: Omit<ExpectedToken, 'issuer'>,
): Promise<JWTPayload> {
  return validateIdToken(idToken, await fetchKeys(provider), { ...expected, issuer: provider.issuer });
}
