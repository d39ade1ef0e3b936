/**
 * MCP's Streamable HTTP, both eras, at /mcp only. Guarantees: nothing is answered before Host and Origin were looked at; the
 * same strict reading, sessions and limits as lines have; in the stateless era a response that is closed cancels its call.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BlockShare } from '../blocks.ts';
import type { Peer } from '../peer.ts';
import type { Session } from '../session.ts';
import { isObject, type Json } from '../request.ts';
import { crowdedLine, errorLine, frameErrorLine, protocolError, rpcErrors, type RequestId } from '../wire.ts';
import { answerOver, openStream, respond } from './answer.ts';
import { readBody, type BodyRead } from './body.ts';
import { accepts, isHandshake, isJson, isLocal, statelessProblem } from './headers.ts';
import { createHttpSessions, sessionHeader, type HttpSession, type HttpSessions } from './http-sessions.ts';

export interface HttpClient {
  readonly peer: Peer;
  readonly blocks: BlockShare;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: HttpClient;
}

export type OpenSession = (peer: Peer, send: (line: string) => void) => Session;

const endpoint = '/mcp';
const json = 'application/json';
const events = 'text/event-stream';
/** The one revision whose clients know events without data, and can be told when to come back. */
const resumableVersion = '2025-11-25';

export class StreamableHttp {
  readonly #openSession: OpenSession;
  readonly #onEnd: () => void;
  readonly #sessions: HttpSessions;
  /** Sessions of one stateless request each, while it runs. */
  readonly #passing = new Set<Session>();

  /** @param onEnd a session ended */
  constructor(openSession: OpenSession, onEnd: () => void) {
    this.#openSession = openSession;
    this.#onEnd = onEnd;
    this.#sessions = createHttpSessions(openSession, onEnd);
  }

  sessions(): readonly Session[] {
    return [...this.#sessions.all(), ...this.#passing];
  }

  forgetAnswers(): void {
    this.#sessions.forgetAnswers();
  }

  close(): void {
    this.#sessions.closeAll();
    for (const session of this.#passing) session.close();
  }

  async serve(exchange: Exchange): Promise<void> {
    const { headers, url, method } = exchange.request;
    if (!isLocal(headers)) refuse(exchange, 403, 'This socket serves programs of this machine only.');
    else if (url?.split('?', 1)[0] !== endpoint) refuse(exchange, 404, `MCP is served at ${endpoint}.`);
    else if (method === 'POST') await this.#post(exchange);
    else if (method === 'GET') this.#listen(exchange);
    else if (method === 'DELETE') this.#remove(exchange);
    else respond(exchange.response, 405, '', { allow: 'POST, GET, DELETE' });
  }

  async #post(exchange: Exchange): Promise<void> {
    const { request, client } = exchange;
    if (!isJson(request.headers)) {
      refuse(exchange, 415, `Send ${json}.`);
    } else if (request.headers['transfer-encoding'] !== undefined) {
      // RFC 9112 §6.3 allows it. A body in tiny chunks costs far more time than its bytes, and no client sends one.
      refuse(exchange, 411, 'Send the body with its Content-Length.');
    } else if (!accepts(request.headers, json) && !accepts(request.headers, events)) {
      refuse(exchange, 406, `Accept ${json} and ${events}.`);
    } else {
      const body = await readBody(request, client.blocks);
      if (body.kind === 'message' || body.kind === 'batch') this.#take(exchange, body);
      else refuseBody(exchange, body);
    }
  }

  #take(exchange: Exchange, body: Extract<BodyRead, { kind: 'message' | 'batch' }>): void {
    const version = exchange.request.headers['mcp-protocol-version'];
    const message = body.kind === 'message' ? body.message : body.messages;
    if (isHandshake(typeof version === 'string' ? version : undefined, message)) this.#handshake(exchange, message);
    else if (body.kind === 'message') this.#stateless(exchange, body.message);
    else respond(exchange.response, 400, frameErrorLine('malformed', true));
  }

