/**
 * When to ask the provider whether the person still has access: at two thirds of the policy window; when it cannot be
 * reached, again and again with back-off and jitter, until the window is over. Then access ends: fail closed.
 */
export interface Revalidation {
  /** The person was confirmed now; `validUntil` in milliseconds since the epoch. */
  confirmed(validUntil: number): void;
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

  const stop = (): void => {
    round += 1;
    clearTimeout(next);
    clearTimeout(end);
  };
  const attempt = (delayMs: number, failures: number, longestMs: number): void => {
    const started = round;
    next = setTimeout(() => {
      void confirm().then((reached) => {
        if (reached || started !== round) return;
        const backOffMs = Math.min(firstRetryMs * 2 ** failures, longestMs);
        attempt(backOffMs * (0.5 + random() / 2), failures + 1, longestMs);
      });
    }, delayMs);
  };
  return {
    confirmed: (validUntil) => {
      stop();
      const windowMs = Math.max(0, validUntil - now());
      end = setTimeout(expired, windowMs);
      attempt((windowMs * 2) / 3, 0, windowMs / 10);
    },
    stop,
  };
}
