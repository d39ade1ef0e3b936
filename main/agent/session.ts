/**
 * One agent's conversation: both eras of MCP on one connection, decided per request. Guarantees that a method that is not
 * listed here does nothing, that at most 64 calls run at once, and that only released results and our own words are
 * sent. What a program says of itself (clientInfo, the bridge's notice) is a label.
 */
import { InitializeRequestParamsSchema } from '@modelcontextprotocol/core';
import type { Caller, ToolCall } from '../contract/call.ts';
import type { ProtocolCode } from '../contract/errors.ts';
import type { AskKind } from '../contract/manifest.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { createAsking } from './asking.ts';
import { collectAnswers } from './batch.ts';
import { createCallDesk, type CallDesk } from './call-desk.ts';
import { callerOf } from './label.ts';
import type { Listing, ListName } from './listing.ts';
import { createOfferMethods, invalidParams, where, type OfferIndex, type OfferSession } from './offer-methods.ts';
import type { Peer } from './peer.ts';
import { askable } from './questions.ts';
import { isObject, type Era, type Json, type Request, type Sink } from './request.ts';
import type { RequestStates } from './request-state.ts';
import { createSubscriptions, type Change, type Subscriptions } from './subscriptions.ts';
import {
  batchVersion,
  errorLine,
  frameErrorLine,
  handshakeVersions,
  maxBatch,
  metaKeys,
  notificationLine,
  protocolError,
  resultLine,
  rpcErrors,
  statelessVersions,
  type RequestId,
  type RpcError,
} from './wire.ts';

export interface SessionDeps {
  readonly version: string;
  /** From the kernel. */
  readonly peer: Peer;
  readonly list: (caller: Caller, what: ListName) => Listing;
  readonly offers: OfferIndex;
  /** Whether the program may read this resource now. */
  readonly sees: (caller: Caller, uri: string) => boolean;
  readonly states: RequestStates;
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly send: (line: string) => void;
  readonly epochMs: () => number;
  /** What the program says of itself is known, or different. */
  readonly onChange: () => void;
}

export interface Session {
  /** False: not a JSON-RPC message. It was answered; the connection counts it. */
  receive(message: Json, sink?: Sink): boolean;
  /** JSON-RPC 2.0 §6. False: no batch, or one of its messages is none. */
  receiveBatch(messages: readonly unknown[], sink?: Sink): boolean;
  /** Calls back once, when every call in flight was answered. */
  whenIdle(done: () => void): void;
  readonly isIdle: boolean;
  /** A version was agreed. */
  readonly isBegun: boolean;
  /** The person or their rights changed: tell those who asked to be told. */
  toolsChanged(): void;
  resourceUpdated(uri: string): void;
  report(): SessionReport;
  close(): void;
}

export interface SessionReport {
  program: string;
  pid: number | null;
  protocol: string;
  connectedAt: number;
  calls: number;
}

const withoutLinks = ['2025-03-26', '2024-11-05'] as const;
const discoverTtlMs = 3_600_000;
const instructions =
  'Tools of the systems that the signed-in person may use. Every call runs with that person’s own rights and is recorded. ' +
  'A refusal carries structuredContent.code and retry: follow its sentence, and do not repeat a call whose retry is "never".';

export function createSession(deps: SessionDeps): Session {
  return new Conversation(deps);
}

/** Only what some connector has. */
function capabilitiesOf({ resources, templates, prompts, completes }: OfferIndex): Json {
  return {
    tools: { listChanged: true },
    ...(resources.length + templates.length === 0 ? {} : { resources: { listChanged: true, subscribe: true } }),
    ...(prompts.length === 0 ? {} : { prompts: { listChanged: true } }),
    ...(completes ? { completions: {} } : {}),
  };
}

class Conversation implements Session {
  readonly #deps: SessionDeps;
  readonly #desk: CallDesk;
  readonly #connectedAt: number;
  readonly #serverInfo: Json;
  /** What each era adds to a result, as JSON text. */
  readonly #stamps: Readonly<Record<Era, string>>;
  readonly #capabilities: Json;
  /** The lists that can change. */
  readonly #lists: readonly Change[];
  readonly #subscriptions: Subscriptions;
  readonly #asking = createAsking();
  readonly #offers: OfferSession;
  #client: readonly AskKind[] = [];
  /** Null until the first version was agreed. */
  #protocol: string | null = null;
  #isReady = false;
  #isClosed = false;
  #agent: string | null = null;
  #known: { readonly agent: string | null; readonly caller: Caller } | null = null;

