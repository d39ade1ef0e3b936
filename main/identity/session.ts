/** One person's access, as the vault holds it: sealed tokens, claims, and until when it may be believed. */
import type { IdentityConfig } from '../contract/config.ts';
import { maxCredentialLifeMs } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { Secret } from '../contract/secret.ts';
import { isConfiguredIssuer } from './configured-issuer.ts';

/** A token with less life than this is renewed before it is used. */
const usableMs = 60_000;

/** What an exchange answered, beside the tokens. */
export interface ExchangedClaims {
  readonly principal?: Principal | undefined;
  readonly audience: string;
  readonly accessTokenExpiresAt: number;
  readonly scopes: readonly string[];
}

interface AccessToken {
  readonly token: Secret;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** Wipes it when it is of no more use. */
  readonly end: NodeJS.Timeout;
}

export interface NewSession {
  readonly identity: IdentityConfig;
  readonly claims: ExchangedClaims;
  /** Access token, refresh token: taken over. */
  readonly tokens: readonly Secret[];
  readonly nowMs: number;
}

export interface Session {
  /** Of the account that was signed in to. */
  readonly identity: IdentityConfig;
  readonly principal: Principal;
  /** When the provider last confirmed the person plus the policy window, milliseconds since the epoch. */
  readonly validUntil: number;
  readonly refreshToken: Secret;
  /** Takes over what a refresh brought; what it replaces is wiped. */
  renew(claims: ExchangedClaims, tokens: readonly Secret[], nowMs: number): void;
  /** Undefined when none is held or it has less than a minute left. */
  accessToken(scope: string, nowMs: number): Secret | undefined;
  /** What the last refresh brought, if it has this scope and a minute left: never one from before, which may reach further. It is the caller's then. */
  takeNewest(scope: string, nowMs: number): { readonly token: Secret; readonly expiresAt: number } | undefined;
  wipe(): void;
}

/** Throws `Fault` `identity_unavailable` when what came back is not of the configured issuer and client; tokens are then wiped. */
export function createSession({ identity, claims, tokens, nowMs }: NewSession): Session {
  let current: { principal: Principal; validUntil: number; refreshToken: Secret } | undefined;
  const held: AccessToken[] = [];
  const usable = (scope: string, atMs: number): AccessToken | undefined =>
    held.find((each) => isUsable(each, scope, atMs));
  const letGo = (one: AccessToken): AccessToken => {
    clearTimeout(one.end);
    held.splice(held.indexOf(one), 1);
    return one;
  };
  const keep = (fresh: Omit<AccessToken, 'end'>, atMs: number): void => {
    const wipe = (): void => {
      letGo(one).token.wipe();
    };
    const one: AccessToken = { ...fresh, end: setTimeout(wipe, Math.max(0, fresh.expiresAt - atMs)).unref() };
    held.push(one);
  };
  const confirmed = (): { principal: Principal; validUntil: number; refreshToken: Secret } => {
    if (current === undefined) throw new Fault('not_signed_in', 'Nobody is signed in. Sign in first.');
    return current;
  };
  const session: Session = {
    identity,
    get principal() {
      return confirmed().principal;
    },
    get validUntil() {
      return confirmed().validUntil;
    },
    get refreshToken() {
      return confirmed().refreshToken;
    },
    renew: (renewed, [token, refreshToken], renewedAtMs) => {
      const principal = renewed.principal ?? current?.principal;
      const acceptable =
        principal !== undefined &&
        isExpected(identity, principal, renewed) &&
        isSamePerson(current?.principal ?? principal, principal);
      if (!acceptable || token === undefined || refreshToken === undefined) {
        token?.wipe();
        refreshToken?.wipe();
        throw new Fault(
          current === undefined ? 'identity_unavailable' : 'access_ended',
          'The identity provider answered for another client, issuer or person. Sign in again.',
        );
      }
      current?.refreshToken.wipe();
      current = { principal, refreshToken, validUntil: renewedAtMs + identity.policyWindowMinutes * 60_000 };
      for (const old of [...held])
        if (old.scopes.every((scope) => renewed.scopes.includes(scope))) letGo(old).token.wipe();
      // Providers give them for longer; what is older is neither used nor kept.
      const expiresAt = Math.min(renewed.accessTokenExpiresAt, renewedAtMs + maxCredentialLifeMs);
      keep({ token, scopes: renewed.scopes, expiresAt }, renewedAtMs);
    },
    accessToken: (scope, atMs) => usable(scope, atMs)?.token,
    takeNewest: (scope, atMs) => {
      const newest = held.at(-1);
      return newest !== undefined && isUsable(newest, scope, atMs) ? letGo(newest) : undefined;
    },
    wipe: () => {
      current?.refreshToken.wipe();
      for (const one of [...held]) letGo(one).token.wipe();
    },
  };
  session.renew(claims, tokens, nowMs);
  return session;
}

function isUsable({ scopes, expiresAt }: AccessToken, scope: string, atMs: number): boolean {
  return scopes.includes(scope) && expiresAt - atMs >= usableMs;
}

function isExpected(identity: IdentityConfig, principal: Principal, claims: ExchangedClaims): boolean {
  return isConfiguredIssuer(identity, principal.issuer) && claims.audience === identity.clientId;
}

/** Another account is another access, whoever the person is. */
export function isSameAccess(one: Session, other: Session): boolean {
  return (
    isSamePerson(one.principal, other.principal) && JSON.stringify(one.identity) === JSON.stringify(other.identity)
  );
}

function isSamePerson(one: Principal, other: Principal): boolean {
  return one.subject === other.subject && one.issuer === other.issuer;
}
