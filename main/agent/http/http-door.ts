/**
 * HTTP/1.1 on the agents' socket. Guarantees: bounded heads, a bounded number of requests at once for each process, and an
 * end for connections that say nothing. Trusts: Node's HTTP parser, in its strict mode.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SessionReport } from '../session.ts';
import { crowdedLine } from '../wire.ts';
import { respond } from './answer.ts';
import { StreamableHttp, type HttpClient, type OpenSession } from './streamable.ts';

export interface HttpDoor {
  /** Takes a connection whose first bytes are HTTP. */
  accept(stream: Duplex, client: HttpClient): void;
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
  reports(): SessionReport[];
  close(): void;
}

const maxHeadBytes = 16 * 1024;
/** Until a whole head has come, on a new connection and between requests. */
const headMs = 10_000;
const betweenMs = 120_000;
const maxRequestsPerProcess = 64;
const badRequest = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

export function createHttpDoor(openSession: OpenSession): HttpDoor {
  const mcp = new StreamableHttp(openSession);
  const clients = new WeakMap<object, HttpClient>();
  const counts = createCounts();
  const server = createServer({ maxHeaderSize: maxHeadBytes, insecureHTTPParser: false });
  // The server's own timers need a port that it listens on: ours are below and in `body.ts`.
  server.setMaxListeners(0);
  server.timeout = server.headersTimeout = server.requestTimeout = server.keepAliveTimeout = 0;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(badRequest);
    else socket.destroy();
  });
  for (const event of ['connect', 'upgrade'] as const)
    server.on(event, (_request: IncomingMessage, socket: Duplex) => socket.destroy());

  server.on('request', (request, response) => {
    const client = clients.get(request.socket);
    if (!client) {
      response.destroy();
      return;
    }
    if (counts.take(client.peer.pid, response) > maxRequestsPerProcess) {
      const say = `At most ${maxRequestsPerProcess} requests may run at once. Wait for an answer, then send it again.`;
      respond(response, 429, crowdedLine(say), { connection: 'close' });
      return;
    }
    mcp.serve({ request, response, client }).catch(() => response.destroy());
  });

  return {
    accept(stream, client) {
      clients.set(stream, client);
      endSilent(stream, server);
      // Node lets any stream be a connection (http.Server, event `connection`).
      server.emit('connection', stream as unknown as Socket);
    },
    toolsChanged() {
      for (const session of mcp.sessions()) session.toolsChanged();
    },
    resourceUpdated(uri) {
      for (const session of mcp.sessions()) session.resourceUpdated(uri);
    },
    reports: () => mcp.sessions().map((session) => session.report()),
    close: () => mcp.close(),
  };
}

interface Counts {
  /** How many requests of this process run, with this one. */
  take(pid: number | null, response: ServerResponse): number;
}

function createCounts(): Counts {
  const running = new Map<number | null, number>();
  return {
    take(pid, response) {
      const count = (running.get(pid) ?? 0) + 1;
      running.set(pid, count);
      response.once('close', () => {
        const left = (running.get(pid) ?? 1) - 1;
        if (left === 0) running.delete(pid);
        else running.set(pid, left);
      });
      return count;
    },
  };
}

interface Requests {
  on(event: 'request', heard: (request: IncomingMessage, response: ServerResponse) => void): unknown;
  off(event: 'request', heard: (request: IncomingMessage, response: ServerResponse) => void): unknown;
}

/** A connection without a request takes the place of one that has something to say. */
function endSilent(stream: Duplex, requests: Requests): void {
  let open = 0;
  const end = (): void => void stream.destroy();
  let timer = setTimeout(end, headMs).unref();
  const heard = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.socket !== (stream as object)) return;
    open += 1;
    clearTimeout(timer);
    response.once('close', () => {
      open -= 1;
      if (open === 0 && !stream.destroyed) timer = setTimeout(end, betweenMs).unref();
    });
  };
  requests.on('request', heard);
  stream.once('close', () => {
    clearTimeout(timer);
    requests.off('request', heard);
  });
}
