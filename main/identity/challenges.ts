/**
 * What services asked of the next sign-in, as the vault keeps it. Guarantees: carried by the person's next sign-in, never a
 * reason to open a browser; one that comes back right after a sign-in that carried it is refused, so that nobody is asked in a loop.
 */
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { Fault } from '../contract/errors.ts';
import { parseJson } from './discovery.ts';

/** After this a service may ask the same again: how long it believes a sign-in is its own matter. */
const rightAfterMs = 300_000;
const shortestMs = 10_000;
const mostKept = 20;

export interface Challenges {
  /** What the call that met it ends with. */
  met(challenge: ClaimsChallenge): Fault;
  /** All that is open, in one; undefined when nothing is. */
  next(): ClaimsChallenge | undefined;
  /** A sign-in succeeded that carried what `next` said when it began. */
  satisfied(): void;
  /** Of somebody who is gone. */
  forget(): void;
}

export function createChallenges(now: () => number): Challenges {
  const open = new Map<string, ClaimsChallenge>();
  const carried = new Map<string, number>();
  let underWay: string[] = [];
  return {
    met: (challenge) => {
      const key = JSON.stringify(challenge);
      const { maxAgeSeconds = Infinity } = challenge;
      const soonMs = Math.min(rightAfterMs, Math.max(shortestMs, maxAgeSeconds * 1000));
      if (now() - (carried.get(key) ?? -Infinity) < soonMs) {
        return new Fault(
          'not_permitted',
          'This service wants a stronger sign-in than this person’s account gave. Ask its administrator which one it needs.',
        );
      }
      open.set(key, challenge);
      for (const oldest of open.keys()) if (open.size > mostKept) open.delete(oldest);
      return new Fault(
        'reauthentication_required',
        'This service wants a stronger or newer sign-in. The person must sign in to Sallyport again.',
      );
    },
    next: () => {
      underWay = [...open.keys()];
      return open.size === 0 ? undefined : [...open.values()].reduce(together);
    },
    satisfied: () => {
      carried.clear();
      for (const key of underWay) {
        open.delete(key);
        carried.set(key, now());
      }
    },
    forget: () => {
      open.clear();
      carried.clear();
    },
  };
}

/** Of two that ask for the same claim the later one counts; the earlier service asks again. */
function together(one: ClaimsChallenge, other: ClaimsChallenge): ClaimsChallenge {
  const acrValues = [...new Set([...(one.acrValues ?? []), ...(other.acrValues ?? [])])].slice(0, 20);
  const ages = [one.maxAgeSeconds, other.maxAgeSeconds].filter((age) => age !== undefined);
  const claims = mergedClaims(one.claims, other.claims);
  return {
    ...(claims === undefined ? {} : { claims }),
    ...(acrValues.length === 0 ? {} : { acrValues }),
    ...(ages.length === 0 ? {} : { maxAgeSeconds: Math.min(...ages) }),
  };
}

function mergedClaims(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return other ?? one;
  const [first, second] = [one, other].map((text) => parseJson(text) as Record<string, object>);
  const merged = { ...first };
  for (const [section, asked] of Object.entries(second ?? {})) merged[section] = { ...merged[section], ...asked };
  const text = JSON.stringify(merged);
  return text.length <= one.length + other.length && text.length <= 4096 ? text : other;
}
