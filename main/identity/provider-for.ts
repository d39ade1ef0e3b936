import type { IdentityConfig } from '../contract/config.ts';
import type { Provider } from './discovery.ts';
import type { IdentityProvider } from './identity-provider.ts';

/** Only the library that is needed is loaded. */
export async function identityProviderFor(identity: IdentityConfig, provider: Provider): Promise<IdentityProvider> {
  if (identity.kind === 'entra') return (await import('./provider-msal.ts')).createMsalProvider(identity, provider);
  return (await import('./provider-openid.ts')).createOpenIdProvider(identity, provider);
}
