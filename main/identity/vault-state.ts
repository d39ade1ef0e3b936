/** The vault's parts put together: access, sign-in, credentials. What each guarantees is said there. */
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { Secret } from '../contract/secret.ts';
import { createAccess, type Lifecycle } from './access.ts';
import { createAccountSignIn, type SignInOrder } from './account-sign-in.ts';
import { createChallenges } from './challenges.ts';
import { createCredentials, type Credentials } from './credentials.ts';
import type { ExchangeStarter } from './exchange-process.ts';
import { createSignInDesk } from './sign-in-desk.ts';
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
  readonly now: () => number;
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
  const record = (what: Lifecycle['what'], subject: string, detail: string): void => {
    deps.record({
      event: 'lifecycle',
      what,
      person: labelOf(access.session()?.principal),
      subject,
      detail: detail.slice(0, 300),
    });
  };
  const access = createAccess({
    ...deps,
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
    issue: (destination) => access.issue(destination),
    sealTo: deps.sealTo,
    signedIn: () => access.session() !== undefined,
    destination: (connector, name) => config().connectors.find((each) => each.name === connector)?.destinations[name],
    issued: (connector, detail) => {
      record('credential-issued', connector, detail);
    },
    waitingChanged: (connector) => {
      record('reauthentication-required', connector, 'no credential until the person has signed in again');
      changed();
    },
  });
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
    status: () => {
      const session = access.session();
      return {
        principal: session?.principal ?? null,
        validUntil: session?.validUntil ?? null,
        waiting: credentials.waiting(),
        exchanges: exchanges.pids(),
      };
    },
  };
}

function labelOf(person: Principal | undefined): Lifecycle['person'] {
  return person === undefined ? null : { subject: person.subject, username: person.username, issuer: person.issuer };
}
