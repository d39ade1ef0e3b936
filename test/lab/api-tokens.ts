/** Validates access tokens at the lab's API, as an API of a company does (RFC 9068 §4, RFC 6750 §3): by the provider's published keys. */
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { apiAudience } from './contract.ts';
import { Refused } from './issuer-refused.ts';

const claimsSchema = z.object({
  sub: z.string().min(1).max(200),
  preferred_username: z.string().min(1).max(200),
  roles: z.array(z.string().max(64)).max(50),
  scope: z.string().max(1000),
});

/** Who asks, and what the token is good for. */
export interface ApiPerson {
  readonly name: string;
  readonly isAdministrator: boolean;
  readonly scopes: readonly string[];
}

export type ApiTokenCheck = (authorization: string | undefined) => Promise<ApiPerson>;

const invalid = (say: string) =>
  new Refused({
    status: 401,
    code: 'invalid_token',
    say,
    headers: { 'www-authenticate': 'Bearer realm="tickets", error="invalid_token"' },
  });

export function createApiTokenCheck(provider: string): ApiTokenCheck {
  const keys = createRemoteJWKSet(new URL('/jwks', provider), { timeoutDuration: 5_000 });
  const expected = {
    issuer: provider,
    audience: apiAudience,
    algorithms: ['RS256'],
    typ: 'at+jwt',
    requiredClaims: ['exp', 'iat', 'sub', 'scope'],
  };
  return async (authorization) => {
    const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) throw invalid('Send a bearer token.');
    const { payload } = await jwtVerify(token, keys, expected).catch((error: unknown) => {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) throw error;
      throw invalid('The access token is not valid here.');
    });
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success) throw invalid('The access token lacks claims that this service decides by.');
    const { preferred_username: name, roles, scope } = claims.data;
    return { name, isAdministrator: roles.includes('admin'), scopes: scope.split(' ') };
  };
}

export function demandScope({ scopes }: ApiPerson, scope: string): void {
  if (scopes.includes(scope)) return;
  const headers = { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` };
  throw new Refused({
    status: 403,
    code: 'insufficient_scope',
    say: `The access token lacks the scope ${scope}.`,
    headers,
  });
}
