/** The conformance server over streamable HTTP, of both eras, with nothing in between: what a wrapped one is compared with. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
  WebStandardStreamableHTTPServerTransport,
  type EventStore,
  type JSONRPCMessage,
} from '@modelcontextprotocol/server';
import { conformanceServer } from './server.ts';

export interface BareServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveBare(): Promise<BareServer> {
  const stateless = createMcpHandler(conformanceServer, { legacy: 'reject' });
  const sessions = createSessions();
  const server = http.createServer((incoming, outgoing) => {
    const request = toRequest(incoming);
    const refused =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    const answered = async (): Promise<Response> =>
      refused ?? ((await isLegacyRequest(request)) ? sessions(request) : stateless.fetch(request));
    answered().then(
      (response) => answer(outgoing, response),
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      await stateless.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** 2025-11-25: a server for each session, and its streams can be come back to. */
function createSessions(): (request: Request) => Promise<Response> {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>();
  return async (request) => {
    const id = request.headers.get('mcp-session-id');
    if (id !== null) return open.get(id)?.handleRequest(request) ?? new Response(null, { status: 404 });
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: keptEvents(),
      retryInterval: 1000,
      onsessioninitialized: (begun) => void open.set(begun, transport),
      onsessionclosed: (over) => void open.delete(over),
    });
    await conformanceServer().connect(transport);
    return transport.handleRequest(request);
  };
}

function keptEvents(): EventStore {
  const events: { readonly streamId: string; readonly message: JSONRPCMessage }[] = [];
  return {
    storeEvent: (streamId, message) => Promise.resolve(String(events.push({ streamId, message }) - 1)),
    async replayEventsAfter(last, { send }) {
      const streamId = events[Number(last)]?.streamId ?? '';
      for (const [at, event] of events.entries())
        if (at > Number(last) && event.streamId === streamId) await send(String(at), event.message);
      return streamId;
    },
  };
}

function toRequest(incoming: http.IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = incoming;
  const given = Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string]);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const body = hasBody ? { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array>, duplex: 'half' } : {};
  return new Request(`http://${headers.host ?? 'localhost'}${url}`, { method, headers: given, ...body } as RequestInit);
}

function answer(outgoing: http.ServerResponse, response: Response): void {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) outgoing.end();
  else {
    outgoing.flushHeaders();
    const body = Readable.fromWeb(response.body);
    body.on('error', () => outgoing.destroy());
    outgoing.once('close', () => body.destroy());
    body.pipe(outgoing);
  }
}
