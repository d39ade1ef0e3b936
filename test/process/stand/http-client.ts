/** HTTP over a unix socket: as `fetch`, which the official clients take, and by single requests. */
import http from 'node:http';
import { Readable } from 'node:stream';
import type { Answer } from './line-client.ts';

/** What `fetch` does, over this socket. As VS Code does it for a `unix:` URL: Node's client with a socket path. */
export function fetchOver(socketPath: string): typeof fetch {
  return (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init.headers).entries());
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          socketPath,
          path: url.pathname + url.search,
          method: init.method ?? 'GET',
          headers: { host: url.host, ...headers },
        },
        (response) => {
          const { statusCode = 0, headers: got } = response;
          const empty = statusCode === 204 || statusCode === 205 || statusCode === 304;
          resolve(
            new Response(empty ? null : (Readable.toWeb(response) as ReadableStream), {
              status: statusCode,
              headers: Object.entries(got).flatMap(([name, value]): [string, string][] =>
                value === undefined ? [] : [[name, String(value)]],
              ),
            }),
          );
        },
      );
      request.once('error', reject);
      init.signal?.addEventListener('abort', () => request.destroy(new Error('aborted')));
      request.end(init.body ?? undefined);
    });
  };
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The last message: of a stream too. */
  readonly message: Answer | undefined;
  readonly events: readonly Answer[];
}

export interface PostOptions {
  readonly socketPath: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly method?: string;
}

export async function post({
  socketPath,
  body,
  headers = {},
  path = '/mcp',
  method = 'POST',
}: PostOptions): Promise<HttpAnswer> {
  const response = await fetchOver(socketPath)(`http://localhost${path}`, {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    ...(method === 'POST' ? { body } : {}),
  });
  const text = await response.text();
  const isStream = response.headers.get('content-type')?.includes('event-stream') === true;
  const events = isStream
    ? [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? '') as Answer)
    : text === ''
      ? []
      : [JSON.parse(text) as Answer];
  return { status: response.status, headers: response.headers, message: events.at(-1), events };
}

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A request of the stateless era with its standard headers. */
export function stateless(method: string, params: Record<string, unknown> = {}, id: unknown = 1) {
  const name = params['name'] ?? params['uri'];
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    } as Record<string, string>,
  };
}

/** Begins a session of the 2025 era; answers the headers that carry it on. */
export async function begin(socketPath: string, version = '2025-11-25'): Promise<Record<string, string>> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const { headers } = await post({
    socketPath,
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  const session = { 'mcp-session-id': headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version };
  await post({ socketPath, body: '{"jsonrpc":"2.0","method":"notifications/initialized"}', headers: session });
  return session;
}
