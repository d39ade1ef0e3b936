/**
 * One spare session per destination, logged in ahead with the credential in force, so that a call does not wait for a
 * login. It is replaced before its credential expires and closed after ten minutes without a call.
 */
import type { Credential, Credentials } from './credentials.ts';
import { closeSession, type LeasedSession } from './leased-session.ts';

export interface PostgresSpares {
  /** Handed out once; undefined when there is none. */
  take(destination: string): LeasedSession | undefined;
  /** A call for this person was served: have a spare for the next one. Never rejects. */
  prepare(destination: string, subject: string): Promise<void>;
  /** Closes them all, those under way as well. */
  readonly drop: () => void;
}

interface SpareDeps {
  readonly open: (credential: Credential, signal: AbortSignal) => Promise<LeasedSession>;
  readonly credentials: Credentials;
  readonly now: () => number;
}

interface Spare {
  readonly leased: LeasedSession;
  readonly timer: NodeJS.Timeout;
}

const idleMs = 10 * 60_000;
const renewBeforeMs = 60_000;
/** Where the issuer's lifetimes are short: a spare lives at least this long, so that renewing never becomes a loop. */
const leastLifeMs = 5_000;

export function createPostgresSpares({ open, credentials, now }: SpareDeps): PostgresSpares {
  const spares = new Map<string, Spare>();
  const lastCallAt = new Map<string, number>();
  const preparing = new Map<string, AbortController>();

  const take = (destination: string): LeasedSession | undefined => {
    const spare = spares.get(destination);
    if (spare === undefined) return undefined;
    spares.delete(destination);
    clearTimeout(spare.timer);
    return spare.leased;
  };

  const keep = (destination: string, leased: LeasedSession): void => {
    const { subject, validUntil } = leased.credential;
    const lifeMs = Math.min(idleMs, Math.max(leastLifeMs, validUntil - renewBeforeMs - now()));
    const replace = (): void => {
      const old = take(destination);
      if (old !== undefined) closeSession(old);
      if (now() - (lastCallAt.get(destination) ?? 0) < idleMs) void logInAhead(destination, subject);
    };
    spares.set(destination, { leased, timer: setTimeout(replace, lifeMs).unref() });
  };

  const logInAhead = async (destination: string, subject: string): Promise<void> => {
    if (spares.has(destination) || preparing.has(destination)) return;
    const abort = new AbortController();
    preparing.set(destination, abort);
    try {
      const credential = await credentials.obtain(destination, { subject, until: now() + renewBeforeMs });
      const leased = await open(credential, abort.signal);
      if (abort.signal.aborted) closeSession(leased);
      else keep(destination, leased);
    } catch {
      // No spare, no harm: the next call logs in itself and reports why it cannot.
    } finally {
      if (preparing.get(destination) === abort) preparing.delete(destination);
    }
  };

  return {
    take,
    prepare: (destination, subject) => {
      lastCallAt.set(destination, now());
      return logInAhead(destination, subject);
    },
    drop: () => {
      for (const abort of preparing.values()) abort.abort();
      preparing.clear();
      lastCallAt.clear();
      for (const destination of [...spares.keys()]) {
        const leased = take(destination);
        if (leased !== undefined) closeSession(leased);
      }
    },
  };
}
