/** A refresh: new access token, the same or a rotated refresh token, and claims as the provider sees them today. */
import type { ClaimsChallenge } from '../contract/challenge.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { discover, type DialOrigins } from './discovery.ts';
import { identityProviderFor } from './provider-for.ts';
import { toPrincipal } from './principal.ts';
import { validated, type ExchangedTokens } from './sign-in.ts';

export interface RefreshRequest {
  readonly identity: IdentityConfig;
  readonly scopes: readonly string[];
  readonly refreshToken: string;
}

/** A challenge is an answer, no fault. Throws `Fault` `access_ended` when the provider says the grant is dead: every invalid_grant means "sign in again". */
export async function refresh(
  { identity, scopes, refreshToken }: RefreshRequest,
  dial: DialOrigins,
): Promise<ExchangedTokens | { readonly challenge: ClaimsChallenge }> {
  const provider = await discover(identity, dial);
  const client = await identityProviderFor(identity, provider);
  const renewed = await client.refresh({ refreshToken, scopes });
  if ('challenge' in renewed) return { challenge: renewed.challenge };
  const { idToken, refreshToken: rotated, ...tokens } = renewed;
  const claims = idToken === undefined ? undefined : await validated(idToken, provider, { identity });
  return {
    ...tokens,
    ...(claims === undefined ? {} : { principal: toPrincipal(claims, tokens.scopes) }),
    audience: identity.clientId,
    refreshToken: rotated ?? refreshToken,
  };
}
