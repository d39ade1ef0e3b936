/**
 * One agent's conversation: both eras of MCP on one connection, decided per request. Guarantees that a method that is not
 * listed here does nothing, that at most 64 calls run at once, and that only released results and our own words are
 * sent. What a program says of itself (clientInfo, the bridge's notice) is a label.
 */
import {
  CallToolRequestParamsSchema,
  InitializeRequestParamsSchema,
  SubscriptionFilterSchema,
} from '@modelcontextprotocol/core';
import type { Caller, ToolCall } from '../contract/call.ts';
import type { ProtocolCode } from '../contract/errors.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { createCallDesk, type CallDesk } from './call-desk.ts';
import { programLabel } from './label.ts';
import type { ToolListing } from './tool-listing.ts';
import {
  errorLine,
  handshakeVersions,
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
  /** The executable's name and the process, from the kernel. */
  readonly peer: { readonly executable: string; readonly pid: number | null };
  readonly listTools: (caller: Caller) => ToolListing;
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly send: (line: string) => void;
  readonly epochMs: () => number;
}

export interface Session {
  /** False: not a JSON-RPC message. It was answered; the connection counts it. */
  receive(message: Json): boolean;
  /** The person or their rights changed: tell those who asked to be told. */
  toolsChanged(): void;
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

type Json = Readonly<Record<string, unknown>>;
type Era = 'handshake' | 'stateless';

interface Request {
  readonly id: RequestId;
  readonly params: Json;
  readonly era: Era;
}

const maxSubscriptions = 8;
const discoverTtlMs = 3_600_000;
const noArguments: Json = Object.freeze({});
const instructions =
  'Tools of the systems that the signed-in person may use. Every call runs with that person’s own rights and is recorded. ' +
  'A refusal carries structuredContent.code and retry: follow its sentence, and do not repeat a call whose retry is "never".';

export function createSession(deps: SessionDeps): Session {
  return new Conversation(deps);
}

const capabilities = { tools: { listChanged: true } };

class Conversation implements Session {
  readonly #deps: SessionDeps;
  readonly #desk: CallDesk;
  readonly #connectedAt: number;
  readonly #serverInfo: Json;
  /** What each era adds to a result, as JSON text. */
  readonly #stamps: Readonly<Record<Era, string>>;
  readonly #subscriptions = new Set<RequestId>();
  /** Null until the first version was agreed. */
  #protocol: string | null = null;
  #isReady = false;
  #isClosed = false;
  #agent: string | null = null;

  readonly #discover = ({ id }: Request): void => {
    const supportedVersions = [...statelessVersions, ...handshakeVersions];
    const result = { supportedVersions, capabilities, instructions, ttlMs: discoverTtlMs, cacheScope: 'private' };
    this.#send(resultLine(id, JSON.stringify(result).slice(0, -1) + this.#stamps.stateless + '}'));
  };

