/**
 * HTTP/1.1 on the agents' socket. Guarantees: bounded heads, one request at a time on a connection (so that the door's limit
 * of connections bounds what runs and what waits to be read), and an end for connections that say nothing. Trusts: Node's
 * HTTP parser, in its strict mode.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SessionReport } from '../session.ts';
import { StreamableHttp, type HttpClient, type OpenSession } from './streamable.ts';

export interface HttpDoor {
  /** Takes a connection whose first bytes are HTTP. */
  accept(stream: Duplex, client: HttpClient): HttpConnection;
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
  reports(): SessionReport[];
  close(): void;
}

export interface HttpConnection {
  /** Between two requests: it may be closed for others. */
  readonly isIdle: boolean;
}

const maxHeadBytes = 16 * 1024;
/** Until a whole head has come, on a new connection and between requests. */
const headMs = 10_000;
const betweenMs = 120_000;
const badRequest = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

export function createHttpDoor(openSession: OpenSession): HttpDoor {
  const mcp = new StreamableHttp(openSession);
  const connections = new WeakMap<object, OneAtATime>();
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
    const connection = connections.get(request.socket);
    if (connection === undefined || !connection.begin(response)) request.socket.destroy();
    else mcp.serve({ request, response, client: connection.client }).catch(() => response.destroy());
  });

  return {
    accept(stream, client) {
      const connection = new OneAtATime(stream, client);
      connections.set(stream, connection);
      // Node lets any stream be a connection (http.Server, event `connection`).
      server.emit('connection', stream as unknown as Socket);
      return connection;
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

class OneAtATime implements HttpConnection {
  readonly client: HttpClient;
  readonly #stream: Duplex;
  #served = 0;
  #isBusy = false;
  #silent: NodeJS.Timeout;

  constructor(stream: Duplex, client: HttpClient) {
    this.#stream = stream;
    this.client = client;
    this.#silent = this.#endIn(headMs);
    stream.once('close', () => clearTimeout(this.#silent));
  }

  get isIdle(): boolean {
    return this.#served > 0 && !this.#isBusy;
  }

  /** False: this connection ends, or the answer before is not read yet. RFC 9112 §9.3.2 wants no POST behind another, and no client of MCP sends one. */
  begin(response: ServerResponse): boolean {
    if (this.#isBusy || this.#stream.writableEnded) return false;
    this.#isBusy = true;
    clearTimeout(this.#silent);
    response.once('close', () => {
      this.#isBusy = false;
      this.#served += 1;
      if (!this.#stream.destroyed) this.#silent = this.#endIn(betweenMs);
    });
    return true;
  }

  #endIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#stream.destroy(), ms).unref();
  }
}
