/**
 * How old the secrets are that live long. Guarantees: an age never shrinks while the version stays, whatever the server says
 * later; past 90 days a secret is refused; with a ledger that cannot be believed every one is. Holds names, versions and dates.
 * Trusts: the server for the time of a version that it shows for the first time. Does not protect against: a new version with
 * the old value (no value, and no hash of one, is ever kept).
 */
import { ageDays, secretAge, type Ledger, type LedgerEntry } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';

export interface SecretVersion {
  readonly number: number;
  readonly createdAt: number;
}

export interface RotationLedger {
  load(entries: Ledger): void;
  /** Writes the version down and answers its age in days. Throws `Fault` `protection_missing`, `backend_refused` (an older version). */
  note(name: string, version: SecretVersion): number;
  /** Whether a rotation may be tried: once an hour, so that one that fails is no storm. */
  mayRotate(name: string): boolean;
}

interface LedgerDeps {
  readonly changed: (entries: LedgerEntry[]) => void;
  readonly now: () => number;
}

const maxEntries = 500;
const betweenRotationsMs = 3_600_000;

export function createRotationLedger({ changed, now }: LedgerDeps): RotationLedger {
  let known: Map<string, LedgerEntry> | null = new Map();
  const triedAt = new Map<string, number>();
  return {
    load: (entries) => {
      known = entries === null ? null : new Map(entries.map((entry) => [entry.name, entry]));
    },
    note: (name, { number, createdAt }) => {
      if (known === null)
        throw new Fault(
          'protection_missing',
          'The ledger of long-lived secrets is damaged, so their age is unknown. See: sallyport status',
        );
      const before = known.get(name);
      if (before !== undefined && number < before.version && createdAt <= before.since)
        throw new Fault('backend_refused', `The secret ${name} is an older version than was used before. Rotate it.`);
      const firstSeen = Math.min(createdAt, now());
      const since = before?.version === number ? Math.min(before.since, firstSeen) : firstSeen;
      if (before?.version !== number || before.since !== since) {
        known.set(name, { name, version: number, since });
        forgetOldest(known);
        changed([...known.values()]);
      }
      return ageDays(since, now());
    },
    mayRotate: (name) => {
      const last = triedAt.get(name);
      if (last !== undefined && now() - last < betweenRotationsMs) return false;
      triedAt.set(name, now());
      return true;
    },
  };
}

function forgetOldest(known: Map<string, LedgerEntry>): void {
  if (known.size <= maxEntries) return;
  const [oldest] = [...known.values()].sort((one, other) => one.since - other.since);
  if (oldest !== undefined) known.delete(oldest.name);
}

/** Throws `Fault` `protection_missing`. */
export function refuseTooOld(name: string, days: number): void {
  if (days > secretAge.lastDays)
    throw new Fault(
      'protection_missing',
      `The secret ${name} is ${String(days)} days old; past ${String(secretAge.lastDays)} none is used. Rotate it.`,
    );
}
