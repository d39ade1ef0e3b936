/**
 * Guarantees: between a logged-in session and a connector's stream, bytes pass both ways with back-pressure, counted
 * against the call's budget and searched for the credential before they leave; whatever ends it (the connector, the
 * server, a cut), running work is cancelled at the server and the session is closed within two seconds.
 */
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import type { ByteStream } from '../contract/channel.ts';
import type { ByteReader } from './byte-reader.ts';
import type { EchoFilter } from './echo-filter.ts';
import { requestCancel } from './postgres-cancel.ts';
import type { DialPostgres } from './postgres-dial.ts';
import { createFraming, createGate, type Gate } from './postgres-gate.ts';
import type { PostgresSession } from './postgres-login.ts';
import { encode } from './postgres-messages.ts';
import type { Link } from './tickets.ts';

export interface Splice {
  readonly session: PostgresSession;
  readonly stream: ByteStream;
  /** The stream's bytes behind the start-up. */
  readonly connector: ByteReader;
  readonly link: Link;
  readonly filter: EchoFilter;
}

/** The server would allocate a message's length before it arrives. */
const maxConnectorMessageBytes = 16 * 1024 * 1024;
const maxServerMessageBytes = 1024 * 1024 * 1024;
const graceMs = 2_000;
const cancelAgainMs = 400;

/** Resolves when the session is closed. Ends the link and the stream as soon as one of them is over. */
export async function splice(parts: Splice, dial: DialPostgres): Promise<void> {
  const { link, stream, session, filter } = parts;
  const gate = createGate();
  const cut = new Promise<'cut'>((resolve) => {
    if (link.signal.aborted) resolve('cut');
    link.signal.addEventListener(
      'abort',
      () => {
        resolve('cut');
      },
      { once: true },
    );
  });
  const server = toConnector(parts, gate).then(
    () => 'server' as const,
    () => 'server' as const,
  );
  const first = await Promise.race([
    cut,
    server,
    toServer(parts, { gate, cut }).then(
      () => 'connector' as const,
      () => 'connector' as const,
    ),
  ]);
  if (first === 'server') {
    const rest = filter.rest();
    if (rest === undefined) link.cut('output_not_allowed');
    else await stream.write(rest).catch(() => undefined);
    link.end('backend_unreachable');
  }
  link.end();
  // The stream of a cut link is reset already, with the cut's code.
  if (first === 'connector' && gate.active) stream.reset('connector_failed');
  else stream.end();
  // A connector that never ends its side must not keep the stream; one that does may read the last bytes first.
  void Promise.race([stream.closed, waited(graceMs)]).then(() => {
    stream.reset('connector_failed');
  });
  await retire(session, gate, dial);
  await server;
}

interface Steering {
  readonly gate: Gate;
  readonly cut: Promise<'cut'>;
}

/** Resolves when the connector said goodbye, ended its side, or broke the rules (then the link is cut). */
async function toServer({ connector, session, link }: Splice, { gate, cut }: Steering): Promise<void> {
  const framing = createFraming(maxConnectorMessageBytes);
  for (;;) {
    const chunk = await connector.chunk();
    if (chunk === undefined) return;
    let sent = 0;
    for (let at = 0; at < chunk.length;) {
      if (framing.atStart) {
        let verdict = gate.ask(chunk[at] ?? 0);
        while (verdict === 'wait') {
          await forward(session.socket, link, chunk.subarray(sent, at));
          sent = at;
          if ((await Promise.race([gate.opened(), cut])) === 'cut') return;
          verdict = gate.ask(chunk[at] ?? 0);
        }
        if (verdict === 'refuse') link.cut('connector_failed');
        if (verdict !== 'pass') {
          await forward(session.socket, link, chunk.subarray(sent, at));
          return;
        }
      }
      const next = framing.advance(chunk, at);
      if (next === undefined) {
        link.cut('connector_failed');
        return;
      }
      at = next;
    }
    await forward(session.socket, link, chunk.subarray(sent));
  }
}

async function forward(socket: TLSSocket, link: Link, bytes: Buffer): Promise<void> {
  if (bytes.length === 0 || link.signal.aborted) return;
  link.sent(bytes.length);
  if (socket.write(bytes)) return;
  await once(socket, 'drain', { signal: link.signal });
}

/** Reads until the server hangs up or the session is destroyed; after the link's end it only watches for the answer. */
async function toConnector({ session, stream, link, filter }: Splice, gate: Gate): Promise<void> {
  const framing = createFraming(maxServerMessageBytes);
  for (;;) {
    const chunk = await session.reader.chunk();
    if (chunk === undefined) return;
    for (let at = 0; at < chunk.length;) {
      if (framing.atStart) gate.answered(chunk[at] ?? 0);
      const next = framing.advance(chunk, at);
      if (next === undefined) return;
      at = next;
    }
    if (link.over || !link.received(chunk.length)) continue;
    const passing = filter.push(chunk);
    if (passing === undefined) link.cut('output_not_allowed');
    else if (passing.length > 0) await stream.write(passing).catch(() => undefined);
  }
}

/** Cancels what still runs, again when the request came too early, then says goodbye and closes. */
async function retire({ socket, ...session }: PostgresSession, gate: Gate, dial: DialPostgres): Promise<void> {
  const limit = AbortSignal.timeout(graceMs);
  const closed = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    socket.once('close', resolve);
  });
  while (gate.active && !socket.destroyed && !limit.aborted) {
    await requestCancel(dial, session, limit);
    // Without an answer due the server stays silent until a Sync that never comes: the cut ends it.
    if (!gate.answerDue) break;
    await Promise.race([gate.opened(), closed, waited(cancelAgainMs)]);
  }
  if (!socket.destroyed && !gate.active) {
    socket.end(encode('X'));
    await Promise.race([closed, waited(cancelAgainMs)]);
  }
  socket.destroy();
  await closed;
}

const waited = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
