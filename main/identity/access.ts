/**
 * Guarantees: at most one person's access at a time; it ends, with everything wiped and every egress worker told, at sign-out,
 * when another person signs in, when the provider says the grant is dead, and when the provider could not be asked for a
 * whole policy window, and when a service says that its sign-in counts no more.
 * Trusts: exchange processes for validation; `session.ts` checks issuer, client and person again.
 */
import type { AuditRecord } from '../contract/audit.ts';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import type { DestinationConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Challenges } from './challenges.ts';
import type { IssuedCredential, RevokeReason } from './credentials.ts';
import type { ExchangeStarter } from './exchange-process.ts';
import { createRenewal, endedFault, exchangeTimeoutMs, type Renewal } from './renewal.ts';
import { isRevocation } from './read-challenge.ts';
import { createRevalidation } from './revalidation.ts';
import { isSameAccess, type Session } from './session.ts';
import type { VaultConfig } from './vault-config.ts';

export type Lifecycle = Extract<AuditRecord, { event: 'lifecycle' }>;

export interface AccessDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly record: (what: Lifecycle['what'], subject: string, detail: string) => void;
  /** Who is signed in, or until when, has changed. */
  readonly changed: () => void;
  readonly revoke: (reason: RevokeReason) => void;
  readonly authenticated: () => void;
  /** A service wants a stronger or newer sign-in. */
  readonly challenges: Pick<Challenges, 'met'>;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface Access {
  session(): Session | undefined;
  /** A sign-in succeeded. */
  adopt(fresh: Session): void;
  /** Nothing happens when nobody is signed in. */
  end(reason: 'signed_out' | 'access_ended', detail: string): void;
  /** Rejects with `Fault` `not_signed_in`, `access_ended`, or what provider and issuer answered. */
  issue(destination: DestinationConfig): Promise<IssuedCredential>;
}

export function createAccess(deps: AccessDeps): Access {
  const { now, record } = deps;
  let session: Session | undefined;

  const end = (reason: 'signed_out' | 'access_ended', detail: string): void => {
    if (session === undefined) return;
    record(reason === 'signed_out' ? 'signed-out' : 'access-ended', 'vault', detail);
    revalidation.stop();
    session.wipe();
    session = undefined;
    deps.exchanges.cancelAll(['refresh', 'issue-postgres'], endedFault());
    deps.revoke(reason);
    deps.changed();
  };
  const renewal = createRenewal({
    ...deps,
    isCurrent: (one) => one === session,
    renewed: ({ validUntil }) => {
      revalidation.confirmed(validUntil);
      deps.changed();
    },
    dead: (_, say) => {
      end('access_ended', say);
    },
  });
  const revalidation = createRevalidation({
    confirm: async () => {
      if (session === undefined) return true;
      return renewal.confirm(session).then(
        () => true,
        () => session === undefined,
      );
    },
    expired: () => {
      end('access_ended', notConfirmed);
    },
    now,
    random: deps.random,
  });
  return {
    session: () => session,
    adopt: (fresh) => {
      const before = session;
      session = fresh;
      before?.wipe();
      if (before !== undefined && !isSameAccess(before, fresh)) {
        record('person-changed', 'vault', `before: ${before.principal.username}`);
        deps.exchanges.cancelAll(['refresh', 'issue-postgres'], endedFault());
        deps.revoke('person_changed');
      }
      deps.authenticated();
      revalidation.confirmed(fresh.validUntil);
      record('signed-in', 'vault', fresh.principal.authenticationMethods.join(' '));
      deps.changed();
    },
    end,
    issue: async (destination) => {
      // A timer may be late, after the machine slept.
      if (session !== undefined && session.validUntil <= now()) end('access_ended', notConfirmed);
      const holder = session;
      if (holder === undefined)
        throw new Fault('not_signed_in', 'Nobody is signed in. Ask the person to sign in to Sallyport.');
      const isCurrent = (): boolean => session === holder;
      const challenged = (challenge: ClaimsChallenge): Fault => {
        const fault = deps.challenges.met(challenge);
        if (!isRevocation(challenge) || fault.code === 'not_permitted') return fault;
        end('access_ended', 'a service said that this sign-in counts no more (continuous access evaluation)');
        return endedFault();
      };
      return issueFor(holder, destination, { ...deps, renewal, isCurrent, challenged });
    },
  };
}

const notConfirmed = 'the identity provider could not be reached within the policy window';

interface IssueDeps extends Pick<AccessDeps, 'exchanges' | 'config'> {
  readonly renewal: Renewal;
  readonly isCurrent: () => boolean;
  /** What the call ends with. */
  readonly challenged: (challenge: ClaimsChallenge) => Fault;
}

async function issueFor(holder: Session, { issuer }: DestinationConfig, deps: IssueDeps): Promise<IssuedCredential> {
  const { exchanges, config, renewal, isCurrent, challenged } = deps;
  const input = await renewal.accessToken(holder, issuer.scope);
  const { authorities, exchangeCommand } = config();
  const task = {
    name: 'issue-postgres',
    params: { url: issuer.url, authorities },
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
