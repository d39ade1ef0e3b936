/**
 * When to ask the provider whether the person still has access: at two thirds of the policy window; when it cannot be
 * reached, again and again with back-off and jitter, until the window is over. Then access ends: fail closed.
 */
export interface Revalidation {
  /** The person was confirmed now; `validUntil` in milliseconds since the epoch. */
  confirmed(validUntil: number): void;
  /** Asks now: the computer woke up, or has another network. */
  again(): void;
  stop(): void;
}

export interface RevalidationDeps {
  /** Resolves true when confirmed, false when the provider could not be reached. It handles a dead grant itself. */
  readonly confirm: () => Promise<boolean>;
  readonly expired: () => void;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

const firstRetryMs = 1000;

export function createRevalidation({ confirm, expired, now, random }: RevalidationDeps): Revalidation {
  let next: NodeJS.Timeout | undefined;
  let end: NodeJS.Timeout | undefined;
  let round = 0;
  /** Of the present window; undefined when nobody is signed in. */
  let longestMs: number | undefined;

  const forgetAttempts = (): void => {
    round += 1;
    clearTimeout(next);
  };
  const stop = (): void => {
    forgetAttempts();
    clearTimeout(end);
    longestMs = undefined;
  };
  const attempt = (delayMs: number, failures: number, mostMs: number): void => {
    const started = round;
    next = setTimeout(() => {
      void confirm().then((reached) => {
        if (reached || started !== round) return;
        const backOffMs = Math.min(firstRetryMs * 2 ** failures, mostMs);
        attempt(backOffMs * (0.5 + random() / 2), failures + 1, mostMs);
      });
    }, delayMs);
  };
  return {
    confirmed: (validUntil) => {
      stop();
      const windowMs = Math.max(0, validUntil - now());
      end = setTimeout(expired, windowMs);
      longestMs = windowMs / 10;
      attempt((windowMs * 2) / 3, 0, longestMs);
    },
    again: () => {
      if (longestMs === undefined) return;
      forgetAttempts();
      attempt(0, 0, longestMs);
    },
    stop,
  };
}
