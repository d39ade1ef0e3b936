/**
 * One POST's answer: JSON when nothing comes before it, else a stream of events (WHATWG Server-Sent Events) that ends with
 * it. What nobody reads is bounded: such a stream is cut.
 */
import type { ServerResponse } from 'node:http';
import { errorNumberOf, rpcErrors } from '../wire.ts';
import type { Sink } from '../request.ts';

const pileEndBytes = 32 * 1024 * 1024;

const statuses: Readonly<Record<number, number>> = {
  [rpcErrors.methodNotFound]: 404,
  [rpcErrors.unsupportedVersion]: 400,
  [rpcErrors.headerMismatch]: 400,
  [rpcErrors.missingCapability]: 400,
  [rpcErrors.parse]: 400,
  [rpcErrors.invalidRequest]: 400,
};

export interface AnswerOptions {
  /** The client said that it reads event streams. */
  readonly streams: boolean;
  /** The 2025 era has no statuses for errors of methods: they are answers like any other. */
  readonly stateless: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** The stream is open already. */
  readonly open?: boolean;
}

export function answerOver(
  response: ServerResponse,
  { streams, stateless, headers = {}, open = false }: AnswerOptions,
): Sink {
  let streaming = open;

  function event(line: string): void {
    if (!streaming) openStream(response, headers);
    streaming = true;
    writeEvent(response, `event: message\ndata: ${line}\n\n`);
  }

  return {
    notify(line) {
      if (streams && !response.writableEnded && !response.destroyed) event(line);
    },
    reply(line) {
      if (response.writableEnded || response.destroyed) return;
      if (streaming) {
        if (line !== null) event(line);
        response.end();
      } else if (line === null) respond(response, 202, '', headers);
      else {
        const number = stateless ? errorNumberOf(line) : null;
        respond(response, number === null ? 200 : (statuses[number] ?? 200), line, headers);
      }
    },
  };
}

export function openStream(response: ServerResponse, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
}

export function writeEvent(response: ServerResponse, text: string): void {
  if (response.writableLength > pileEndBytes) response.destroy();
  else if (!response.destroyed) response.write(text);
}

type Body = [body: string, headers?: Readonly<Record<string, string>>];

/** The body is JSON, or nothing. */
export function respond(response: ServerResponse, status: number, ...[body, headers = {}]: Body): void {
  if (response.writableEnded || response.destroyed) return;
  const type = body === '' ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, {
    ...headers,
    ...type,
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
