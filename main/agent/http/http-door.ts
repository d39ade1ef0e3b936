/**
 * HTTP/1.1 on the agents' socket. Guarantees: bounded heads, an end for connections that say nothing, and one request for each
 * connection, so that the door's limit of connections bounds what runs and what waits to be read. Trusts: Node's HTTP parser,
 * in its strict mode.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SessionReport } from '../session.ts';
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
/** Until a whole head has come. */
const headMs = 10_000;
const badRequest = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

/** @param onEnd a session ended */
export function createHttpDoor(openSession: OpenSession, onEnd: () => void): HttpDoor {
  const mcp = new StreamableHttp(openSession, onEnd);
  /** Those whose request has not come. */
  const waiting = new WeakMap<object, HttpClient>();
  const server = createServer({ maxHeaderSize: maxHeadBytes, insecureHTTPParser: false });
  // The server's own timers need a port that it listens on: ours are below and in `body.ts`.
  server.timeout = server.headersTimeout = server.requestTimeout = server.keepAliveTimeout = 0;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(badRequest);
    else socket.destroy();
  });
  for (const event of ['connect', 'upgrade'] as const)
    server.on(event, (_request: IncomingMessage, socket: Duplex) => socket.destroy());

  server.on('request', (request, response) => {
    const client = waiting.get(request.socket);
    waiting.delete(request.socket);
    // A second request: RFC 9112 §9.3.2 wants no POST behind another, and a client was told that the connection closes.
    if (client === undefined) {
      request.socket.destroy();
      return;
    }
    response.shouldKeepAlive = false;
    response.once('close', () => {
      if (request.complete) request.socket.destroy();
    });
    mcp.serve({ request, response, client }).catch(() => response.destroy());
  });

  return {
    accept(stream, client) {
      waiting.set(stream, client);
      const late = setTimeout(() => {
        if (waiting.has(stream)) stream.destroy();
      }, headMs).unref();
      stream.once('close', () => clearTimeout(late));
      // Node lets any stream be a connection (http.Server, event `connection`).
      server.emit('connection', stream as unknown as Socket);
    },
    toolsChanged() {
      mcp.forgetAnswers();
      for (const session of mcp.sessions()) session.toolsChanged();
    },
    resourceUpdated(uri) {
      for (const session of mcp.sessions()) session.resourceUpdated(uri);
    },
    reports: () => mcp.sessions().map((session) => session.report()),
    close: () => mcp.close(),
  };
}
