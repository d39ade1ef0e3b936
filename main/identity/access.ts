/**
 * Guarantees: at most one person's access at a time; it ends, with everything wiped and every egress worker told, at sign-out,
 * when another person signs in, when the provider says the grant is dead, and when the provider could not be asked for a
 * whole policy window, and when a service says that its sign-in counts no more.
 * Trusts: exchange processes for validation; `session.ts` checks issuer, client and person again.
 */
import type { EndCause } from '../contract/access-end.ts';
import type { AuditRecord } from '../contract/audit.ts';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { wayOf, type DestinationConfig } from '../contract/config.ts';
import type { CredentialWay, WayOf } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import type { Challenges } from './challenges.ts';
import { createContinuity, notConfirmed, type Continuity } from './continuity.ts';
import type { IssuedCredential, RevokeReason } from './credentials.ts';
import type { ExchangeStarter } from './exchange-process.ts';
import { issueAnother, personalTasks, type IssueDeps } from './issue.ts';
import { createRenewal, endedFault, exchangeTimeoutMs } from './renewal.ts';
import { isRevocation } from './read-challenge.ts';
import type { RotationLedger } from './rotation-ledger.ts';
import { isSameAccess, type Session } from './session.ts';
import { networkOf, type VaultConfig } from './vault-config.ts';

export type Lifecycle = Extract<AuditRecord, { event: 'lifecycle' }>;

export interface AccessDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly record: (what: Lifecycle['what'], subject: string, detail: string) => void;
  /** Who is signed in, or until when, has changed. */
  readonly changed: () => void;
  readonly revoke: (reason: RevokeReason) => void;
  readonly authenticated: () => void;
  readonly ledger: Pick<RotationLedger, 'note' | 'mayRotate'>;
  /** A service wants a stronger or newer sign-in. */
  readonly challenges: Pick<Challenges, 'met'>;
  readonly now: () => number;
  /** Milliseconds that this process lived through. */
  readonly monotonic: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface Access {
  session(): Session | undefined;
  /** A sign-in succeeded. */
  adopt(fresh: Session): void;
  /** Nothing happens when nobody is signed in. `cause`: for the person; by default what fits the reason. */
  end(reason: 'signed_out' | 'access_ended', detail: string, cause?: EndCause): void;
  /** Why the last one ended; null while somebody is signed in. */
  ended(): EndCause | null;
  readonly continuity: Pick<Continuity, 'eventsFailing' | 'woke' | 'networkChanged'>;
  /** Rejects with `Fault` `not_signed_in`, `access_ended`, or what provider and issuer answered. */
  issue(destination: DestinationConfig): Promise<IssuedCredential>;
  /** What a call ends with whose service asked for this. */
  challenged(challenge: ClaimsChallenge): Fault;
}

const confirmed = (): boolean => true;
const refused = (): boolean => false;

export function createAccess(deps: AccessDeps): Access {
  const { now, record } = deps;
  let session: Session | undefined;
  let ended: EndCause | null = null;
  const isNobody = (): boolean => session === undefined;

  const end = (
    reason: 'signed_out' | 'access_ended',
    detail: string,
    cause: EndCause = reason === 'signed_out' ? 'signed-out' : 'provider-refused',
  ): void => {
    if (session === undefined) return;
    ended = cause;
    record(reason === 'signed_out' ? 'signed-out' : 'access-ended', 'vault', detail);
    continuity.stop();
    session.wipe();
    session = undefined;
    deps.exchanges.cancelAll(personalTasks, endedFault());
    deps.revoke(reason);
    deps.changed();
  };
  const continuity: Continuity = createContinuity({
    ...deps,
    session: () => session,
    confirm: async () =>
      session === undefined || (await renewal.confirm(session).then(confirmed, refused)) || isNobody(),
    accessToken: (one, scope) => renewal.accessToken(one, scope),
    end: (cause, detail) => {
      end('access_ended', detail, cause);
    },
  });
  const challenged = (challenge: ClaimsChallenge): Fault => heeded(challenge, deps.challenges.met(challenge), end);
  const renewal = createRenewal({
    ...deps,
    outage: continuity.outage,
    isCurrent: (one) => one === session,
    challenged,
    renewed: ({ validUntil }) => {
      continuity.confirmed(validUntil);
      deps.changed();
    },
    dead: (_, say) => {
      end('access_ended', say);
    },
  });
  return {
    session: () => session,
    ended: () => ended,
    continuity,
    adopt: (fresh) => {
      const before = session;
      session = fresh;
      ended = null;
      before?.wipe();
      if (before !== undefined && !isSameAccess(before, fresh)) {
        record('person-changed', 'vault', `before: ${before.principal.username}`);
        deps.exchanges.cancelAll(personalTasks, endedFault());
        deps.revoke('person_changed');
      }
      deps.authenticated();
      continuity.begin(fresh.validUntil);
      record('signed-in', 'vault', fresh.principal.authenticationMethods.join(' '));
      deps.changed();
    },
    end,
    challenged,
    issue: async (destination) => {
      // A timer may be late, after the machine slept.
      if (session !== undefined && session.validUntil <= now()) end('access_ended', notConfirmed, 'not-confirmed');
      const holder = session;
      if (holder === undefined)
        throw new Fault('not_signed_in', 'Nobody is signed in. Ask the person to sign in to Sallyport.');
      const way = wayTo(destination);
      const issuing = { ...deps, renewal, outage: continuity.outage, isCurrent: () => session === holder, challenged };
      return way.kind === 'postgres-issuer' ? issueFor(holder, way, issuing) : issueAnother(holder, way, issuing);
    },
  };
}

/** What a call ends with that met a challenge; one that takes back the sign-in itself ends access. */
function heeded(challenge: ClaimsChallenge, fault: Fault, end: Access['end']): Fault {
  if (!isRevocation(challenge) || fault.code === 'not_permitted') return fault;
  end('access_ended', 'a service said that this sign-in counts no more', 'challenged');
  return endedFault();
}

function wayTo(destination: DestinationConfig): CredentialWay {
  const way = wayOf(destination);
  if (way !== undefined) return way;
  throw new Fault('destination_not_allowed', 'The configuration does not say where this credential comes from.');
}

interface LoginDeps extends IssueDeps {
  /** What the call ends with. */
  readonly challenged: (challenge: ClaimsChallenge) => Fault;
}

async function issueFor(holder: Session, issuer: WayOf<'postgres-issuer'>, deps: LoginDeps): Promise<IssuedCredential> {
  const { exchanges, config, renewal, isCurrent, challenged } = deps;
  const input = await renewal.accessToken(holder, issuer.scope);
  const { exchangeCommand } = config();
  const task = {
    name: 'issue-postgres',
    params: { url: issuer.url, ...networkOf(config()), subject: holder.principal.subject },
    input,
    outputs: 1,
    timeoutMs: exchangeTimeoutMs,
  } as const;
  const { reply, secrets } = await exchanges.start(exchangeCommand, task).done.catch((error: unknown) => {
    // The token was wiped under the exchange: whatever the issuer said of it does not count.
    throw isCurrent() ? error : endedFault();
  });
  if ('challenge' in reply) throw isCurrent() ? challenged(reply.challenge) : endedFault();
  const [password] = secrets;
  if (password !== undefined && isCurrent()) return { ...reply, subject: holder.principal.subject, password };
  password?.wipe();
  throw endedFault();
}
