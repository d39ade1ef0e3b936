/**
 * Sessions of the 2025 era over HTTP, by their `Mcp-Session-Id`. Guarantees: an id is 256 random bits, and another process
 * that shows it finds nothing; at most 16 a process and 64 in all; one that nobody uses ends after half an hour.
 */
import { randomBytes } from 'node:crypto';
import type { Peer } from '../peer.ts';
import type { Session } from '../session.ts';

export interface HttpSession {
  readonly id: string;
  readonly session: Session;
  /** The open GET stream, or nobody listens. */
  listen(send: ((line: string) => void) | null): void;
  readonly isListening: boolean;
}

export interface HttpSessions {
  /** Null: there is no room. */
  open(peer: Peer): HttpSession | null;
  find(id: string, peer: Peer): HttpSession | null;
  close(id: string, peer: Peer): boolean;
  all(): readonly Session[];
  closeAll(): void;
}

const maxSessions = 64;
const maxSessionsPerProcess = 16;
const idleMs = 30 * 60_000;

interface Held extends HttpSession {
  readonly pid: number | null;
  idle: NodeJS.Timeout | undefined;
}

export function createHttpSessions(openSession: (peer: Peer, send: (line: string) => void) => Session): HttpSessions {
  const held = new Map<string, Held>();

  function end(id: string): boolean {
    const session = held.get(id);
    clearTimeout(session?.idle);
    session?.session.close();
    return held.delete(id);
  }

  function used(session: Held): void {
    clearTimeout(session.idle);
    session.idle = session.isListening ? undefined : setTimeout(end, idleMs, session.id).unref();
  }

  return {
    open(peer) {
      const own = [...held.values()].filter(({ pid }) => pid === peer.pid).length;
      if (held.size >= maxSessions || own >= maxSessionsPerProcess) return null;
      const id = randomBytes(32).toString('base64url');
      let send: ((line: string) => void) | null = null;
      const opened: Held = {
        id,
        pid: peer.pid,
        session: openSession(peer, (line) => send?.(line)),
        idle: undefined,
        listen(next) {
          send = next;
          used(opened);
        },
        get isListening() {
          return send !== null;
        },
      };
      held.set(id, opened);
      used(opened);
      return opened;
    },
    find(id, { pid }) {
      const session = held.get(id);
      if (session?.pid !== pid) return null;
      used(session);
      return session;
    },
    close: (id, { pid }) => held.get(id)?.pid === pid && end(id),
    all: () => [...held.values()].map(({ session }) => session),
    closeAll() {
      for (const id of held.keys()) end(id);
    },
  };
}
