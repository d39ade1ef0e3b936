/**
 * Any OpenID provider through openid-client. Guarantees: code with PKCE S256, state and nonce always; `iss` of the answer checked
 * (RFC 9207); every byte through our own dialler; verifier and listener live in this process only. Trusts: the library for the
 * protocol; `validate-id-token.ts` for signatures. Loaded in exchange processes only.
 */
import * as openid from 'openid-client';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { clockSkewMs } from './clock.ts';
import { parseJson, type Provider, type SendHttps } from './discovery.ts';
import {
  stepUpParameters,
  type IdentityProvider,
  type ProviderSignIn,
  type ProviderTokens,
} from './identity-provider.ts';
import { listenOnLoopback } from './loopback-listener.ts';
import { providerRefusal } from './provider-refusal.ts';
import { invalidToken, wrongClock } from './validate-id-token.ts';

type Answer = Awaited<ReturnType<typeof openid.refreshTokenGrant>>;

export function createOpenIdProvider(identity: IdentityConfig, provider: Provider): IdentityProvider {
  const network = createNetwork(provider.send);
  const secret = identity.openid?.publicClientSecret;
  const client = new openid.Configuration(
    parseJson(provider.metadata) as openid.ServerMetadata,
    identity.clientId,
    { [openid.clockTolerance]: clockSkewMs / 1000 },
    // Not kept from anybody: it authenticates nothing.
    secret === undefined ? openid.None() : openid.ClientSecretPost(secret),
  );
  client[openid.customFetch] = network.fetch;
  const asFault = (error: unknown, at: 'sign-in' | 'refresh'): Fault =>
    error instanceof Fault ? error : (network.lastFault() ?? faultOf(error, at));
  return {
    signIn: (request) =>
      signIn(client, identity, request).catch((error: unknown) => {
        throw asFault(error, 'sign-in');
      }),
    refresh: async ({ refreshToken, scopes }) => {
      // Without `scope`: all that was granted (RFC 6749 §6), which some providers would not take again word for word.
      const all = identity.scopes.every((scope) => scopes.includes(scope));
      const answer = await openid
        .refreshTokenGrant(client, refreshToken, all ? {} : { scope: scopes.join(' ') })
        .catch((error: unknown) => {
          throw asFault(error, 'refresh');
        });
      return tokensOf(answer, scopes);
    },
  };
}

async function signIn(
  client: openid.Configuration,
  identity: IdentityConfig,
  { nonce, forceLogin, challenge, openUrl }: ProviderSignIn,
): Promise<ProviderTokens> {
  const verifier = openid.randomPKCECodeVerifier();
  const state = openid.randomState();
  const { redirectPort, accessType, loginPrompt = 'login' } = identity.openid ?? {};
  const listener = await listenOnLoopback(identity.signInTimeoutMinutes * 60_000, redirectPort);
  try {
    const url = openid.buildAuthorizationUrl(client, {
      redirect_uri: listener.redirectUri,
      scope: identity.scopes.join(' '),
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...(forceLogin ? { prompt: loginPrompt } : {}),
      ...(accessType === undefined ? {} : { access_type: accessType }),
      ...(identity.loginHint === undefined ? {} : { login_hint: identity.loginHint }),
      ...(challenge?.claims === undefined ? {} : { claims: challenge.claims }),
      ...stepUpParameters(challenge),
    });
    openUrl(url.href);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    return tokensOf(await openid.authorizationCodeGrant(client, await listener.answered, checks), identity.scopes);
  } finally {
    listener.close();
  }
}

function tokensOf(answer: Answer, asked: readonly string[]): ProviderTokens {
  const { expires_in: seconds } = answer;
  return {
    idToken: answer.id_token,
    accessToken: answer.access_token,
    accessTokenExpiresAt: seconds === undefined ? 0 : Math.floor(Date.now() + seconds * 1000),
    refreshToken: answer.refresh_token,
    // Left out where it is what was asked for (RFC 6749 §5.1).
    scopes: answer.scope?.split(' ').filter(Boolean) ?? asked,
  };
}

function createNetwork(send: SendHttps): { fetch: openid.CustomFetch; lastFault: () => Fault | undefined } {
  let fault: Fault | undefined;
  return {
    fetch: async (url, { method, headers, body }) => {
      try {
        const text = body === undefined || body === null ? undefined : textOf(body);
        const answer = await send({
          method: method === 'POST' ? 'POST' : 'GET',
          url,
          headers,
          ...(text === undefined ? {} : { body: text }),
        });
        // A status like 204 allows no body; what has none is not usable here in any case.
        return new Response(answer.body === '' ? null : answer.body, answer);
      } catch (error) {
        if (error instanceof Fault) fault = error;
        throw error;
      }
    },
    lastFault: () => fault,
  };
}

function textOf(body: openid.FetchBody): string {
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Fault('internal', 'A request of the identity library has a body of another kind than a form.');
}

/** What of an ID token, or of the answer that the browser brought, the library compares. */
const compared = new Set(['iss', 'aud', 'azp', 'nonce', 'exp', 'nbf', 'iat', 'sub', 'auth_time']);

function faultOf(error: unknown, at: 'sign-in' | 'refresh'): Fault {
  if (error instanceof openid.AuthorizationResponseError || error instanceof openid.ResponseBodyError)
    return providerRefusal({ error: error.error, description: error.error_description }, at);
  const { claim, atSeconds, named } = whatFailed(error);
  if (claim !== undefined)
    return atSeconds === undefined ? invalidToken(claim) : wrongClock(claim, atSeconds * 1000, Date.now());
  if (named !== undefined) {
    return new Fault(
      'identity_unavailable',
      `What the browser brought back does not belong to this sign-in (${named}). Start it again.`,
    );
  }
  return providerRefusal({ error: '' }, at);
}

/** The library's own words are not shown: they hold the provider's. */
function whatFailed(error: unknown): { readonly claim?: string; readonly atSeconds?: number; readonly named?: string } {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const { cause } = at;
    const claim: unknown = typeof cause === 'object' && cause !== null && 'claim' in cause ? cause.claim : undefined;
    if (typeof claim === 'string' && compared.has(claim)) return { claim, ...timeOf(cause, claim) };
    const named = /response parameter "(iss|state)"|"(iss|state)" (?:\(issuer\) )?response parameter/.exec(at.message);
    if (named !== null) return { named: named[1] ?? named[2] ?? 'state' };
    if (/"alg" header|JWS/.test(at.message)) return { claim: 'alg' };
  }
  return {};
}

/** Of a token that is expired, or not valid yet. */
function timeOf(cause: unknown, claim: string): { readonly atSeconds?: number } {
  if (typeof cause !== 'object' || cause === null || !('now' in cause) || !('claims' in cause)) return {};
  const at = (cause.claims as Readonly<Record<string, unknown>>)[claim];
  return typeof at === 'number' && claim !== 'auth_time' ? { atSeconds: at } : {};
}
