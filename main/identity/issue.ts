/**
 * The vault's side of every way but the PostgreSQL issuer's: which token goes in, what comes out, for whom.
 * Guarantees: an access token that leaves the vault is one connector's own, asked for by a refresh of its own; nothing comes out
 * once the session it was asked for is over; nothing lives longer than 60 minutes; a long-lived secret only while the ledger
 * lets it, rotated from 75 days on where somebody rotates it. Trusts: exchange processes for what they checked.
 */
import { maxCredentialLifeMs, secretAge, type CredentialWay, type WayOf } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import type { IssuedCredential } from './credentials.ts';
import type { ExchangeStarter, TaskName } from './exchange-process.ts';
import type { Outage } from './outage.ts';
import { endedFault, exchangeTimeoutMs, type Renewal } from './renewal.ts';
import { refuseTooOld, type RotationLedger, type SecretVersion } from './rotation-ledger.ts';
import type { Session } from './session.ts';
import { networkOf, type VaultConfig } from './vault-config.ts';

/** The tasks that end with the person's access. */
export const personalTasks: readonly TaskName[] = ['refresh', 'issue-postgres', 'issue', 'rotate', 'poll-events'];

export interface IssueDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly renewal: Renewal;
  readonly outage: Outage;
  readonly ledger: Pick<RotationLedger, 'note' | 'mayRotate'>;
  readonly now: () => number;
  /** Whether the session is still the one this was begun for. */
  readonly isCurrent: () => boolean;
}

type OtherWay = Exclude<CredentialWay, { kind: 'postgres-issuer' }>;

/** Rejects with `Fault`: `access_ended`, or what provider and server answered. */
export async function issueAnother(holder: Session, way: OtherWay, deps: IssueDeps): Promise<IssuedCredential> {
  switch (way.kind) {
    case 'access-token':
      return ownToken(holder, way.scope, deps);
    case 'vault-secret':
      return longLived(holder, way, deps);
    case 'token-exchange':
    case 'aws-sts':
    case 'vault-database':
      return (await once(holder, way, deps)).credential;
  }
}

async function ownToken(holder: Session, scope: string, deps: IssueDeps): Promise<IssuedCredential> {
  const { token, expiresAt } = await deps.renewal.ownAccessToken(holder, scope);
  if (deps.isCurrent()) return { subject: holder.principal.subject, role: scope, expiresAt, password: token };
  token.wipe();
  throw endedFault();
}

interface Once {
  readonly credential: IssuedCredential;
  readonly version: SecretVersion | undefined;
}

async function once(holder: Session, way: Exclude<OtherWay, { kind: 'access-token' }>, deps: IssueDeps): Promise<Once> {
  const { exchanges, config, renewal, now, isCurrent } = deps;
  const input = await renewal.accessToken(holder, way.kind === 'token-exchange' ? way.subjectScope : way.scope);
  const { exchangeCommand } = config();
  const { subject, username } = holder.principal;
  // The identity provider itself exchanges tokens: one in trouble is left alone here as well.
  const outage = way.kind === 'token-exchange' ? deps.outage : undefined;
  outage?.check();
  const { reply, secrets } = await exchanges
    .start(exchangeCommand, {
      name: 'issue',
      params: { identity: holder.identity, ...networkOf(config()), way, person: { subject, username } },
      input,
      outputs: way.kind === 'aws-sts' ? 2 : 1,
      timeoutMs: exchangeTimeoutMs,
      ...(outage && { onRetryAfter: (ms: number) => outage.retryAfter(ms) }),
    })
    .done.catch((error: unknown) => {
      // The token was wiped under the exchange: whatever the server said of it does not count.
      if (!isCurrent()) throw endedFault();
      throw outage === undefined ? error : outage.failed(error);
    });
  outage?.recovered();
  const [password, also] = secrets;
  const expiresAt = Math.min(reply.expiresAt, now() + maxCredentialLifeMs);
  if (password === undefined || !isCurrent() || expiresAt <= now()) {
    for (const secret of secrets) secret.wipe();
    throw isCurrent() ? new Fault('backend_refused', 'A credential had expired when it came.') : endedFault();
  }
  const credential = { subject, role: reply.role, expiresAt, password, ...(also === undefined ? {} : { also }) };
  return { credential, version: reply.version };
}

async function longLived(holder: Session, way: WayOf<'vault-secret'>, deps: IssueDeps): Promise<IssuedCredential> {
  const name = nameOf(way);
  const first = await fetched(holder, way, deps);
  const isDue = first.days >= secretAge.warnDays && isRotated(way) && deps.ledger.mayRotate(name);
  if (!isDue) return unlessTooOld(name, first);
  const rotated = await rotate(holder, { way, version: first.version }, deps).then(
    () => true,
    () => false,
  );
  if (!deps.isCurrent()) {
    first.credential.password.wipe();
    throw endedFault();
  }
  // Until it is too old, the old one still serves; status says that nobody rotated it.
  if (!rotated) return unlessTooOld(name, first);
  first.credential.password.wipe();
  return unlessTooOld(name, await fetched(holder, way, deps));
}

interface Fetched {
  readonly credential: IssuedCredential;
  readonly version: number;
  readonly days: number;
}

async function fetched(holder: Session, way: WayOf<'vault-secret'>, deps: IssueDeps): Promise<Fetched> {
  const { credential, version } = await once(holder, way, deps);
  try {
    if (version === undefined) throw new Fault('backend_refused', 'A long-lived secret came without its version.');
    return { credential, version: version.number, days: deps.ledger.note(nameOf(way), version) };
  } catch (error) {
    credential.password.wipe();
    throw error;
  }
}

function unlessTooOld(name: string, { credential, days }: Fetched): IssuedCredential {
  try {
    refuseTooOld(name, days);
    return credential;
  } catch (error) {
    credential.password.wipe();
    throw error;
  }
}

interface Rotation {
  readonly way: WayOf<'vault-secret'>;
  readonly version: number;
}

async function rotate(holder: Session, { way, version }: Rotation, deps: IssueDeps): Promise<void> {
  const { exchanges, config, renewal, isCurrent } = deps;
  const { from } = way;
  const input = await renewal.accessToken(holder, from.engine === 'kv-v2' ? (from.rotation?.scope ?? '') : way.scope);
  if (!isCurrent()) throw endedFault();
  const { exchangeCommand } = config();
  const { subject, username } = holder.principal;
  const params = { ...networkOf(config()), way, person: { subject, username }, version };
  await exchanges.start(exchangeCommand, { name: 'rotate', params, input, outputs: 0, timeoutMs: exchangeTimeoutMs })
    .done;
}

const isRotated = ({ from }: WayOf<'vault-secret'>): boolean =>
  from.engine === 'database-static' || from.rotation !== undefined;

function nameOf({ url, from }: WayOf<'vault-secret'>): string {
  return `${new URL(url).host}/${from.mount}/${from.engine === 'kv-v2' ? from.path : from.role}`;
}
