/**
 * Guarantees: an egress worker gets a just-in-time login only for a destination that the configuration gives its connector,
 * only while a person is signed in, only sealed to the key it made at its start, and after a restart of its pair only once
 * the person has authenticated again.
 * Trusts: the supervisor to hand each connector's channel over under its own name.
 */
import type { DestinationConfig } from '../contract/config.ts';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { Fault, outcomeCodeSchema, type OutcomeCode } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';

export interface SealedCredential {
  readonly subject: string;
  readonly role: string;
  /** base64 of `crypto_box_seal` ciphertext. */
  readonly sealed: string;
  /** The second secret, where there are two. */
  readonly alsoSealed?: string;
  readonly expiresAt: number;
}
export interface IssuedCredential {
  readonly subject: string;
  readonly role: string;
  readonly expiresAt: number;
  /** Or token, or key. */
  readonly password: Secret;
  readonly also?: Secret;
}
export type RevokeReason = 'signed_out' | 'person_changed' | 'access_ended';

export interface CredentialDeps {
  readonly destination: (connector: string, destination: string) => DestinationConfig | undefined;
  readonly challenged: (challenge: ClaimsChallenge) => Fault;
  /** Rejects with a `Fault` when nobody is signed in or the issuer refuses. */
  readonly issue: (destination: DestinationConfig) => Promise<IssuedCredential>;
  readonly sealTo: (publicKey: Uint8Array, secret: Secret) => Uint8Array;
  readonly signedIn: () => boolean;
  readonly issued: (connector: string, detail: string) => void;
  /** The set of connectors that wait has changed. */
  readonly waitingChanged: (connector: string) => void;
  /** It has a destination: else there is no access that a process of it could have held. */
  readonly reaches: (connector: string) => boolean;
}

/** One egress worker's end. */
export interface EgressDesk {
  hello(publicKey: Uint8Array): void;
  credential(destination: string): Promise<SealedCredential>;
  /** A service wants a stronger or newer sign-in: what the call ends with. */
  challenged(destination: string, challenge: ClaimsChallenge): OutcomeCode;
  /** The proxy's password, for this worker alone; nothing before it said hello. */
  sealed(secret: Secret | undefined): { readonly sealed?: string };
  /** The channel closed, or a newer one replaced it: nothing more is given here. */
  detach(): void;
}

export interface Credentials {
  /** A second one for the same connector is a restarted pair: unless the person authenticated since the first one's end, it waits. */
  attach(connector: string, revoke: (reason: RevokeReason) => void): EgressDesk;
  waiting(): string[];
  /** The person has authenticated: nobody waits any more. */
  authenticated(): void;
  revokeAll(reason: RevokeReason): void;
}

export function createCredentials(deps: CredentialDeps): Credentials {
  const seen = new Set<string>();
  const waiting = new Set<string>();
  /** Each end of access begins another: what was under way before serves nobody after. */
  let access = 0;
  const desks = new Map<string, { readonly desk: EgressDesk; readonly revoke: (reason: RevokeReason) => void }>();

  const markWaiting = (connector: string): void => {
    if (!deps.signedIn() || waiting.has(connector)) return;
    waiting.add(connector);
    deps.waitingChanged(connector);
  };
  return {
    attach: (connector, revoke) => {
      if (seen.has(connector) && deps.reaches(connector)) markWaiting(connector);
      seen.add(connector);
      desks.get(connector)?.desk.detach();
      const desk = createDesk(deps, connector, {
        isWaiting: () => waiting.has(connector),
        access: () => access,
        refused: () => {
          markWaiting(connector);
        },
        detached: () => {
          if (desks.get(connector)?.desk === desk) desks.delete(connector);
        },
      });
      desks.set(connector, { desk, revoke });
      return desk;
    },
    waiting: () => [...waiting].sort(),
    authenticated: () => {
      waiting.clear();
      // Whose end is gone by now needs no second sign-in when it comes back.
      for (const connector of seen) if (!desks.has(connector)) seen.delete(connector);
    },
    revokeAll: (reason) => {
      access += 1;
      if (reason !== 'person_changed') waiting.clear();
      for (const { revoke } of desks.values()) revoke(reason);
    },
  };
}

interface DeskState {
  readonly isWaiting: () => boolean;
  readonly access: () => number;
  /** The issuer wants a fresh authentication. */
  readonly refused: () => void;
  readonly detached: () => void;
}

function createDesk(deps: CredentialDeps, connector: string, state: DeskState): EgressDesk {
  let key: Uint8Array | undefined;
  let open = true;
  const underWay = new Map<string, { readonly access: number; readonly answer: Promise<SealedCredential> }>();

  const sealedTo = (publicKey: Uint8Array, secret: Secret): string =>
    Buffer.from(deps.sealTo(publicKey, secret)).toString('base64');
  const obtain = async (name: string, publicKey: Uint8Array): Promise<SealedCredential> => {
    const destination = deps.destination(connector, name);
    if (destination === undefined)
      throw new Fault('destination_not_allowed', 'This connector has no such destination in the configuration.');
    const begun = state.access();
    const { password, also, ...login } = await deps.issue(destination).catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'reauthentication_required') state.refused();
      throw error;
    });
    try {
      if (begun !== state.access())
        throw new Fault('access_ended', 'Access ended. Ask the person to sign in to Sallyport again.');
      if (!open || state.isWaiting()) throw waitingFault();
      const sealed = sealedTo(publicKey, password);
      const alsoSealed = also === undefined ? {} : { alsoSealed: sealedTo(publicKey, also) };
      deps.issued(connector, `${name} as ${login.role} until ${new Date(login.expiresAt).toISOString()}`);
      return { ...login, sealed, ...alsoSealed };
    } finally {
      password.wipe();
      also?.wipe();
    }
  };
  return {
    hello: (publicKey) => {
      // A key is made once, at the worker's start: a second one would be somebody else's.
      if (key !== undefined) throw new Fault('malformed', 'This egress worker has already said hello.');
      if (publicKey.length !== 32)
        throw new Fault('malformed', 'The public key of the egress worker has the wrong length.');
      key = publicKey;
    },
    credential: (name) => {
      if (key === undefined) return Promise.reject(new Fault('malformed', 'An egress worker must say hello first.'));
      if (!open || state.isWaiting()) return Promise.reject(waitingFault());
      const same = underWay.get(name);
      if (same?.access === state.access()) return same.answer;
      const answer = obtain(name, key).finally(() => {
        if (underWay.get(name)?.answer === answer) underWay.delete(name);
      });
      underWay.set(name, { access: state.access(), answer });
      return answer;
    },
    challenged: (name, challenge) => {
      if (!open || !deps.signedIn() || deps.destination(connector, name) === undefined) return 'not_permitted';
      const { code } = deps.challenged(challenge);
      if (code === 'reauthentication_required') state.refused();
      const outcome = outcomeCodeSchema.safeParse(code);
      return outcome.success ? outcome.data : 'internal';
    },
    sealed: (secret) => (key === undefined || !open || secret === undefined ? {} : { sealed: sealedTo(key, secret) }),
    detach: () => {
      open = false;
      state.detached();
    },
  };
}

const waitingFault = (): Fault =>
  new Fault(
    'reauthentication_required',
    'This connector was restarted. The person must sign in again before it gets a credential.',
  );
