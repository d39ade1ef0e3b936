/**
 * The provider's security events, in the vault. Guarantees: an event ends access at once when it concerns the person signed in,
 * by issuer and subject, and was issued after they authenticated; each `jti` counts once; another person's does nothing; failures
 * are asked again with back-off and jitter, and shown. Trusts: the exchange process for signature, issuer, audience and age.
 */
import type { EndCause } from '../contract/access-end.ts';
import type { AuditRecord } from '../contract/audit.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Polled, RefusedEvent, SecurityEvent } from '../contract/security-event.ts';
import type { Secret } from '../contract/secret.ts';
import type { ExchangeStarter, ExchangeTask } from './exchange-process.ts';
import { exchangeTimeoutMs } from './renewal.ts';
import type { Session } from './session.ts';
import { networkOf, type VaultConfig } from './vault-config.ts';

export interface EventPollDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly session: () => Session | undefined;
  readonly accessToken: (session: Session, scope: string) => Promise<Secret>;
  readonly end: (cause: EndCause, detail: string) => void;
  readonly record: (
    what: Extract<AuditRecord, { event: 'lifecycle' }>['what'],
    subject: string,
    detail: string,
  ) => void;
  /** Whether it fails is different. */
  readonly changed: () => void;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface EventPoll {
  /** Somebody is signed in: asks now, and then again and again. */
  start(): void;
  stop(): void;
  /** Why events cannot be fetched. */
  failing(): string | null;
}

const longestBackOffMs = 15 * 60_000;
/** A transmitter that always has more is not asked without end. */
const mostAtOnce = 10;
const mostRemembered = 1000;

export function createEventPoll(deps: EventPollDeps): EventPoll {
  /** By transmitter: one is not told of another's events. */
  const memories = new Map<string, ReturnType<typeof createEventMemory>>();
  const memoryOf = ({ identity }: Session): ReturnType<typeof createEventMemory> => {
    const url = identity.events?.url ?? '';
    const memory = memories.get(url) ?? createEventMemory();
    memories.set(url, memory);
    return memory;
  };
  let next: NodeJS.Timeout | undefined;
  let round = 0;
  let failures = 0;
  let atOnce = 0;
  let failing: string | null = null;
  /** When the person authenticated, by the sign-in: a refreshed ID token may say later. */
  let authenticatedAt = 0;

  const say = (why: string | null): void => {
    if (failing === why) return;
    failing = why;
    deps.changed();
  };
  const turn = async (intervalMs: number): Promise<number> => {
    const session = deps.session();
    let namedMs = 0;
    if (session === undefined) return intervalMs;
    const memory = memoryOf(session);
    try {
      const polled = await pollOnce(deps, { session, memory, retryAfter: (ms) => (namedMs = ms) });
      failures = 0;
      say(null);
      heed(polled, session);
      atOnce = polled.more || memory.hasToTell() ? atOnce + 1 : 0;
      return atOnce > 0 && atOnce <= mostAtOnce ? 0 : intervalMs;
    } catch (error) {
      // Access that ended meanwhile is no failure of the transmitter.
      if (deps.session() !== session) return intervalMs;
      say(error instanceof Fault ? error.message.slice(0, 300) : 'Something broke inside Sallyport.');
      failures += 1;
      return Math.max(namedMs, Math.min(intervalMs * 2 ** failures, Math.max(longestBackOffMs, intervalMs)));
    }
  };
  const heed = ({ events, refused }: Polled, session: Session): void => {
    // Who signed in meanwhile is told of them by the next poll: what is not acknowledged comes again.
    if (deps.session() !== session) return;
    const memory = memoryOf(session);
    const fresh = events.filter((event) => memory.isNew(event.jti));
    for (const { jti } of events) memory.acknowledge(jti);
    for (const { jti, err } of refused) memory.refuse({ jti, err });
    if (refused.length > 0) {
      const why = [...new Set(refused.map((each) => each.why))].join(', ');
      deps.record('security-event-refused', 'vault', `${String(refused.length)} not believed: ${why}`);
    }
    const ending = fresh.find((event) => concerns(event, session) && event.at >= authenticatedAt);
    if (ending === undefined) return;
    deps.record('security-event', 'vault', ending.kind);
    deps.end(ending.kind === 'account-disabled' ? 'account-disabled' : 'session-revoked', ending.kind);
  };
  const schedule = (delayMs: number, intervalMs: number): void => {
    const mine = round;
    next = setTimeout(() => {
      void turn(intervalMs).then((afterMs) => {
        if (mine === round) schedule(afterMs * (0.9 + deps.random() / 5), intervalMs);
      });
    }, delayMs);
  };
  const stop = (): void => {
    round += 1;
    clearTimeout(next);
    say(null);
  };
  return {
    start: () => {
      const events = deps.session()?.identity.events;
      stop();
      failures = atOnce = 0;
      // The provider's clock on both sides. The same second counts: fail closed.
      authenticatedAt = Math.floor((deps.session()?.principal.authenticatedAt ?? 0) / 1000) * 1000;
      if (events !== undefined) schedule(0, events.intervalSeconds * 1000);
    },
    stop,
    failing: () => failing,
  };
}

interface OnePoll {
  readonly session: Session;
  readonly memory: ReturnType<typeof createEventMemory>;
  readonly retryAfter: (ms: number) => void;
}

async function pollOnce(deps: EventPollDeps, { session, memory, retryAfter }: OnePoll): Promise<Polled> {
  // Of the account that is signed in: its token is for nobody else.
  const { identity } = session;
  const { exchangeCommand } = deps.config();
  const input = await deps.accessToken(session, scopeOf(identity));
  const { acknowledged, refused } = memory.toTell();
  const task: ExchangeTask<'poll-events'> = {
    name: 'poll-events',
    params: { identity, ...networkOf(deps.config()), acknowledged, refused },
    input,
    outputs: 0,
    timeoutMs: exchangeTimeoutMs,
    onRetryAfter: retryAfter,
  };
  const { reply } = await deps.exchanges.start(exchangeCommand, task).done;
  memory.told(acknowledged, refused);
  return reply;
}

const openIdScopes = ['openid', 'profile', 'email', 'offline_access', 'address', 'phone'];

function scopeOf({ events, scopes }: IdentityConfig): string {
  return events?.scope ?? scopes.find((scope) => !openIdScopes.includes(scope)) ?? 'openid';
}

function concerns({ kind, person }: SecurityEvent, { principal }: Session): boolean {
  return kind !== 'other' && person?.issuer === principal.issuer && person.subject === principal.subject;
}

/** Which were seen, and what the transmitter still has to be told of them. */
function createEventMemory() {
  const seen = new Set<string>();
  const acknowledged = new Set<string>();
  const refused = new Map<string, RefusedEvent['err']>();
  return {
    isNew: (jti: string) => !seen.has(jti),
    acknowledge: (jti: string) => {
      seen.add(jti);
      acknowledged.add(jti);
      for (const oldest of seen) {
        if (seen.size <= mostRemembered) break;
        seen.delete(oldest);
      }
    },
    refuse: ({ jti, err }: RefusedEvent) => {
      if (refused.size < mostRemembered) refused.set(jti, err);
    },
    hasToTell: () => acknowledged.size + refused.size > 0,
    toTell: () => ({
      acknowledged: [...acknowledged].slice(0, mostRemembered),
      refused: [...refused].map(([jti, err]) => ({ jti, err })),
    }),
    told: (acks: readonly string[], errs: readonly RefusedEvent[]) => {
      for (const jti of acks) acknowledged.delete(jti);
      for (const { jti } of errs) refused.delete(jti);
    },
  };
}
