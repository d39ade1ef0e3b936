/** Validates a person's access token (RFC 9068 §4, RFC 6750 §3) against the provider's published keys. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { issuerAudience, issuerScope } from './contract.ts';
import { Refused } from './issuer-refused.ts';

const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  preferred_username: z.string().min(1).max(200),
  roles: z.array(z.string().max(64)).max(50),
  region: z.string().max(64),
  scope: z.string().max(1000),
});

/** Whom a login is for, as the provider says. */
export interface TokenPerson {
  readonly subject: string;
  readonly username: string;
  readonly roles: readonly string[];
  readonly region: string;
}

export type TokenCheck = (authorization: string | undefined) => Promise<TokenPerson>;

const challenge = (error?: string) => ({
  'www-authenticate': `Bearer realm="sallyport-lab"${error === undefined ? '' : `, error="${error}"`}, scope="${issuerScope}"`,
});

const invalid = (say: string) =>
  new Refused({ status: 401, code: 'invalid_token', say, headers: challenge('invalid_token') });

export function createTokenCheck(provider: string): TokenCheck {
  const keys = createRemoteJWKSet(new URL('/jwks', provider), { timeoutDuration: 5_000 });
  const expected = {
    issuer: provider,
    audience: issuerAudience,
    algorithms: ['RS256'],
    typ: 'at+jwt',
    requiredClaims: ['exp', 'iat', 'sub', 'scope'],
  };
  return async (authorization) => {
    const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) {
      throw new Refused({ status: 401, code: 'missing_token', say: 'Send a bearer token.', headers: challenge() });
    }
    const { payload } = await jwtVerify(token, keys, expected).catch((error: unknown) => {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw error;
      throw invalid(
        error instanceof errors.JWTExpired ? 'The access token has expired.' : 'The access token is not valid here.',
      );
    });
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw invalid('The access token lacks claims that this service decides by.');
    const { sub, preferred_username, roles, region, scope } = claims.data;
    if (!scope.split(' ').includes(issuerScope)) {
      const say = `The access token lacks the scope ${issuerScope}.`;
      const headers = challenge('insufficient_scope');
      throw new Refused({ status: 403, code: 'insufficient_scope', say, headers });
    }
    return { subject: sub, username: preferred_username, roles, region };
  };
}
