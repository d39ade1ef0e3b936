/** Entra through MSAL's own mode: memory only, silent, every byte through our own dialler. Loaded in exchange processes only. */
import {
  AuthError,
  InteractionRequiredAuthError,
  LogLevel,
  ProtocolMode,
  PublicClientApplication,
  type AuthenticationResult,
} from '@azure/msal-node';
import type { Configuration } from '@azure/msal-node';
import { z } from 'zod';
import { claimsChallengeSchema, type ClaimsChallenge } from '../contract/challenge.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { parseJson, type Provider } from './discovery.ts';
import { entraRefusal } from './entra-refusal.ts';
import { pages, stepUpParameters, type IdentityProvider, type ProviderTokens } from './identity-provider.ts';
import { providerRefusal } from './provider-refusal.ts';

type NetworkClient = NonNullable<NonNullable<Configuration['system']>['networkClient']>;

export function createMsalProvider(identity: IdentityConfig, provider: Provider): IdentityProvider {
  const network = createNetwork(provider);
  const application = createApplication(identity, provider, network.client);
  const tokensOf = (result: AuthenticationResult | null): ProviderTokens => {
    if (result === null)
      throw new Fault('identity_unavailable', 'The identity provider gave no access token. Try again.');
    return {
      idToken: result.idToken === '' ? undefined : result.idToken,
      accessToken: result.accessToken,
      accessTokenExpiresAt: result.expiresOn?.getTime() ?? 0,
      // MSAL never returns the refresh token; its serialized cache is the only public way to it.
      refreshToken: refreshTokenOf(application.getTokenCache().serialize()),
      scopes: result.scopes,
    };
  };
  const asFault = (error: unknown, at: 'sign-in' | 'refresh'): Fault => {
    if (error instanceof Fault) return error;
    // MSAL replaces a network client's errors by its own; ours say more.
    const fault = network.lastFault();
    if (fault !== undefined) return fault;
    if (!(error instanceof AuthError)) return providerRefusal({ error: '' }, at);
    const number = 'errorNo' in error ? error.errorNo : undefined;
    return entraRefusal({ error: error.errorCode, description: error.errorMessage, number }, at);
  };
  return {
    signIn: async ({ nonce, forceLogin, challenge, openUrl }) => {
      const asked = {
        scopes: [...identity.scopes],
        nonce,
        ...(forceLogin ? { prompt: 'login' } : {}),
        ...(identity.loginHint === undefined ? {} : { loginHint: identity.loginHint }),
        ...(challenge?.claims === undefined ? {} : { claims: challenge.claims }),
        extraQueryParameters: stepUpParameters(challenge),
        successTemplate: pages.done,
        errorTemplate: pages.refused,
        openBrowser: (url: string) => {
          openUrl(url);
          return Promise.resolve();
        },
      };
      const result = await application.acquireTokenInteractive(asked).catch((error: unknown) => {
        throw asFault(error, 'sign-in');
      });
      return tokensOf(result);
    },
    refresh: async ({ refreshToken, scopes }) => {
      const asked = { refreshToken, scopes: [...scopes], forceCache: true };
      try {
        return tokensOf(await application.acquireTokenByRefreshToken(asked));
      } catch (error) {
        const challenge = challengeIn(error);
        if (challenge !== undefined) return { challenge };
        throw asFault(error, 'refresh');
      }
    },
  };
}

/** The claims that Conditional Access wants of the next sign-in, for one API's token (Entra: `interaction_required` with `claims`). */
function challengeIn(error: unknown): ClaimsChallenge | undefined {
  if (!(error instanceof InteractionRequiredAuthError) || error.claims === '') return undefined;
  const { success, data } = claimsChallengeSchema.safeParse({ claims: error.claims });
  return success && parseJson(error.claims) !== undefined ? data : undefined;
}

function createApplication(
  identity: IdentityConfig,
  provider: Provider,
  networkClient: NetworkClient,
): PublicClientApplication {
  return new PublicClientApplication({
    auth: {
      clientId: identity.clientId,
      authority: identity.authority,
      knownAuthorities: [new URL(identity.authority).host],
      authorityMetadata: provider.metadata,
      // We answer claims challenges, so tokens may live long and be revoked at once.
      clientCapabilities: ['cp1'],
    },
    system: {
      protocolMode: ProtocolMode.AAD,
      networkClient,
      loggerOptions: { loggerCallback: () => undefined, piiLoggingEnabled: false, logLevel: LogLevel.Error },
    },
  });
}

function createNetwork({ send }: Provider): { client: NetworkClient; lastFault: () => Fault | undefined } {
  let fault: Fault | undefined;
  const ask = async (
    method: 'GET' | 'POST',
    url: string,
    options?: { headers?: Record<string, string>; body?: string },
  ) => {
    try {
      const { headers = {}, body } = options ?? {};
      const answer = await send({ method, url, headers, ...(body === undefined ? {} : { body }) });
      return { headers: { ...answer.headers }, status: answer.status, body: (parseJson(answer.body) ?? {}) as never };
    } catch (error) {
      if (error instanceof Fault) fault = error;
      throw error;
    }
  };
  return {
    client: {
      sendGetRequestAsync: (url, options) => ask('GET', url, options),
      sendPostRequestAsync: (url, options) => ask('POST', url, options),
    },
    lastFault: () => fault,
  };
}

const cacheSchema = z.looseObject({ RefreshToken: z.record(z.string(), z.looseObject({ secret: z.string().min(1) })) });

function refreshTokenOf(cache: string): string | undefined {
  const read = cacheSchema.safeParse(parseJson(cache));
  return read.success ? Object.values(read.data.RefreshToken)[0]?.secret : undefined;
}
