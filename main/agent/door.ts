/** The agents' door: the socket, every connection and its session. It knows no policy: calls and lists are given to it. */
import type { Caller, ToolCall } from '../contract/call.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { createConnection, type Connection } from './connection.ts';
import { createBlockPool } from './blocks.ts';
import { createHttpDoor } from './http/http-door.ts';
import { createReadBuffers } from './reused-buffer.ts';
import { createSession, type Session, type SessionReport } from './session.ts';
import { createAgentSocket } from './socket.ts';
import type { Listing, ListName } from './listing.ts';
import type { OfferIndex } from './offer-methods.ts';
import { createRequestStates } from './request-state.ts';
import { createTurnAway } from './turn-away.ts';
import type { OwnSocketState } from '../contract/shell-channels.ts';
import type { IdentifyPeer } from './peer.ts';
import { crowdedLine, unidentifiedLine } from './wire.ts';

export interface DoorDeps {
  readonly socketPath: string;
  readonly identify: IdentifyPeer;
  readonly version: string;
  readonly list: (caller: Caller, what: ListName) => Listing;
  readonly offers: OfferIndex;
  readonly sees: (caller: Caller, uri: string) => boolean;
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly epochMs: () => number;
  /** Who is connected, or as what, is different. */
  readonly onChange: () => void;
  /** The socket's name was taken. */
  readonly onTaken: (state: OwnSocketState) => void;
}

export interface Door {
  check(): Promise<void>;
  listen(): Promise<void>;
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
  reports(): SessionReport[];
  readonly socket: OwnSocketState;
  close(): void;
}

const maxConnections = 64;
/** So that one process cannot shut the others out. Processes that the kernel does not name count as one. */
const maxConnectionsPerProcess = 16;
/** Half-read lines beyond 64 KiB at one time, of all connections together. */
const maxLongLines = 4;

const crowdedSay = `At most ${maxConnections} connections are open at once, ${maxConnectionsPerProcess} of one program. Close one, then connect again.`;
const unidentifiedSay =
  'Which program this is cannot be told: the process that connected ended, became another one, or took too long to show itself. Connect again from the program itself.';

export function createDoor({ socketPath, identify, onTaken, ...given }: DoorDeps): Door {
  const deps = { ...given, states: createRequestStates(given.epochMs) };
  const pool = createBlockPool(maxLongLines);
  const buffers = createReadBuffers();
  const connections = new Map<Connection, number | null>();
  const turnAway = createTurnAway(crowdedLine(crowdedSay), '503 Service Unavailable\r\nretry-after: 1');
  const turnUnidentified = createTurnAway(unidentifiedLine(unidentifiedSay), '403 Forbidden');
  const http = createHttpDoor((peer, send) => createSession({ ...deps, peer, send }), deps.onChange);
  const socket = createAgentSocket({
    socketPath,
    identify,
    onTaken,
    onUnidentified: turnUnidentified,
    onConnection(accepted, peer) {
      const pid = peer.connected;
      const own = [...connections.values()].filter((other) => other === pid).length;
      if (connections.size >= maxConnections || own >= maxConnectionsPerProcess) {
        turnAway(accepted);
        return;
      }
      const blocks = pool.of(pid);
      const connection: Connection = createConnection({
        socket: accepted,
        blocks,
        buffers,
        openSession: (send) => createSession({ ...deps, peer, send }),
        onHttp: (stream) => http.accept(stream, { peer, blocks }),
        onClose: () => {
          connections.delete(connection);
          deps.onChange();
        },
      });
      connections.set(connection, pid);
    },
  });
  const sessions = (): Session[] =>
    [...connections.keys()].flatMap(({ session }) => (session === null ? [] : [session]));

  return {
    check: () => socket.check(),
    listen: () => socket.listen(),
    toolsChanged() {
      for (const session of sessions()) session.toolsChanged();
      http.toolsChanged();
    },
    resourceUpdated(uri) {
      for (const session of sessions()) session.resourceUpdated(uri);
      http.resourceUpdated(uri);
    },
    reports: () => [...sessions().map((session) => session.report()), ...http.reports()],
    get socket() {
      return socket.state;
    },
    close() {
      socket.close();
      http.close();
      for (const connection of connections.keys()) connection.close();
    },
  };
}
