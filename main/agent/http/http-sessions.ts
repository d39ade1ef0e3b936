/**
 * Sessions of the 2025 era over HTTP, by their `Mcp-Session-Id`. Guarantees: an id is 256 random bits, and another process
 * that shows it finds nothing; at most 16 a process and 64 in all; one that nobody uses ends after half an hour, or for a new
 * one when there is no room. Does not protect against a process that took the pid of one that ended and knows its id.
 */
import { randomBytes } from 'node:crypto';
import type { Peer } from '../peer.ts';
import type { Sink } from '../request.ts';
import type { Session } from '../session.ts';
import { createResumables, type Kept, type Resumables } from './resumable.ts';

export interface HttpSession {
  readonly id: string;
  readonly session: Session;
  /** The open GET stream, or nobody listens. */
  listen(stream: Sink | null): void;
  readonly isListening: boolean;
  readonly streams: Resumables;
}

export const sessionHeader = 'mcp-session-id';

export interface HttpSessions {
  /** Null: there is no room. */
  open(peer: Peer): HttpSession | null;
  find(id: string, peer: Peer): HttpSession | null;
  /** After a message: a session whose `initialize` failed was none. */
  keep(session: HttpSession): void;
  close(id: string, peer: Peer): boolean;
  all(): readonly Session[];
  /** The person, their consent or a pause changed: answers that wait for a client that is away are dropped. */
  forgetAnswers(): void;
  closeAll(): void;
}

const maxSessions = 64;
const maxSessionsPerProcess = 16;
const idleMs = 30 * 60_000;

interface Held extends HttpSession {
  readonly pid: number | null;
  endStream(): void;
  idle: NodeJS.Timeout | undefined;
}

/** @param onEnd one ended, for whatever reason */
export function createHttpSessions(
  openSession: (peer: Peer, send: (line: string) => void) => Session,
  onEnd: () => void,
): HttpSessions {
  const held = new Map<string, Held>();
  const kept: Kept = { bytes: 0 };

  function end(id: string): boolean {
    const session = held.get(id);
    if (session === undefined) return false;
    held.delete(id);
    clearTimeout(session.idle);
    session.session.close();
    session.streams.close();
    session.endStream();
    onEnd();
    return true;
  }

  /** The longest unused one stays the first. */
  function used(session: Held): void {
    held.delete(session.id);
    held.set(session.id, session);
    clearTimeout(session.idle);
    session.idle = session.isListening ? undefined : setTimeout(end, idleMs, session.id).unref();
  }

  /** Programs end without a word: the longest unused one makes room. Clients begin anew when they get 404. */
  function hasRoom(peer: Peer): boolean {
    const own = [...held.values()].filter(({ pid }) => pid === peer.pid);
    const isOwnFull = own.length >= maxSessionsPerProcess;
    if (!isOwnFull && held.size < maxSessions) return true;
    const unused = (isOwnFull ? own : [...held.values()]).find(
      ({ session, isListening }) => !isListening && session.isIdle,
    );
    return unused !== undefined && end(unused.id);
  }

  return {
    open(peer) {
      if (!hasRoom(peer)) return null;
      const id = randomBytes(32).toString('base64url');
      let stream: Sink | null = null;
      const opened: Held = {
        id,
        pid: peer.pid,
        session: openSession(peer, (line) => stream?.notify(line)),
        idle: undefined,
        streams: createResumables({ [sessionHeader]: id }, kept),
        listen(next) {
          stream = next;
          if (held.has(id)) used(opened);
        },
        endStream: () => stream?.reply(null),
        get isListening() {
          return stream !== null;
        },
      };
      used(opened);
      return opened;
    },
    find(id, { pid }) {
      const session = held.get(id);
      if (session?.pid !== pid) return null;
      used(session);
      return session;
    },
    keep({ id, session }) {
      if (!session.isBegun) end(id);
    },
    close: (id, { pid }) => held.get(id)?.pid === pid && end(id),
    all: () => [...held.values()].map(({ session }) => session),
    forgetAnswers() {
      for (const { streams } of held.values()) streams.forget();
    },
    closeAll() {
      for (const id of held.keys()) end(id);
    },
  };
}
