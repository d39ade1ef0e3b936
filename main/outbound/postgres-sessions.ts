/** One logged-in session for each call, never used by a second one. */
import { Fault } from '../contract/errors.ts';
import type { Credential, Credentials } from './credentials.ts';
import { closeSession, type LeasedSession } from './leased-session.ts';
import type { Target } from './postgres-dial.ts';
import { LoginRefused, type LogIn } from './postgres-login.ts';
import { createPostgresSpares } from './postgres-spares.ts';

export interface SessionNeed {
  readonly destination: string;
  readonly subject: string;
  readonly callId: string;
  /** Until when the call may run, milliseconds since the epoch. */
  readonly until: number;
  readonly signal: AbortSignal;
}

export interface PostgresSessions {
  /** Named after the call, so that the server's log tells them apart. Faults: those of a login and of the vault. */
  take(need: SessionNeed): Promise<LeasedSession>;
  /** Closes the spares. */
  drop(): void;
}

interface SessionDeps {
  readonly logIn: LogIn;
  readonly credentials: Credentials;
  readonly targets: ReadonlyMap<string, Target & { readonly database: string }>;
  readonly now?: () => number;
}

export function createPostgresSessions({ logIn, credentials, targets, now = Date.now }: SessionDeps): PostgresSessions {
  const open = async (credential: Credential, signal: AbortSignal): Promise<LeasedSession> => {
    const target = targets.get(credential.destination);
    if (target === undefined) throw new Fault('destination_not_allowed', 'This destination is not configured.');
    const release = credential.hold();
    try {
      const session = await logIn({ target, role: credential.role, password: credential.password, signal });
      return { session, credential, release };
    } catch (error) {
      release();
      throw error;
    }
  };
  const spares = createPostgresSpares({ open, credentials, now });

  const fromSpare = async (credential: Credential, callId: string): Promise<LeasedSession | undefined> => {
    const spare = spares.take(credential.destination);
    if (spare === undefined) return undefined;
    if (spare.credential === credential && (await named(spare, callId).catch(() => false))) return spare;
    closeSession(spare);
    return undefined;
  };

  const fresh = async (credential: Credential, need: SessionNeed): Promise<LeasedSession> => {
    const startedAt = now();
    const leased = await open(credential, need.signal).catch(async (error: unknown) => {
      const stale = error instanceof LoginRefused && error.credentialRefused && credential.issuedAt < startedAt;
      if (!stale) throw error;
      // The issuer or the database withdrew it early, or another desktop of this person was given a new password.
      credentials.discard(credential);
      return open(await credentials.obtain(need.destination, need), need.signal);
    });
    const accepted = await named(leased, need.callId).catch(() => false);
    if (accepted) return leased;
    closeSession(leased);
    throw new Fault('backend_refused', 'The database does not let its sessions be named. Ask who administers it.');
  };

  return {
    take: async (need) => {
      const credential = await credentials.obtain(need.destination, need);
      const leased = (await fromSpare(credential, need.callId)) ?? (await fresh(credential, need));
      void spares.prepare(need.destination, need.subject);
      return leased;
    },
    drop: spares.drop,
  };
}

/** The call id is a UUID by its schema: nothing to escape. */
const named = ({ session }: LeasedSession, callId: string): Promise<boolean> =>
  session.run(`SET application_name = '${callId}'`);
