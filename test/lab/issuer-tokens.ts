/** Validates a person's access token (RFC 9068 §4, RFC 6750 §3) against the provider's published keys. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { issuerAudience, issuerScope, strongSignIn } from './contract.ts';
import { Refused } from './issuer-refused.ts';

const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  preferred_username: z.string().min(1).max(200),
  roles: z.array(z.string().max(64)).max(50),
  region: z.string().max(64),
  scope: z.string().max(1000),
  iat: z.number(),
  acr: z.string().max(200).optional(),
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

/** Continuous access evaluation, as Entra's APIs ask for it: tokens of before `since`, in seconds, count no more. */
function tooOld(since: number): Refused {
  const claims = { access_token: { nbf: { essential: true, value: String(since) } } };
  const encoded = Buffer.from(JSON.stringify(claims)).toString('base64');
  const say = 'This person has to sign in again.';
  const headers = { 'www-authenticate': `Bearer error="insufficient_claims", claims="${encoded}"` };
  return new Refused({ status: 401, code: 'insufficient_claims', say, headers });
}

/** RFC 9470. */
function tooWeak(): Refused {
  const code = 'insufficient_user_authentication';
  const say = 'An administrator has to sign in with a one-time code.';
  const headers = { 'www-authenticate': `Bearer error="${code}", acr_values="${strongSignIn}"` };
  return new Refused({ status: 401, code, say, headers });
}

/** @param challenged since when tokens count, in seconds, by user name */
export function createTokenCheck(
  provider: string,
  challenged: ReadonlyMap<string, number> = new Map<string, number>(),
): TokenCheck {
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
    const { sub, preferred_username, roles, region, scope, iat, acr } = claims.data;
    if (!scope.split(' ').includes(issuerScope)) {
      const say = `The access token lacks the scope ${issuerScope}.`;
      const headers = challenge('insufficient_scope');
      throw new Refused({ status: 403, code: 'insufficient_scope', say, headers });
    }
    const since = challenged.get(preferred_username) ?? 0;
    if (iat < since) throw tooOld(since);
    if (roles.includes('admin') && acr !== strongSignIn) throw tooWeak();
    return { subject: sub, username: preferred_username, roles, region };
  };
}
