/**
 * Sign-in as the shell sees it: opens the address, slows what never finishes, and shows how far it is. Guarantees: an
 * address is opened only if it is https and of the configured authority's origin. Trusts: the vault for its end.
 */
import { accountNames, identityOf } from '../contract/account.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { WindowState } from '../contract/window.ts';
import { createSignInProgress, type Attempt } from './sign-in-progress.ts';
import type { Supervisor } from './supervisor.ts';

/** A little more than the vault gives the browser: its answer says more than our own. */
const answerMarginMs = 15_000;

export interface SignInRequest {
  /** False: whoever asks opens the address. */
  readonly open: boolean;
  readonly forceLogin: boolean;
  /** Default: the one that was signed in last. */
  readonly account?: string | undefined;
}

export interface Asker {
  readonly signal: AbortSignal;
  readonly event: (body: Readonly<Record<string, unknown>>) => void;
}

export interface SignIn {
  /** Throws a `Fault` when too many were begun; one that is open goes on. */
  begin(request: SignInRequest, asker: Asker): { readonly ended: Promise<{ readonly principal: Principal }> };
  cancel(): Promise<void>;
  signOut(): Promise<void>;
  progress(): WindowState['signIn'];
  /** An address from the vault, unchecked. */
  onUrl(url: string): void;
  /** Why the provider refused a sign-in or a refresh: for the window alone. */
  onSaid(reason: string): void;
}

export interface SignInDeps {
  readonly supervisor: Supervisor;
  /** With its accounts. */
  readonly identity: IdentityConfig;
  /** False when this machine has no way to show it. */
  readonly openBrowser: (url: string) => Promise<boolean>;
  /** How often a sign-in may be started while the one before has not succeeded. */
  readonly unfinished: { passes(): boolean };
  readonly onChange: () => void;
  /** Why nobody may sign in now. */
  readonly stopped?: () => string | undefined;
}

export function createSignIn(deps: SignInDeps): SignIn {
  const { supervisor, identity, openBrowser, unfinished, onChange } = deps;
  const timeoutMs = identity.signInTimeoutMinutes * 60_000;
  const authorities = accountNames(identity).map((name) => identityOf(identity, name).authority);
  const progress = createSignInProgress(onChange);
  let waitingForUrl: ((url: string) => void) | undefined;
  let isUnfinished = false;
  /** As the vault itself remembers; but any program of this user can kill the vault. */
  let signedOut = false;
  const vault = () => supervisor.core().vault.control;

  async function ask(
    { open, forceLogin, account }: SignInRequest,
    { signal, event }: Asker,
    attempt: Attempt,
  ): Promise<{ principal: Principal }> {
    const control = vault();
    isUnfinished = true;
    const cancel = (): void => void control.request('cancel-sign-in', {}).catch(() => undefined);
    signal.addEventListener('abort', cancel, { once: true });
    const show = async (url: string): Promise<void> => {
      if (open && (await openBrowser(url))) {
        event({ event: 'opened' });
        return;
      }
      event({ event: 'url', url });
      if (open) attempt.needsAddress(url);
    };
    const onUrl = (url: string): void => void show(url);
    waitingForUrl = onUrl;
    try {
      const parameters = { forceLogin: forceLogin || signedOut, ...(account === undefined ? {} : { account }) };
      const answer = await control.request('sign-in', parameters, { timeoutMs: timeoutMs + answerMarginMs });
      isUnfinished = signedOut = false;
      await supervisor.liftSuspensions();
      return answer;
    } finally {
      signal.removeEventListener('abort', cancel);
      // A later sign-in, which cancelled this one, waits for its own.
      if (waitingForUrl === onUrl) waitingForUrl = undefined;
    }
  }

  async function follow(request: SignInRequest, asker: Asker): Promise<{ principal: Principal }> {
    const attempt = progress.begin();
    try {
      const answer = await ask(request, asker, attempt);
      attempt.ended();
      return answer;
    } catch (error) {
      attempt.failed(error);
      throw error;
    }
  }

  return {
    begin(request, asker) {
      const stopped = deps.stopped?.();
      if (stopped !== undefined) throw new Fault('not_permitted', stoppedSay(stopped));
      if (isUnfinished && !unfinished.passes()) {
        const say = 'Too many sign-ins were started. One that is open goes on; try again in 5 seconds.';
        progress.refused(say);
        throw new Fault('rate_limited', say);
      }
      // Throws where there is no such account, before anything ends.
      if (request.account !== undefined) identityOf(identity, request.account);
      return { ended: follow(request, asker) };
    },
    async cancel() {
      progress.clear();
      await vault().request('cancel-sign-in', {});
    },
    async signOut() {
      signedOut = true;
      await vault().request('sign-out', {});
      // Why it failed was told to who has gone.
      if (progress.now().step === 'failed') progress.clear();
      else onChange();
    },
    progress: () => progress.now(),
    onUrl(url) {
      if (authorities.some((authority) => isOfAuthority(url, authority))) waitingForUrl?.(url);
    },
    onSaid: (reason) => progress.said(reason),
  };
}

export const stoppedSay = (reason: string): string => `Your organization stopped Sallyport: ${reason}`;

/** RFC 6749 §3.1: the authorization endpoint is TLS only; here it must also be where the configuration says. */
export function isOfAuthority(url: string, authority: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, origin, username } = new URL(url);
  return protocol === 'https:' && origin === new URL(authority).origin && username === '';
}
