/**
 * Whether the person still has access, asked again and again: re-validation within the policy window, the provider's security
 * events, and what happens to this machine (sleep, another network). Guarantees: what says no ends access; what cannot be
 * asked is left alone for a growing while, and ends access with the window.
 */
import type { EndCause } from '../contract/access-end.ts';
import { createEventPoll, type EventPollDeps } from './event-poll.ts';
import { createOutage, type Outage } from './outage.ts';
import { createRevalidation } from './revalidation.ts';

export interface Continuity {
  readonly outage: Outage;
  /** Somebody signed in. */
  begin(validUntil: number): void;
  confirmed(validUntil: number): void;
  stop(): void;
  /** Why the provider's security events cannot be fetched. */
  eventsFailing(): string | null;
  /** The computer slept this long. */
  woke(sleptMs: number): void;
  /** It has another network, or one again. */
  networkChanged(): void;
}

export interface ContinuityDeps extends EventPollDeps {
  /** True when confirmed, false when the provider could not be reached. It handles a dead grant itself. */
  readonly confirm: () => Promise<boolean>;
  readonly now: () => number;
  /** Milliseconds that this process lived through. */
  readonly monotonic: () => number;
}

/** Where the configuration is silent. */
const longestSleepMinutes = 10;

export const notConfirmed = 'the identity provider could not be reached within the policy window';

export function createContinuity(deps: ContinuityDeps): Continuity {
  const outage = createOutage({ now: deps.monotonic, random: deps.random });
  const end = (cause: EndCause, detail: string): void => {
    deps.end(cause, detail);
  };
  const revalidation = createRevalidation({
    ...deps,
    expired: () => {
      end('not-confirmed', notConfirmed);
    },
  });
  const events = createEventPoll(deps);
  const askAgain = (): void => {
    outage.forget();
    revalidation.again();
  };
  return {
    outage,
    begin: (validUntil) => {
      outage.recovered();
      events.start();
      revalidation.confirmed(validUntil);
    },
    confirmed: (validUntil) => {
      revalidation.confirmed(validUntil);
    },
    stop: () => {
      revalidation.stop();
      events.stop();
    },
    eventsFailing: () => events.failing(),
    woke: (sleptMs) => {
      if (deps.session() === undefined) return;
      const longestMs = (deps.config().identity.longestSleepMinutes ?? longestSleepMinutes) * 60_000;
      if (sleptMs > longestMs) end('slept', `the computer slept ${String(Math.round(sleptMs / 1000))} s`);
      else askAgain();
    },
    networkChanged: askAgain,
  };
}
