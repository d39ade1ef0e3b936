/**
 * The provider's token exchange (RFC 8693): a person's access token for one that an API takes. Guarantees: only for a token of
 * this provider, client and audience that is not expired, of somebody enabled, and not issued before their sessions were
 * revoked; for the one API and the scopes that it has; at most five minutes; no refresh token.
 */
import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import { apiAudience, apiScope, apiWriteScope, clientId, issuerAudience } from './contract.ts';
import type { People } from './people.ts';
import { signingAlgorithm, type SigningKey } from './signing-key.ts';

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const lifeSeconds = 300;

interface Parameters {
  readonly subject_token?: string;
  readonly subject_token_type?: string;
  readonly requested_token_type?: string;
  readonly audience?: string;
  readonly resource?: string;
  readonly scope?: string;
}
export const exchangeParameters = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'audience',
  'resource',
  'scope',
] as const satisfies readonly (keyof Parameters)[];

export interface ExchangeParts {
  readonly url: string;
  readonly people: People;
  readonly key: SigningKey;
}

export function createTokenExchange({ url, people, key }: ExchangeParts) {
  return async (ctx: TokenEndpointGrantContext<Parameters>): Promise<void> => {
    const asked: Parameters = ctx.oidc.params;
    const { subject_token: token = '', requested_token_type: wanted = accessTokenType } = asked;
    if (asked.subject_token_type !== accessTokenType || wanted !== accessTokenType)
      throw new errors.InvalidRequest('only access tokens are exchanged, for access tokens');
    if (asked.audience !== apiAudience || asked.resource !== undefined)
      throw new errors.InvalidTarget(`the audience here is ${apiAudience}`);
    const { scope = apiScope } = asked;
    if (!scope.split(' ').every((one) => [apiScope, apiWriteScope].includes(one)))
      throw new errors.InvalidScope(`the scopes here are ${apiScope} and ${apiWriteScope}`, scope);
    const expected = { issuer: url, audience: issuerAudience, algorithms: [signingAlgorithm], typ: 'at+jwt' };
    const { payload } = await jwtVerify(token, key.publicKey, expected).catch(() => {
      throw new errors.InvalidGrant('the subject token is not valid');
    });
    const account = people.enabled(payload.sub ?? '', payload.iat ?? 0);
    if (account === undefined || payload['client_id'] !== clientId)
      throw new errors.InvalidGrant('the subject token is not valid any more');
    const { subject, name, roles } = account;
    const accessToken = await new SignJWT({ client_id: clientId, scope, preferred_username: name, roles })
      .setProtectedHeader({ alg: signingAlgorithm, kid: key.jwk.kid, typ: 'at+jwt' })
      .setIssuer(url)
      .setSubject(subject)
      .setAudience(apiAudience)
      .setIssuedAt()
      .setExpirationTime(`${String(lifeSeconds)}s`)
      .setJti(randomUUID())
      .sign(key.privateKey);
    ctx.body = {
      access_token: accessToken,
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: lifeSeconds,
      scope,
    };
  };
}
