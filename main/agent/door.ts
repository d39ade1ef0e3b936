/** The agents' door: the socket, every connection and its session. It knows no policy: calls and lists are given to it. */
import type { Caller, ToolCall } from '../contract/call.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { createConnection, type Connection } from './connection.ts';
import { createBlockPool } from './framing.ts';
import { createSession, type Session, type SessionReport } from './session.ts';
import { createAgentSocket } from './socket.ts';
import type { ToolListing } from './tool-listing.ts';

export interface DoorDeps {
  readonly socketPath: string;
  readonly version: string;
  readonly listTools: (caller: Caller) => ToolListing;
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly epochMs: () => number;
}

export interface Door {
  check(): Promise<void>;
  listen(): Promise<void>;
  toolsChanged(): void;
  reports(): SessionReport[];
  close(): void;
}

const maxConnections = 64;
/** Half-read lines beyond 64 KiB at one time, of all connections together. */
const maxLongLines = 4;

export function createDoor({ socketPath, ...deps }: DoorDeps): Door {
  const pool = createBlockPool(maxLongLines);
  const connections = new Set<Connection>();
  const socket = createAgentSocket({
    socketPath,
    onConnection(accepted, peer) {
      if (connections.size >= maxConnections) {
        accepted.destroy();
        return;
      }
      const connection: Connection = createConnection({
        socket: accepted,
        pool,
        openSession: (send) => createSession({ ...deps, peer, send }),
        onClose: () => connections.delete(connection),
      });
      connections.add(connection);
    },
  });
  const sessions = (): Session[] => [...connections].flatMap(({ session }) => (session === null ? [] : [session]));

  return {
    check: () => socket.check(),
    listen: () => socket.listen(),
    toolsChanged() {
      for (const session of sessions()) session.toolsChanged();
    },
    reports: () => sessions().map((session) => session.report()),
    close() {
      socket.close();
      for (const connection of connections) connection.close();
    },
  };
}
