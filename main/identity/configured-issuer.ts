/** Which issuer a configuration allows. Shared by the exchange, which validates, and the vault, which checks again. */
import type { IdentityConfig } from '../contract/config.ts';

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** Where the provider describes itself (OpenID Connect Discovery 1.0 §4; Entra adds its version). */
export function discoveryUrl({ kind, authority }: IdentityConfig): string {
  return `${withoutSlash(authority)}${kind === 'entra' ? '/v2.0' : ''}/.well-known/openid-configuration`;
}

/**
 * Whether `issuer` is the configured authority's. Generic providers: the very same URL (Discovery §4.3). Entra: the same
 * origin and `/<tenant>/v2.0`; where the authority names its tenant by id, that tenant.
 */
export function isConfiguredIssuer({ kind, authority }: IdentityConfig, issuer: string): boolean {
  if (kind === 'oidc') return withoutSlash(issuer) === withoutSlash(authority);
  const from = URL.parse(issuer);
  const configured = URL.parse(authority);
  const tenant = from === null ? null : /^\/([0-9a-f-]{36})\/v2\.0$/.exec(from.pathname)?.[1];
  if (from === null || configured === null || tenant === null || tenant === undefined) return false;
  if (from.protocol !== 'https:' || from.origin !== configured.origin) return false;
  const named = configured.pathname.split('/')[1] ?? '';
  return /^[0-9a-f-]{36}$/i.test(named) ? named.toLowerCase() === tenant : true;
}

/** Whether a sign-in URL may be shown to the person: https, and of the configured authority's origin. */
export function isSignInUrl({ authority }: IdentityConfig, url: string): boolean {
  const shown = URL.parse(url);
  return (
    shown?.protocol === 'https:' &&
    shown.username === '' &&
    shown.password === '' &&
    shown.origin === new URL(authority).origin
  );
}
