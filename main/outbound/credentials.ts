/**
 * Guarantees: a credential is used only for the person it was made for, never longer than it says and never longer
 * than 60 minutes; its password exists here only in guarded memory and is wiped when it is replaced and no connection
 * uses it, when it expires, and at once on `wipe`.
 * Trusts: the vault for subject, role and expiry; the injected memory.
 */
import { maxCredentialBytes, maxCredentialLifeMs } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import { sealNeedles, type Needles } from './echo-filter.ts';
import { allForms, fewForms } from './echo-forms.ts';
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
  /** Or token, or key. */
  readonly password: Secret;
  /** The second secret, where there are two. */
  readonly also?: Secret;
  /** What the echo filter looks for: of each secret. */
  readonly needles: readonly Needles[];
  /** Keeps it from being wiped when a newer one replaces it; call the answer once when done. */
  hold(): () => void;
}

export interface IssuedCredential {
  readonly subject: string;
  readonly role: string;
  /** base64 of the `crypto_box_seal`ed password. */
  readonly sealed: string;
  readonly alsoSealed?: string | undefined;
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
  /** Whether what this destination takes is a database login, which is short; absent: it is. */
  readonly isLogin?: (destination: string) => boolean;
  readonly now?: () => number;
}

interface Held extends Credential {
  retire(): void;
  destroy(): void;
}

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
    if (started !== generation) throw ended();
    const credential = hold({
      destination,
      issued,
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
  readonly deps: CredentialDeps & { readonly now: () => number };
  readonly forget: (credential: Held) => void;
}

function hold({ destination, issued, deps, forget }: HoldParts): Held {
  const { secret, also, needles } = opened(destination, issued, deps);
  const issuedAt = deps.now();
  const validUntil = Math.min(issued.expiresAt, issuedAt + maxCredentialLifeMs);
  let users = 0;
  let retired = false;
  const destroy = (): void => {
    for (const each of [secret, also, ...needles]) each?.wipe();
    forget(held);
  };
  const held: Held = {
    destination,
    subject: issued.subject,
    role: issued.role,
    issuedAt,
    validUntil,
    password: secret,
    ...(also === undefined ? {} : { also }),
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

interface Opened {
  readonly secret: Secret;
  readonly also: Secret | undefined;
  readonly needles: readonly Needles[];
}

/** Everything it says is in guarded memory, or nothing. */
function opened(destination: string, issued: IssuedCredential, deps: HoldParts['deps']): Opened {
  const taken: Secret[] = [];
  const take = (secret: Secret): Secret => {
    taken.push(secret);
    return secret;
  };
  const isLogin = deps.isLogin?.(destination) ?? true;
  try {
    const secret = take(deps.openSealed(Buffer.from(issued.sealed, 'base64')));
    const { alsoSealed } = issued;
    const also = alsoSealed === undefined ? undefined : take(deps.openSealed(Buffer.from(alsoSealed, 'base64')));
    const mostBytes = isLogin ? password.mostBytes : maxCredentialBytes;
    const fits = taken.every(({ length }) => length >= password.leastBytes && length <= mostBytes);
    if (!fits || issued.expiresAt <= deps.now())
      throw new Fault('backend_refused', 'The issuer gave no usable credential (expired, or a secret of an odd size).');
    const forms = isLogin ? fewForms : allForms;
    const needles = (also === undefined ? [secret] : [secret, also]).map((each) => {
      const made = sealNeedles(deps.memory, each, forms);
      taken.push(made.list);
      return made;
    });
    return { secret, also, needles };
  } catch (error) {
    for (const secret of taken) secret.wipe();
    throw error;
  }
}

const ended = (): Fault =>
  new Fault('access_ended', 'Access has ended for the person this call was made for. Sign in again.');
