/**
 * Leaves a provider in trouble alone. Guarantees: after a failure nothing is asked of it, whoever wants to, until a growing,
 * jittered time is over, or the time it named itself; so calls of agents cannot become a storm. A sign-in is the person's click: it is not held back.
 */
import { Fault, type Code } from '../contract/errors.ts';

export interface Outage {
  /** Throws `Fault` `identity_unavailable` while it is to be left alone. */
  check(): void;
  /** Answers the fault to go on with: a provider that is not reached is `identity_unavailable`. A refusal is an answer, no trouble. */
  failed(error: unknown): unknown;
  retryAfter(ms: number): void;
  recovered(): void;
  /** Things are different (another network, woken up): asked at once, unless the provider itself named a time. */
  forget(): void;
}

const troubles: ReadonlySet<Code> = new Set(['identity_unavailable', 'backend_unreachable', 'backend_certificate']);
const firstMs = 1000;
const longestMs = 60_000;

export function createOutage({ now, random }: { readonly now: () => number; readonly random: () => number }): Outage {
  let failures = 0;
  let backOffUntil = 0;
  let namedUntil = 0;
  return {
    check: () => {
      const waitMs = Math.max(backOffUntil, namedUntil) - now();
      if (waitMs <= 0) return;
      const say = `The identity provider did not answer; it is asked again in ${String(Math.ceil(waitMs / 1000))} s.`;
      throw new Fault('identity_unavailable', say);
    },
    failed: (error) => {
      if (!(error instanceof Fault) || !troubles.has(error.code)) return error;
      backOffUntil = now() + Math.min(firstMs * 2 ** failures, longestMs) * (0.5 + random() / 2);
      failures += 1;
      return error.code === 'backend_unreachable' ? new Fault('identity_unavailable', error.message) : error;
    },
    retryAfter: (ms) => {
      // Not all of those who were told the same at the same moment.
      namedUntil = now() + ms * (1 + random() / 10);
    },
    recovered: () => {
      failures = backOffUntil = namedUntil = 0;
    },
    forget: () => {
      failures = backOffUntil = 0;
    },
  };
}
