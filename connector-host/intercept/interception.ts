/**
 * The HTTPS of one wrapped server. Guarantees: a connection is of a declared host, by its SNI, and each request of that host; a request
 * goes to egress under the ticket of the call that runs when its head is there, or nowhere, and ends with that call; bodies, heads,
 * connections and requests at once are bounded; a broken client ends nothing but its own. Trusts: `node:http` for framing; egress for
 * what may be sent. Does not protect against: what an allowed request does.
 */
import { createServer as createHttps } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as Listener } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { ByteStream } from '../../main/contract/channel.ts';
import { Fault } from '../../main/contract/errors.ts';
import type { HttpRequest } from '../../main/contract/http.ts';
import { readHead } from '../http-fetch.ts';
import type { RunAuthority } from './authority.ts';
import { tooLarge, translate, type Destination, type Refused, type Translated } from './translate.ts';
import { noCall, refusedBy } from './words.ts';

export interface InterceptionDeps {
  readonly destinations: readonly Destination[];
  readonly authority: RunAuthority;
  /** A `request` stream of egress. */
  readonly open: (request: HttpRequest & { readonly ticket: string; readonly destination: string }) => ByteStream;
}

export interface Interception {
  /** Takes what comes in on the socket, as connections to this port. */
  listen(listener: Listener, port: number): void;
  /** Whose requests are taken from now on; what still runs of another call ends. */
  take(ticket: string | null): void;
}

/** As many as egress takes under one ticket at once. */
const mostAtOnce = 16;
const mostConnections = 128;
const mostChunkedBytes = 4_194_304;
const silentMs = 310_000;
const limits = {
  maxHeaderSize: 32_768,
  keepAliveTimeout: 30_000,
  handshakeTimeout: 10_000,
  insecureHTTPParser: false,
};

interface Running {
  readonly ticket: string;
  readonly over: AbortController;
  requests: number;
}

export function createInterception({ destinations, authority, open }: InterceptionDeps): Interception {
  let running: Running | null = null;
  const busy = new WeakSet<object>();

  function answer(destination: Destination, req: IncomingMessage, res: ServerResponse): void {
    // Nobody who pipelines waits for an answer first: more could come than is bounded here.
    if (busy.has(req.socket)) {
      req.socket.destroy();
      return;
    }
    busy.add(req.socket);
    res.once('close', () => busy.delete(req.socket)).once('finish', () => busy.delete(req.socket));
    const translated = translate(req, destination);
    const call = running;
    if ('status' in translated) refuse(res, translated);
    else if (call === null) refuse(res, noCall);
    else if (call.requests >= mostAtOnce) refuse(res, refusedBy(new Fault('rate_limited', 'too many at once')));
    else {
      call.requests += 1;
      const opened = (bodyBytes: number | undefined): ByteStream =>
        open({
          ticket: call.ticket,
          destination: destination.name,
          ...translated.request,
          ...(bodyBytes === undefined ? {} : { bodyBytes }),
        });
      void pass({ req, res, body: translated.body, over: call.over.signal, opened }).finally(
        () => (call.requests -= 1),
      );
    }
  }

  return {
    listen(listener, port) {
      const here = destinations.filter((each) => each.port === port);
      const server = createHttps({ ...limits, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'], SNICallback });
      function SNICallback(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
        const context = here.some(({ host }) => host === name) ? authority.contextFor(name) : undefined;
        if (context === undefined) done(new Fault('destination_not_allowed', 'this host is not declared'));
        else context.then((made) => done(null, made), done);
      }
      server.on('request', (req: IncomingMessage, res: ServerResponse) => {
        const named = 'servername' in req.socket ? req.socket.servername : undefined;
        const destination = here.find(({ host }) => host === named);
        if (destination === undefined) req.socket.destroy();
        else answer(destination, req, res);
      });
      server.on('clientError', (_error, socket) => void socket.destroy());
      server.on('tlsClientError', (_error, socket) => void socket.destroy());
      listener.maxConnections = mostConnections;
      listener.on('connection', (socket) => {
        socket.on('error', () => undefined);
        // Nothing came or went: longer than any call. Node's own limits of a request begin with a server that listens by itself.
        socket.setTimeout(silentMs, () => socket.destroy());
        server.emit('connection', socket);
      });
    },
    take(ticket) {
      const before = running;
      if (before?.ticket === ticket) return;
      running = ticket === null ? null : { ticket, over: new AbortController(), requests: 0 };
      before?.over.abort();
    },
  };
}

function refuse(res: ServerResponse, { status, code, say }: Refused): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  // What of its body is still to come is not waited for.
  res.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  res.end(JSON.stringify({ code, message: say }));
}

interface Passing {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body: Translated['body'];
  readonly over: AbortSignal;
  readonly opened: (bodyBytes: number | undefined) => ByteStream;
}

async function pass({ req, res, body, over, opened }: Passing): Promise<void> {
  let stream: ByteStream | undefined;
  const give = (refusal: Refused): void => {
    refuse(res, refusal);
    stream?.reset('connector_failed');
  };
  const end = (): void => give(refusedBy(new Fault('connector_failed', 'the call is over')));
  over.addEventListener('abort', end, { once: true });
  res.once('close', () => {
    if (!res.writableFinished) stream?.reset('connector_failed');
  });
  try {
    const collected = body === 'chunked' ? await collect(req) : undefined;
    if (collected === 'too large') {
      give(tooLarge);
      return;
    }
    if (over.aborted || res.destroyed) return;
    stream = opened(collected?.length ?? (typeof body === 'number' ? body : undefined));
    // Beside the answer: a refusal can come before all of it was sent.
    send(stream, collected === undefined ? req : [collected]).catch(() => stream?.reset('connector_failed'));
    await handBack(stream, res);
  } catch (error) {
    // It was told already where its call is over.
    if (!over.aborted) give(refusedBy(error));
  } finally {
    over.removeEventListener('abort', end);
  }
}

async function collect(req: IncomingMessage): Promise<Buffer | 'too large'> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > mostChunkedBytes) return 'too large';
    parts.push(part);
  }
  return Buffer.concat(parts);
}

async function send(stream: ByteStream, body: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
  for await (const part of body) await stream.write(part);
  stream.end();
}

async function handBack(stream: ByteStream, res: ServerResponse): Promise<void> {
  const source = stream[Symbol.asyncIterator]();
  const { answer, rest } = await readHead(source);
  res.sendDate = false;
  res.writeHead(answer.status, answer.headers.flat());
  if (rest.length > 0) await written(res, rest);
  for (let next = await source.next(); next.done !== true; next = await source.next()) await written(res, next.value);
  res.end();
}

/** Resolves when the client takes more, or is gone. */
async function written(res: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (res.destroyed || res.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      res.off('drain', go).off('close', go);
      resolve();
    };
    res.on('drain', go).on('close', go);
  });
}
