/** A refresh: new access token, the same or a rotated refresh token, and claims as the provider sees them today. */
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { discover, type DialOrigins } from './discovery.ts';
import { createMsalClient } from './msal.ts';
import { toPrincipal } from './principal.ts';
import { validated, type ExchangedTokens } from './sign-in.ts';

export interface RefreshRequest {
  readonly identity: IdentityConfig;
  readonly scopes: readonly string[];
  readonly refreshToken: string;
}

/** Throws `Fault` `access_ended` when the provider says the grant is dead: every invalid_grant means "sign in again". */
export async function refresh(
  { identity, scopes, refreshToken }: RefreshRequest,
  dial: DialOrigins,
): Promise<ExchangedTokens> {
  const provider = await discover(identity, dial);
  const client = createMsalClient(identity, provider);
  const result = await client.application
    .acquireTokenByRefreshToken({ refreshToken, scopes: [...scopes], forceCache: true })
    .catch((error: unknown) => {
      throw client.asFault(error);
    });
  if (result === null)
    throw new Fault('identity_unavailable', 'The identity provider gave no access token. Try again.');
  const claims = result.idToken === '' ? undefined : await validated(result.idToken, provider, { identity });
  return {
    ...(claims === undefined ? {} : { principal: toPrincipal(claims) }),
    audience: identity.clientId,
    accessToken: result.accessToken,
    accessTokenExpiresAt: result.expiresOn?.getTime() ?? 0,
    refreshToken: client.refreshToken() ?? refreshToken,
    scopes: result.scopes,
  };
}
