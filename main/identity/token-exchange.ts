/**
 * OAuth 2.0 token exchange (RFC 8693) at the configured identity provider: the person's access token for one of another audience.
 * Guarantees: one request, to the provider's own token endpoint; an answer is taken only as a bearer access token with a life of
 * at most 60 minutes and no more scope than was asked; where it is a JWT, for this person and audience. A refresh token that
 * comes along is left to end with this process. Trusts: the provider. It checks no signature: the API that gets the token does.
 */
import { Configuration, customFetch, genericGrantRequest, None, ResponseBodyError } from 'openid-client';
import type { CustomFetch, ServerMetadata, TokenEndpointResponse } from 'openid-client';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { checkLife, checkSize, claimsOf, unusable, type Obtained, type Wanted } from './credential-answer.ts';
import { discover, parseJson, type DialOrigins, type SendHttps } from './discovery.ts';

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** What may come back where an access token was asked for. */
const acceptedTypes: readonly unknown[] = [accessTokenType, 'urn:ietf:params:oauth:token-type:jwt'];
const who = 'The token exchange';

export interface TokenExchange extends Wanted<'token-exchange'> {
  readonly identity: IdentityConfig;
}

/** Throws `Fault`: those of discovery, `reauthentication_required`, `not_permitted`, `backend_refused`. */
export async function exchangeToken(request: TokenExchange, dial: DialOrigins): Promise<Obtained> {
  const { identity, way, accessToken } = request;
  const provider = await discover(identity, dial);
  const client = new Configuration(
    parseJson(provider.metadata) as ServerMetadata,
    identity.clientId,
    undefined,
    None(),
  );
  const { fetch, failure } = fetchThrough(provider.send);
  client[customFetch] = fetch;
  const startedAt = Date.now();
  const answer = await genericGrantRequest(client, grant, {
    subject_token: accessToken,
    subject_token_type: accessTokenType,
    requested_token_type: accessTokenType,
    scope: way.scope,
    ...(way.audience === undefined ? {} : { audience: way.audience }),
    ...(way.resource === undefined ? {} : { resource: way.resource }),
  }).catch((error: unknown) => {
    throw failure() ?? asFault(error);
  });
  return checked(request, answer, startedAt);
}

function checked({ way, person }: TokenExchange, answer: TokenEndpointResponse, startedAt: number): Obtained {
  const { access_token: token, expires_in: seconds, scope } = answer;
  if (answer.token_type !== 'bearer') throw unusable(who, 'is no bearer token');
  if (!acceptedTypes.includes(answer['issued_token_type'])) throw unusable(who, 'is not what was asked for');
  if (seconds === undefined) throw unusable(who, 'does not say how long it lives');
  const expiresAt = startedAt + seconds * 1000;
  checkLife(expiresAt, who);
  checkSize(token, who);
  const asked = way.scope.split(' ');
  if (scope?.split(' ').some((each) => !asked.includes(each)) === true)
    throw unusable(who, 'has more scope than was asked for');
  const claims = claimsOf(token);
  const { sub, aud } = claims ?? {};
  if (claims !== undefined && sub !== person.subject) throw unusable(who, 'is for another person');
  const audience = way.audience ?? way.resource ?? '';
  if (aud !== undefined && ![aud].flat().includes(audience)) throw unusable(who, 'is for another audience');
  return { role: audience, expiresAt, secrets: [token] };
}

/** Our own dialler as its fetch. A fault of the dialler would come out as one of the library's errors: it is kept. */
function fetchThrough(send: SendHttps): { readonly fetch: CustomFetch; readonly failure: () => Fault | undefined } {
  let failed: Fault | undefined;
  const fetch: CustomFetch = async (url, { method, headers, body }) => {
    try {
      if (method !== 'POST') throw new Fault('internal', 'A token exchange only posts.');
      const answer = await send({ method, url, headers, body: body instanceof URLSearchParams ? body.toString() : '' });
      const text = answer.body === '' ? null : answer.body;
      return new Response(text, { status: answer.status, headers: { ...answer.headers } });
    } catch (error) {
      if (error instanceof Fault) failed = error;
      throw error;
    }
  };
  return { fetch, failure: () => failed };
}

/** RFC 6749 §5.2 and RFC 8693 §2.2.2: the code decides, the provider's text is not shown. */
function asFault(error: unknown): Fault {
  const code = error instanceof ResponseBodyError ? error.error : '';
  if (code === 'invalid_grant')
    return new Fault(
      'reauthentication_required',
      'The identity provider does not exchange this sign-in. Sign in again.',
    );
  if (['invalid_target', 'invalid_scope', 'access_denied', 'unauthorized_client'].includes(code))
    return new Fault(
      'not_permitted',
      `This person gets no token for that audience or scope (${code}). Ask who runs the provider.`,
    );
  const known = /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : '';
  return new Fault('backend_refused', `The token exchange was refused or had no usable answer${known}.`);
}
