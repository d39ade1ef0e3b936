/** Refreshes one after another (refresh tokens rotate) and finds or obtains the access token for a scope. */
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { Fault, type Code } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import type { ExchangeStarter, ExchangeTask } from './exchange-process.ts';
import type { Outage } from './outage.ts';
import type { Session } from './session.ts';
import { networkOf, type VaultConfig } from './vault-config.ts';

export const exchangeTimeoutMs = 45_000;

/** Nothing but the person's next sign-in helps. */
const final: ReadonlySet<Code> = new Set(['access_ended', 'not_permitted', 'reauthentication_required']);

export interface RenewalDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly isCurrent: (session: Session) => boolean;
  readonly renewed: (session: Session) => void;
  /** The provider said that this grant is over; `say` is the fault's text. */
  readonly dead: (session: Session, say: string) => void;
  /** It wants a stronger sign-in. Answers what the call ends with. */
  readonly challenged: (challenge: ClaimsChallenge) => Fault;
  readonly now: () => number;
  readonly outage: Outage;
}

export interface OwnAccessToken {
  /** The caller wipes it. */
  readonly token: Secret;
  readonly expiresAt: number;
}

export interface Renewal {
  /** Confirms the person. Rejects with a `Fault`: of `final` when the grant is dead, else not reached. */
  confirm(session: Session): Promise<void>;
  /** Valid for at least a minute more. */
  accessToken(session: Session, scope: string): Promise<Secret>;
  /** A new one that the vault does not keep: what leaves it belongs to one connector alone. */
  ownAccessToken(session: Session, scope: string): Promise<OwnAccessToken>;
}

export function createRenewal(deps: RenewalDeps): Renewal {
  let last: Promise<unknown> = Promise.resolve();
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const confirm = async (session: Session): Promise<void> => {
    try {
      await refresh(deps, session, session.identity.scopes);
    } catch (error) {
      const dead = error instanceof Fault && final.has(error.code);
      if (dead && deps.isCurrent(session)) deps.dead(session, error.message);
      throw error;
    }
  };
  return {
    confirm: (session) => queue(() => confirm(session)),
    accessToken: (session, scope) =>
      queue(async () => {
        const held = session.accessToken(scope, deps.now());
        if (held !== undefined) return held;
        // Another audience than the sign-in's: that it is not granted says nothing about the rest.
        if (session.identity.scopes.includes(scope)) await confirm(session);
        else await refresh(deps, session, [scope]);
        const renewed = session.accessToken(scope, deps.now());
        if (renewed !== undefined) return renewed;
        throw notGranted();
      }),
    ownAccessToken: (session, scope) =>
      queue(async () => {
        await refresh(deps, session, [scope]);
        const own = session.takeNewest(scope, deps.now());
        if (own !== undefined) return own;
        throw notGranted();
      }),
  };
}

const notGranted = (): Fault =>
  new Fault(
    'not_permitted',
    'The identity provider does not grant the scope that this destination needs. Check identity.scopes.',
  );

async function refresh(deps: RenewalDeps, session: Session, scopes: readonly string[]): Promise<void> {
  if (!deps.isCurrent(session)) throw endedFault();
  deps.outage.check();
  const { exchangeCommand } = deps.config();
  const task: ExchangeTask<'refresh'> = {
    name: 'refresh',
    params: { identity: session.identity, ...networkOf(deps.config()), scopes: [...scopes] },
    input: session.refreshToken,
    outputs: 2,
    timeoutMs: exchangeTimeoutMs,
    onRetryAfter: (ms: number) => {
      deps.outage.retryAfter(ms);
    },
  };
  const { reply, secrets } = await deps.exchanges.start(exchangeCommand, task).done.catch((error: unknown) => {
    // One grant serves every scope: dead for one, it is dead.
    if (error instanceof Fault && error.code === 'access_ended' && deps.isCurrent(session))
      deps.dead(session, error.message);
    throw deps.outage.failed(error);
  });
  deps.outage.recovered();
  if ('challenge' in reply) throw deps.isCurrent(session) ? deps.challenged(reply.challenge) : endedFault();
  if (!deps.isCurrent(session)) {
    for (const secret of secrets) secret.wipe();
    throw endedFault();
  }
  session.renew(reply, secrets, deps.now());
  deps.renewed(session);
}

export const endedFault = (): Fault =>
  new Fault('access_ended', 'Access ended. Ask the person to sign in to Sallyport again.');