  readonly #own: Sink = {
    reply: (line) => {
      if (line !== null) this.#send(line);
    },
    notify: (line) => {
      this.#send(line);
    },
  };

  readonly #discover = ({ id, reply }: Request): void => {
    const supportedVersions = [...statelessVersions, ...handshakeVersions];
    const capabilities = this.#capabilities;
    const result = { supportedVersions, capabilities, instructions, ttlMs: discoverTtlMs, cacheScope: 'private' };
    reply(resultLine(id, JSON.stringify(result).slice(0, -1) + this.#stamps.stateless + '}'));
  };

  readonly #initialize = ({ id, params, reply }: Request): void => {
    if (this.#protocol !== null) {
      reply(failure(id, 'malformed', 'This connection has a protocol version already.'));
      return;
    }
    const parsed = InitializeRequestParamsSchema.safeParse(params);
    if (!parsed.success) {
      reply(invalidParams(id, `initialize: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`));
      return;
    }
    const { clientInfo, protocolVersion: wanted, capabilities: declared } = parsed.data;
    this.#client = askable(declared);
    this.#agent ??= clientInfo.name;
    const protocolVersion = handshakeVersions.find((version) => version === wanted) ?? handshakeVersions[0];
    this.#protocol = protocolVersion;
    this.#deps.onChange();
    const capabilities = { ...this.#capabilities, logging: {} };
    const result = { protocolVersion, capabilities, serverInfo: this.#serverInfo, instructions };
    reply(resultLine(id, JSON.stringify(result)));
  };

  readonly #methods: Readonly<Record<Era, Readonly<Record<string, (request: Request) => void>>>>;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#connectedAt = deps.epochMs();
    this.#serverInfo = { name: 'sallyport', title: 'Sallyport', version: deps.version };
    const meta = JSON.stringify({ [metaKeys.serverInfo]: this.#serverInfo });
    this.#stamps = { handshake: '', stateless: `,"resultType":"complete","_meta":${meta}` };
    this.#capabilities = capabilitiesOf(deps.offers);
    this.#lists = (['tools', 'prompts', 'resources'] as const).filter((list) => list in this.#capabilities);
    this.#subscriptions = createSubscriptions(this.#lists);
    const { call, newCallId, states, list, offers } = deps;
    this.#desk = createCallDesk({ call, newCallId, states });
    this.#offers = createOfferMethods({
      desk: this.#desk,
      asking: this.#asking,
      offers,
      list,
      caller: () => this.#caller(),
      sees: (uri) => deps.sees(this.#caller(), uri),
      stamp: (era) => this.#stamps[era],
      takesLinks: (era) =>
        era === 'stateless' || !(withoutLinks as readonly (string | null)[]).includes(this.#protocol),
      client: () => this.#client,
    });
    this.#methods = {
      stateless: {
        'server/discover': this.#discover,
        'subscriptions/listen': (request) => this.#subscriptions.listen(request),
        ...this.#offers.both,
      },
      handshake: {
        initialize: this.#initialize,
        ping: ({ id, reply }) => {
          reply(resultLine(id, '{}'));
        },
        // Without a version it is a client's first probe; any error would read as "older than 2026-07-28".
        'server/discover': this.#discover,
        ...this.#offers.both,
        ...this.#offers.handshake,
      },
    };
  }

  receive(message: Json, sink = this.#own): boolean {
    return this.#receive(message, sink);
  }

  receiveBatch(messages: readonly unknown[], sink = this.#own): boolean {
    if (this.#protocol !== batchVersion || messages.length === 0 || messages.length > maxBatch) {
      sink.reply(frameErrorLine('malformed', true));
      return false;
    }
    const shared = { ...sink, reply: collectAnswers(messages.length, sink.reply) };
    // Each message is worked on, whatever the ones before it were.
    return messages.map((message) => this.#receive(isObject(message) ? message : {}, shared)).every(Boolean);
  }

  whenIdle(done: () => void): void {
    this.#desk.whenIdle(done);
  }

  get isIdle(): boolean {
    return this.#desk.isIdle;
  }

  get isBegun(): boolean {
    return this.#protocol !== null;
  }

  #receive(message: Json, sink: Sink): boolean {
    const { reply } = sink;
    const { jsonrpc, id, method } = message as { jsonrpc?: unknown; id?: unknown; method?: unknown };
    const params = message['params'] ?? {};
    const isAnswer = method === undefined && id !== undefined && ('result' in message || 'error' in message);
    if (jsonrpc === '2.0' && isAnswer) {
      this.#asking.take(message);
      reply(null);
      return true;
    }
    const known = isRequestId(id) ? id : null;
    const isRequest = 'id' in message;
    if (jsonrpc !== '2.0' || typeof method !== 'string' || !isObject(params) || (isRequest && known === null)) {
      reply(failure(known, 'malformed', notJsonRpc));
      return false;
    }
    if (known === null) {
      this.#notification(method, params);
      reply(null);
    } else {
      this.#request(method, { ...sink, id: known, params });
    }
    return true;
  }

  toolsChanged(): void {
    if (this.#isReady)
      for (const list of this.#lists) this.#send(notificationLine(`notifications/${list}/list_changed`));
    this.#subscriptions.listsChanged();
  }

  resourceUpdated(uri: string): void {
    if (!this.#deps.sees(this.#caller(), uri)) return;
    if (this.#offers.isSubscribed(uri)) this.#send(notificationLine('notifications/resources/updated', { uri }));
    this.#subscriptions.resourceUpdated(uri);
  }

  report(): SessionReport {
    const { program, pid } = this.#caller();
    return {
      program,
      pid,
      protocol: this.#protocol ?? 'none',
      connectedAt: this.#connectedAt,
      calls: this.#desk.calls,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#subscriptions.clear();
    this.#asking.close();
    this.#desk.cancelAll();
  }

  #request(method: string, request: Omit<Request, 'era'>): void {
    const { id, params, reply } = request;
    const meta = metaOf(params);
    const version = meta[metaKeys.version];
    const era: Era = version === undefined ? 'handshake' : 'stateless';
    const methods = this.#methods[era];
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (version !== undefined && !statelessVersions.some((known) => known === version)) {
      reply(errorLine(unsupportedVersion(id, version)));
    } else if (handle === undefined) {
      const say = 'There is no such method. Tools are listed by tools/list and called by tools/call.';
      reply(failure(id, 'unknown_method', say));
    } else if (era === 'stateless' && !isObject(meta[metaKeys.clientCapabilities])) {
      reply(invalidParams(id, `_meta needs "${metaKeys.clientCapabilities}", an object.`));
    } else if (era === 'handshake' && this.#protocol === null && method in this.#offers.both) {
      reply(errorLine(missingVersion(id)));
    } else {
      if (era === 'stateless') this.#meet(meta);
      handle({ ...request, era });
    }
  }

  #meet(meta: Json): void {
    if (this.#protocol === null) this.#deps.onChange();
    this.#protocol ??= statelessVersions[0];
    const info = meta[metaKeys.clientInfo];
    if (isObject(info) && typeof info['name'] === 'string') this.#agent ??= info['name'];
  }

  #notification(method: string, params: Json): void {
    if (method === 'notifications/initialized') this.#isReady = this.#protocol !== null;
    if (method === 'notifications/sallyport/agent' && typeof params['agent'] === 'string')
      this.#agent = params['agent'];
    const { requestId } = params as { requestId?: unknown };
    if (method !== 'notifications/cancelled' || !isRequestId(requestId)) return;
    this.#subscriptions.end(requestId);
    this.#desk.cancel(requestId);
  }

  #caller(): Caller {
    const agent = this.#agent;
    if (this.#known?.agent !== agent) this.#known = { agent, caller: callerOf(agent, this.#deps.peer) };
    return this.#known.caller;
  }

  #send(line: string): void {
    if (!this.#isClosed) this.#deps.send(line);
  }
}

const notJsonRpc =
  'Not a JSON-RPC 2.0 message: it needs "jsonrpc": "2.0", "method", an object as "params", a text or integer as "id".';

function failure(id: RequestId | null, code: ProtocolCode, say: string): string {
  return errorLine(protocolError(id, code, say));
}

function unsupportedVersion(id: RequestId, version: unknown): RpcError {
  const requested = typeof version === 'string' ? version.slice(0, 64) : 'not a text';
  const say = `Protocol version ${requested} is not served without initialize.`;
  const error = protocolError(id, 'unsupported_version', say);
  return { ...error, data: { ...error.data, supported: statelessVersions, requested } };
}

function missingVersion(id: RequestId): RpcError {
  const say = `No protocol version: send initialize first, or name one in _meta["${metaKeys.version}"].`;
  const supported = [...statelessVersions, ...handshakeVersions];
  return { id, number: rpcErrors.invalidRequest, say, data: { code: 'unsupported_version', supported } };
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' ? value.length <= 256 : Number.isSafeInteger(value);
}

function metaOf(params: Json): Json {
  const meta = params['_meta'];
  return isObject(meta) ? meta : {};
}