  /** MCP 2026-07-28: each request alone. */
  #stateless({ request, response, client }: Exchange, message: Json): void {
    const problem = statelessProblem(request.headers, message);
    if (problem !== null) {
      const number = problem.kind === 'invalid' ? rpcErrors.invalidParams : rpcErrors.headerMismatch;
      respond(response, 400, errorLine({ id: idOf(message), number, say: problem.say, data: { code: 'malformed' } }));
      return;
    }
    const session = this.#openSession(client.peer, () => undefined);
    this.#passing.add(session);
    response.once('close', () => {
      this.#passing.delete(session);
      session.close();
      this.#onEnd();
    });
    session.receive(message, answerOver(response, { streams: accepts(request.headers, events), stateless: true }));
  }

  /** MCP 2025-03-26 to 2025-11-25: a session that `initialize` began. A response that is closed cancels nothing there. */
  #handshake(exchange: Exchange, message: unknown): void {
    const { request, response } = exchange;
    const found = this.#sessionFor(exchange, message);
    if (found === null) return;
    const headers = { [sessionHeader]: found.id };
    const streams = accepts(request.headers, events);
    const isResumable = streams && found.session.report().protocol === resumableVersion;
    const sink = isResumable
      ? found.streams.answer(response)
      : answerOver(response, { streams, stateless: false, headers });
    if (Array.isArray(message)) found.session.receiveBatch(message, sink);
    else found.session.receive(isObject(message) ? message : {}, sink);
    this.#sessions.keep(found);
  }

  #sessionFor({ request, response, client }: Exchange, message: unknown): HttpSession | null {
    const id = isObject(message) ? idOf(message) : null;
    const shown = request.headers[sessionHeader];
    if (typeof shown === 'string') {
      const found = this.#sessions.find(shown, client.peer);
      const say = 'There is no such session. Initialize again.';
      if (found === null) respond(response, 404, errorLine(protocolError(id, 'malformed', say)));
      return found;
    }
    if (!isObject(message) || message['method'] !== 'initialize') {
      const say = 'Send initialize first, then its Mcp-Session-Id with each request.';
      respond(response, 400, errorLine(protocolError(id, 'malformed', say)));
      return null;
    }
    const opened = this.#sessions.open(client.peer);
    if (opened === null) respond(response, 503, crowdedLine('Too many sessions are open. End one, then try again.'));
    return opened;
  }

  /** The session's own stream: what belongs to no request. */
  #listen(exchange: Exchange): void {
    const { request, response, client } = exchange;
    const shown = request.headers[sessionHeader];
    const session = typeof shown === 'string' ? this.#sessions.find(shown, client.peer) : null;
    if (!accepts(request.headers, events)) refuse(exchange, 406, `Accept ${events}.`);
    else if (typeof shown !== 'string') respond(response, 405, '', { allow: 'POST' });
    else if (session === null) refuse(exchange, 404, 'There is no such session.');
    else if (typeof request.headers['last-event-id'] === 'string') this.#resume(exchange, session);
    else if (session.isListening) refuse(exchange, 409, 'This session has a stream already.');
    else {
      openStream(response, { [sessionHeader]: session.id });
      session.listen(answerOver(response, { streams: true, stateless: false, open: true }));
      response.once('close', () => session.listen(null));
    }
  }

  #resume(exchange: Exchange, { streams }: HttpSession): void {
    const { request, response } = exchange;
    if (!streams.resume(String(request.headers['last-event-id']), response))
      refuse(exchange, 400, 'There is nothing to come back to. Send the request again if its answer is still wanted.');
  }

  #remove({ request, response, client }: Exchange): void {
    const shown = request.headers[sessionHeader];
    const ended = typeof shown === 'string' && this.#sessions.close(shown, client.peer);
    respond(response, ended ? 204 : 404, '');
  }
}

function refuseBody(exchange: Exchange, body: Exclude<BodyRead, { kind: 'message' | 'batch' }>): void {
  const { response } = exchange;
  switch (body.kind) {
    case 'gone':
      return;
    case 'slow':
      refuse(exchange, 408, 'The message did not come within ten seconds.');
      return;
    case 'crowded':
      respond(response, 503, crowdedLine('Too many long messages are being sent at once. Send it again.'));
      return;
    case 'error': {
      const line = frameErrorLine(body.code, body.notAnObject === true);
      respond(response, body.code === 'frame_too_large' ? 413 : 400, line);
    }
  }
}

function refuse({ response }: Exchange, status: number, say: string): void {
  respond(response, status, errorLine(protocolError(null, 'malformed', say)));
}

function idOf({ id }: { readonly id?: unknown }): RequestId | null {
  if (typeof id === 'string') return id.slice(0, 256);
  return typeof id === 'number' && Number.isSafeInteger(id) ? id : null;
}
