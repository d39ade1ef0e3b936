/** MSAL as this product uses it: memory only, silent, every byte through our own dialler. Loaded in exchange processes only. */
import { AuthError, LogLevel, ProtocolMode, PublicClientApplication, type Configuration } from '@azure/msal-node';
import { z } from 'zod';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { parseJson, type Provider } from './discovery.ts';

type NetworkClient = NonNullable<NonNullable<Configuration['system']>['networkClient']>;

export interface MsalClient {
  readonly application: PublicClientApplication;
  /** MSAL never returns the refresh token; its serialized cache is the only public way to it. */
  refreshToken(): string | undefined;
  /** What MSAL threw, as a fault of ours: the dialler's own where the network failed. */
  asFault(error: unknown): Fault;
}

export function createMsalClient(identity: IdentityConfig, provider: Provider): MsalClient {
  const network = createNetwork(provider);
  const application = new PublicClientApplication({
    auth: {
      clientId: identity.clientId,
      authority: identity.authority,
      knownAuthorities: [new URL(identity.authority).host],
      authorityMetadata: provider.metadata,
      clientCapabilities: ['cp1'],
    },
    system: {
      protocolMode: identity.kind === 'oidc' ? ProtocolMode.OIDC : ProtocolMode.AAD,
      networkClient: network.client,
      loggerOptions: { loggerCallback: () => undefined, piiLoggingEnabled: false, logLevel: LogLevel.Error },
    },
  });
  return {
    application,
    refreshToken: () => refreshTokenOf(application.getTokenCache().serialize()),
    asFault: (error) => network.lastFault() ?? providerFault(error),
  };
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
      // MSAL replaces a network client's errors by its own; ours say more.
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

/** RFC 6749 §4.1.2.1 and §5.2: the provider itself is in trouble. */
const troubles = new Set(['temporarily_unavailable', 'server_error']);
/** RFC 6749 §5.2, OpenID Connect Core §3.1.2.6: this grant will never work again without the person. */
const dead = new Set(['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'bad_token']);
/** The provider's other answers. MSAL's own failures (state, network, parsing) have codes of their own. */
const refusals = new Set([
  'access_denied',
  'unauthorized_client',
  'invalid_client',
  'invalid_request',
  'invalid_scope',
  'unsupported_response_type',
  'account_selection_required',
]);

/** The provider's code is named (a closed vocabulary), its free text never: it may carry anything. */
function providerFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const code = error instanceof AuthError ? error.errorCode : '';
  if (dead.has(code))
    return new Fault('access_ended', `The identity provider ended this access (${code}). Sign in again.`);
  if (refusals.has(code)) {
    return new Fault(
      'not_permitted',
      `The identity provider refused the sign-in (${code}). Ask its administrator whether this account may use Sallyport.`,
    );
  }
  const shown = /^[a-z][a-z0-9_]{0,60}$/.test(code) && !troubles.has(code) ? ` (${code})` : '';
  return new Fault('identity_unavailable', `The identity provider's answer could not be used${shown}. Try again.`);
}
