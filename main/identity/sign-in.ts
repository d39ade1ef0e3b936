/**
 * Guarantees: Authorization Code with PKCE S256, state and nonce (RFC 8252, RFC 7636, OpenID Connect Core §3.1) in the system
 * browser; verifier, nonce and loopback listener live in this process only; tokens are returned only beside claims from a
 * validated ID token.
 * Trusts: MSAL for the protocol, the provider for who the person is.
 * Does not protect against: a browser that the same user's malware controls.
 */
import { randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { isSignInUrl } from './configured-issuer.ts';
import { discover, type DialOrigins, type Provider } from './discovery.ts';
import { createMsalClient } from './msal.ts';
import { toPrincipal } from './principal.ts';
import { fetchKeys, validateIdToken } from './validate-id-token.ts';

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
  readonly openUrl: (url: string) => void;
}

export async function signIn(
  { identity, forceLogin, openUrl }: SignInRequest,
  dial: DialOrigins,
): Promise<ExchangedTokens & { principal: Principal }> {
  const provider = await discover(identity, dial);
  const client = createMsalClient(identity, provider);
  const nonce = randomBytes(32).toString('base64url');
  const result = await client.application
    .acquireTokenInteractive({
      scopes: [...identity.scopes],
      nonce,
      ...(forceLogin ? { prompt: 'login' } : {}),
      successTemplate: page('You are signed in', 'Sallyport has what it needs. You can close this window.'),
      errorTemplate: page('Sign-in was refused', 'The identity provider did not accept it. You can close this window.'),
      openBrowser: (url) => {
        if (!isSignInUrl(identity, url))
          return Promise.reject(
            new Fault('destination_not_allowed', 'The sign-in page is not of the configured authority.'),
          );
        openUrl(url);
        return Promise.resolve();
      },
    })
    .catch((error: unknown) => {
      throw client.asFault(error);
    });
  const refreshToken = client.refreshToken();
  if (refreshToken === undefined) {
    throw new Fault(
      'identity_unavailable',
      'The identity provider gave no refresh token. Allow offline_access for this client.',
    );
  }
  const claims = await validated(result.idToken, provider, { identity, nonce });
  return {
    principal: toPrincipal(claims),
    audience: identity.clientId,
    accessToken: result.accessToken,
    accessTokenExpiresAt: result.expiresOn?.getTime() ?? 0,
    refreshToken,
    scopes: result.scopes,
  };
}

export async function validated(
  idToken: string,
  provider: Provider,
  expected: { identity: IdentityConfig; nonce?: string },
): Promise<JWTPayload> {
  return validateIdToken(idToken, await fetchKeys(provider), { ...expected, issuer: provider.issuer });
}

function page(title: string, text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font:16px system-ui;margin:4rem"><h1>${title}</h1><p>${text}</p></body></html>`;
}
