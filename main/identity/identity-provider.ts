/** How a sign-in and a refresh are done; one implementation a kind of provider. What they return is not validated yet. */
import type { ClaimsChallenge } from '../contract/challenge.ts';

/** Plaintext: exists in an exchange process only, which ends right after. */
export interface ProviderTokens {
  readonly idToken: string | undefined;
  readonly accessToken: string;
  /** Milliseconds since the epoch; 0: the provider did not say. */
  readonly accessTokenExpiresAt: number;
  readonly refreshToken: string | undefined;
  readonly scopes: readonly string[];
}

export interface ProviderSignIn {
  readonly nonce: string;
  /** Ask for the password even where the browser has a session (`prompt=login`). */
  readonly forceLogin: boolean;
  readonly challenge: ClaimsChallenge | undefined;
  /** Throws a `Fault` when the address is not of the configured authority. */
  readonly openUrl: (url: string) => void;
}

export interface ProviderRefresh {
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

/** Both throw `Fault`: the dialler's own, or what the provider's answer becomes (`provider-refusal.ts`). */
export interface IdentityProvider {
  signIn(request: ProviderSignIn): Promise<ProviderTokens>;
  /** A challenge where the provider says what the next sign-in must be like. */
  refresh(request: ProviderRefresh): Promise<ProviderTokens | { readonly challenge: ClaimsChallenge }>;
}

/** What a challenge adds to the authorization request, beside `claims`. */
export function stepUpParameters(challenge: ClaimsChallenge | undefined): Record<string, string> {
  const { acrValues, maxAgeSeconds } = challenge ?? {};
  return {
    ...(acrValues === undefined ? {} : { acr_values: acrValues.join(' ') }),
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
  };
}

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font:16px system-ui;margin:4rem"><h1>${title}</h1><p>${text}</p></body></html>`;

/** What the browser shows at the end. */
export const pages = {
  done: page('You are signed in', 'Sallyport has what it needs. You can close this window.'),
  refused: page('Sign-in was refused', 'The identity provider did not accept it. You can close this window.'),
} as const;
