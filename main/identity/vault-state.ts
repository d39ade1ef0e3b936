/** The vault's parts put together: access, sign-in, credentials. What each guarantees is said there. */
import type { EndCause } from '../contract/access-end.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { Secret } from '../contract/secret.ts';
import type { LedgerEntry } from '../contract/credentials.ts';
import { createAccess, type Access, type Lifecycle } from './access.ts';
import { createAccountSignIn, type SignInOrder } from './account-sign-in.ts';
import { createChallenges } from './challenges.ts';
import { createCredentials, type Credentials } from './credentials.ts';
import type { ExchangeStarter } from './exchange-process.ts';
import { watchNetwork } from './network-watch.ts';
import { createRotationLedger } from './rotation-ledger.ts';
import { createSignInDesk } from './sign-in-desk.ts';
import { createSleepWatch, type SleepWatch } from './sleep-watch.ts';
import type { VaultConfig } from './vault-config.ts';

export interface VaultStateDeps {
  readonly exchanges: ExchangeStarter;
  readonly sealTo: (publicKey: Uint8Array, secret: Secret) => Uint8Array;
  /** Whatever guarded memory still holds. */
  readonly wipeAll: () => void;
  readonly record: (record: Lifecycle) => void;
  /** Who is signed in, until when, or who waits has changed. */
  readonly changed: () => void;
  readonly openUrl: (url: string) => void;
  /** The ages of long-lived secrets: for the file that the shell keeps. */
  readonly ledgerChanged: (entries: LedgerEntry[]) => void;
  readonly now: () => number;
  /** Milliseconds that this process lived through. */
  readonly monotonic: () => number;
  /** The machine's addresses but loopback's. */
  readonly addresses: () => string;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface VaultStatus {
  readonly principal: Principal | null;
  /** Milliseconds since the epoch. */
  readonly validUntil: number | null;
  readonly waiting: string[];
  /** Pids of exchange processes. */
  readonly exchanges: number[];
  /** Why the last access ended; null while somebody is signed in. */
  readonly ended: EndCause | null;
  readonly eventsFailing: string | null;
}

export interface VaultState extends Pick<Credentials, 'attach'> {
  configure(config: VaultConfig): void;
  /** Carries what services asked of the next sign-in. */
  signIn(order: SignInOrder): Promise<Principal>;
  cancelSignIn(): void;
  /** The next sign-in asks for the password (`prompt=login`), whoever starts it. */
  signOut(): void;
  status(): VaultStatus;
}

export function createVaultState(deps: VaultStateDeps): VaultState {
  const { exchanges, changed } = deps;
  let given: VaultConfig | undefined;
  const challenges = createChallenges(deps.now);
  const config = (): VaultConfig => {
    if (given === undefined) throw new Fault('internal', 'The vault is not configured yet.');
    return given;
  };
  const record = recorder(deps.record, () => access.session()?.principal);
  const ledger = createRotationLedger({ changed: deps.ledgerChanged, now: deps.now });
  const access = createAccess({
    ...deps,
    ledger,
    challenges,
    config,
    record,
    revoke: (reason) => {
      credentials.revokeAll(reason);
    },
    authenticated: () => {
      credentials.authenticated();
    },
  });
  const credentials = createCredentials({
    issue: (destination) => {
      // Before a timer says so: nothing is issued to a computer that just woke up.
      surroundings.look();
      return access.issue(destination);
    },
    challenged: (challenge) => access.challenged(challenge),
    sealTo: deps.sealTo,
    signedIn: () => access.session() !== undefined,
    destination: (connector, name) => config().connectors.find((each) => each.name === connector)?.destinations[name],
    reaches: (connector) =>
      Object.keys(config().connectors.find((each) => each.name === connector)?.destinations ?? {}).length > 0,
    issued: (connector, detail) => {
      record('credential-issued', connector, detail);
    },
    waitingChanged: (connector) => {
      record('reauthentication-required', connector, 'no credential until the person has signed in again');
      changed();
    },
  });
  const surroundings = watchSurroundings(deps, access);
  const desk = createSignInDesk({ ...deps, config });
  const signIns = createAccountSignIn({
    desk,
    access,
    challenges,
    config,
    failed: (detail) => {
      record('sign-in-failed', 'vault', detail);
    },
    changed,
  });
  return {
    attach: (connector, revoke) => credentials.attach(connector, revoke),
    configure: (next) => {
      given = next;
      ledger.load(next.ledger);
    },
    signIn: (order) => signIns.signIn(order),
    cancelSignIn: () => {
      desk.cancel(new Fault('not_signed_in', 'The sign-in was cancelled.'));
    },
    signOut: () => {
      signIns.signedOut();
      desk.cancel(new Fault('not_signed_in', 'The person signed out.'));
      access.end('signed_out', 'every credential was wiped');
      deps.wipeAll();
    },
    status: () => ({ ...statusOf(access), waiting: credentials.waiting(), exchanges: exchanges.pids() }),
  };
}

function statusOf(access: Access): Omit<VaultStatus, 'waiting' | 'exchanges'> {
  const session = access.session();
  return {
    principal: session?.principal ?? null,
    validUntil: session?.validUntil ?? null,
    ended: access.ended(),
    eventsFailing: access.continuity.eventsFailing(),
  };
}

/** The machine sleeps, wakes up, and changes its network. */
function watchSurroundings(deps: VaultStateDeps, { continuity }: Access): SleepWatch {
  watchNetwork({
    addresses: deps.addresses,
    changed: () => {
      continuity.networkChanged();
    },
  });
  return createSleepWatch({
    ...deps,
    woke: (sleptMs) => {
      continuity.woke(sleptMs);
    },
  });
}

function recorder(write: VaultStateDeps['record'], person: () => Principal | undefined) {
  return (what: Lifecycle['what'], subject: string, detail: string): void => {
    write({ event: 'lifecycle', what, person: labelOf(person()), subject, detail: detail.slice(0, 300) });
  };
}

function labelOf(person: Principal | undefined): Lifecycle['person'] {
  return person === undefined ? null : { subject: person.subject, username: person.username, issuer: person.issuer };
}
