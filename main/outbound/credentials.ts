/**
 * Guarantees: a credential is used only for the person it was made for, never longer than it says and never longer
 * than 60 minutes; its password exists here only in guarded memory and is wiped when it is replaced and no connection
 * uses it, when it expires, and at once on `wipe`.
 * Trusts: the vault for subject, role and expiry; the injected memory.
 */
import { Fault } from '../contract/errors.ts';
import { sealNeedles } from './echo-filter.ts';
import type { Secret } from '../contract/secret.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface Credential {
  readonly destination: string;
  readonly subject: string;
  readonly role: string;
  /** Milliseconds since the epoch, as `validUntil`. */
  readonly issuedAt: number;
  /** The issuer's expiry, at most 60 minutes ahead. */
  readonly validUntil: number;
  readonly password: Secret;
  /** What the echo filter looks for. */
  readonly needles: Secret;
  /** Keeps it from being wiped when a newer one replaces it; call the answer once when done. */
  hold(): () => void;
}

export interface IssuedCredential {
  readonly subject: string;
  readonly role: string;
  /** base64 of the `crypto_box_seal`ed password. */
  readonly sealed: string;
  readonly expiresAt: number;
}

export interface Credentials {
  /**
   * For this person, valid until `until` where the issuer allows that long. Faults: the vault's codes;
   * `access_ended` when the vault's person is another one.
   */
  obtain(destination: string, need: { readonly subject: string; readonly until: number }): Promise<Credential>;
  /** Never hand it out again: the backend does not accept it any more. */
  discard(credential: Credential): void;
  wipe(): void;
  /** The latest expiry of what is held, or null. */
  readonly validUntil: number | null;
}

interface CredentialDeps {
  /** The vault's answer; rejects with its code. */
  readonly request: (destination: string) => Promise<IssuedCredential>;
  readonly openSealed: (ciphertext: Uint8Array) => Secret;
  readonly memory: SecretMemory;
  readonly now?: () => number;
}

interface Held extends Credential {
  retire(): void;
  destroy(): void;
}

const longestMs = 60 * 60_000;
/** Short passwords could stand in a result by accident, and be guessed. */
const password = { leastBytes: 16, mostBytes: 1024 };

export function createCredentials(deps: CredentialDeps): Credentials {
  const now = deps.now ?? Date.now;
  const current = new Map<string, Held>();
  const pending = new Map<string, Promise<Held>>();
  const alive = new Set<Held>();
  /** A wipe makes what is under way worthless. */
  let generation = 0;

  const drop = (credential: Held): void => {
    if (current.get(credential.destination) === credential) current.delete(credential.destination);
    credential.retire();
  };

  const fetchNew = async (destination: string): Promise<Held> => {
    const started = generation;
    const issued = await deps.request(destination);
    const secret = deps.openSealed(Buffer.from(issued.sealed, 'base64'));
    if (started !== generation) {
      secret.wipe();
      throw ended();
    }
    const credential = hold({
      destination,
      issued,
      secret,
      deps: { ...deps, now },
      forget: (gone) => alive.delete(gone),
    });
    alive.add(credential);
    const previous = current.get(destination);
    current.set(destination, credential);
    previous?.retire();
    setTimeout(
      () => {
        drop(credential);
      },
      Math.max(0, credential.validUntil - now()),
    ).unref();
    return credential;
  };

  const renew = (destination: string): Promise<Held> => {
    const running = pending.get(destination);
    if (running !== undefined) return running;
    const started: Promise<Held> = fetchNew(destination).finally(() => {
      if (pending.get(destination) === started) pending.delete(destination);
    });
    pending.set(destination, started);
    return started;
  };

  return {
    obtain: async (destination, { subject, until }) => {
      const known = current.get(destination);
      if (known?.subject === subject && covers(known, until, now())) return known;
      const credential = await renew(destination);
      if (credential.subject !== subject) throw ended();
      return credential;
    },
    discard: (credential) => {
      const held = current.get(credential.destination);
      if (held === credential) drop(held);
    },
    wipe: () => {
      generation += 1;
      pending.clear();
      current.clear();
      for (const credential of [...alive]) credential.destroy();
    },
    get validUntil() {
      const ends = [...current.values()].map((credential) => credential.validUntil);
      return ends.length === 0 ? null : Math.max(...ends);
    },
  };
}

/** Where the issuer's lifetimes are shorter than calls, a young one does: asking again would give no more. */
function covers(credential: Held, until: number, at: number): boolean {
  if (until <= credential.validUntil) return true;
  const lifetimeMs = credential.validUntil - credential.issuedAt;
  return lifetimeMs < until - at && credential.validUntil - at > lifetimeMs / 2;
}

interface HoldParts {
  readonly destination: string;
  readonly issued: IssuedCredential;
  readonly secret: Secret;
  readonly deps: CredentialDeps & { readonly now: () => number };
  readonly forget: (credential: Held) => void;
}

function hold({ destination, issued, secret, deps, forget }: HoldParts): Held {
  const issuedAt = deps.now();
  const validUntil = Math.min(issued.expiresAt, issuedAt + longestMs);
  if (validUntil <= issuedAt || secret.length < password.leastBytes || secret.length > password.mostBytes) {
    secret.wipe();
    throw new Fault('backend_refused', 'The issuer gave no usable credential (expired, or a password under 16 bytes).');
  }
  const needles = needlesOf(deps.memory, secret);
  let users = 0;
  let retired = false;
  const destroy = (): void => {
    secret.wipe();
    needles.wipe();
    forget(held);
  };
  const held: Held = {
    destination,
    subject: issued.subject,
    role: issued.role,
    issuedAt,
    validUntil,
    password: secret,
    needles,
    hold: () => {
      users += 1;
      let released = false;
      return () => {
        if (released) return;
        released = true;
        users -= 1;
        if (retired && users === 0) destroy();
      };
    },
    retire: () => {
      retired = true;
      if (users === 0) destroy();
    },
    destroy,
  };
  return held;
}

function needlesOf(memory: SecretMemory, secret: Secret): Secret {
  try {
    return sealNeedles(memory, secret);
  } catch (error) {
    secret.wipe();
    throw error;
  }
}

const ended = (): Fault =>
  new Fault('access_ended', 'Access has ended for the person this call was made for. Sign in again.');