  readonly #listTools = ({ id, params, era }: Request): void => {
    if (params['cursor'] !== undefined) {
      this.#invalidParams(id, 'The list has one page: send no cursor.');
      return;
    }
    const { json, ttlMs } = this.#deps.listTools(this.#caller());
    const caching = era === 'stateless' ? `,"ttlMs":${ttlMs},"cacheScope":"private"` : '';
    this.#send(resultLine(id, `{"tools":${json}${caching}${this.#stamps[era]}}`));
  };

  readonly #callTool = ({ id, params, era }: Request): void => {
    const parsed = CallToolRequestParamsSchema.safeParse(params);
    if (!parsed.success) {
      this.#invalidParams(id, `tools/call: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
      return;
    }
    // Parsed only to check: what goes on is the value that was frozen at the door.
    const args = (params['arguments'] ?? noArguments) as Json;
    const { name: toolName } = parsed.data;
    this.#desk.start({ id, era, stamp: this.#stamps[era], caller: this.#caller(), toolName, arguments: args });
  };

  readonly #listen = ({ id, params }: Request): void => {
    const filter = SubscriptionFilterSchema.safeParse(params['notifications']);
    const full = this.#subscriptions.size >= maxSubscriptions || this.#subscriptions.has(id);
    if (!filter.success || full) {
      this.#invalidParams(
        id,
        `Name the notifications; at most ${maxSubscriptions} subscriptions, each with its own id.`,
      );
      return;
    }
    const wanted = filter.data.toolsListChanged === true;
    if (wanted) this.#subscriptions.add(id);
    const notifications = wanted ? { toolsListChanged: true } : {};
    const body = { _meta: { [metaKeys.subscription]: id }, notifications };
    this.#send(notificationLine('notifications/subscriptions/acknowledged', body));
  };

  readonly #initialize = ({ id, params }: Request): void => {
    if (this.#protocol !== null) {
      this.#fail(id, 'malformed', 'This connection has a protocol version already.');
      return;
    }
    const parsed = InitializeRequestParamsSchema.safeParse(params);
    if (!parsed.success) {
      this.#invalidParams(id, `initialize: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
      return;
    }
    const { clientInfo, protocolVersion: wanted } = parsed.data;
    this.#agent ??= clientInfo.name;
    const protocolVersion = handshakeVersions.find((version) => version === wanted) ?? handshakeVersions[0];
    this.#protocol = protocolVersion;
    const result = { protocolVersion, capabilities, serverInfo: this.#serverInfo, instructions };
    this.#send(resultLine(id, JSON.stringify(result)));
  };

  readonly #methods: Readonly<Record<Era, Readonly<Record<string, (request: Request) => void>>>> = {
    stateless: {
      'server/discover': this.#discover,
      'tools/list': this.#listTools,
      'tools/call': this.#callTool,
      'subscriptions/listen': this.#listen,
    },
    handshake: {
      initialize: this.#initialize,
      ping: ({ id }) => {
        this.#send(resultLine(id, '{}'));
      },
      // Without a version it is a client's first probe; any error would read as "older than 2026-07-28".
      'server/discover': this.#discover,
      'tools/list': this.#listTools,
      'tools/call': this.#callTool,
    },
  };

  constructor(deps: SessionDeps) {
    this.#deps = deps;
    this.#connectedAt = deps.epochMs();
    this.#serverInfo = { name: 'sallyport', title: 'Sallyport', version: deps.version };
    const meta = JSON.stringify({ [metaKeys.serverInfo]: this.#serverInfo });
    this.#stamps = { handshake: '', stateless: `,"resultType":"complete","_meta":${meta}` };
    const { call, newCallId } = deps;
    const send = (line: string): void => {
      this.#send(line);
    };
    this.#desk = createCallDesk({ call, newCallId, send });
  }

  receive(message: Json): boolean {
    const { jsonrpc, id, method } = message as { jsonrpc?: unknown; id?: unknown; method?: unknown };
    const params = message['params'] ?? {};
    // An answer: we never ask, so there is nothing to match it with.
    const isAnswer = method === undefined && id !== undefined && ('result' in message || 'error' in message);
    if (jsonrpc === '2.0' && isAnswer) return true;
    const known = isRequestId(id) ? id : null;
    const isRequest = 'id' in message;
    if (jsonrpc !== '2.0' || typeof method !== 'string' || !isObject(params) || (isRequest && known === null)) {
      this.#fail(known, 'malformed', notJsonRpc);
      return false;
    }
    if (known === null) this.#notification(method, params);
    else this.#request(known, method, params);
    return true;
  }

  toolsChanged(): void {
    const method = 'notifications/tools/list_changed';
    if (this.#isReady) this.#send(notificationLine(method));
    for (const id of this.#subscriptions) {
      this.#send(notificationLine(method, { _meta: { [metaKeys.subscription]: id } }));
    }
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
    this.#desk.cancelAll();
  }

  #request(id: RequestId, method: string, params: Json): void {
    const meta = metaOf(params);
    const version = meta[metaKeys.version];
    const era: Era = version === undefined ? 'handshake' : 'stateless';
    const methods = this.#methods[era];
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (version !== undefined && !statelessVersions.some((known) => known === version)) {
      this.#send(errorLine(unsupportedVersion(id, version)));
    } else if (handle === undefined) {
      this.#fail(
        id,
        'unknown_method',
        'There is no such method. Tools are listed by tools/list and called by tools/call.',
      );
    } else if (era === 'stateless' && !isObject(meta[metaKeys.clientCapabilities])) {
      this.#invalidParams(id, `_meta needs "${metaKeys.clientCapabilities}", an object.`);
    } else if (era === 'handshake' && this.#protocol === null && method.startsWith('tools/')) {
      this.#send(errorLine(missingVersion(id)));
    } else {
      if (era === 'stateless') this.#meet(meta);
      handle({ id, params, era });
    }
  }

  #meet(meta: Json): void {
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
    this.#subscriptions.delete(requestId);
    this.#desk.cancel(requestId);
  }

  #caller(): Caller {
    const { executable, pid } = this.#deps.peer;
    return Object.freeze({ program: programLabel(this.#agent, executable), pid });
  }

  #fail(id: RequestId | null, code: ProtocolCode, say: string): void {
    this.#send(errorLine(protocolError(id, code, say)));
  }

  #invalidParams(id: RequestId, say: string): void {
    this.#send(errorLine({ id, number: rpcErrors.invalidParams, say, data: { code: 'malformed' } }));
  }

  #send(line: string): void {
    if (!this.#isClosed) this.#deps.send(line);
  }
}

const notJsonRpc =
  'Not a JSON-RPC 2.0 message: it needs "jsonrpc": "2.0", "method", an object as "params", a text or integer as "id".';

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

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' ? value.length <= 256 : Number.isSafeInteger(value);
}

function metaOf(params: Json): Json {
  const meta = params['_meta'];
  return isObject(meta) ? meta : {};
}

function where(path: readonly PropertyKey[] | undefined): string {
  return path === undefined || path.length === 0 ? '"params"' : `"${path.map(String).join('.').slice(0, 80)}"`;
}
