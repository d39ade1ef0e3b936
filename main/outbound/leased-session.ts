import type { Credential } from './credentials.ts';
import type { PostgresSession } from './postgres-login.ts';

export interface LeasedSession {
  readonly session: PostgresSession;
  readonly credential: Credential;
  /** Call when the session is closed: the credential may be wiped then. */
  readonly release: () => void;
}

export function closeSession({ session, release }: LeasedSession): void {
  session.socket.destroy();
  release();
}
