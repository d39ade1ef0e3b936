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
import { createCallDesk } from './call-desk.ts';
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
  readonly inFlight: number;
  report(): { program: string; pid: number | null; protocol: string; connectedAt: number; calls: number };
  close(): void;
}

type Json = Readonly<Record<string, unknown>>;
type Era = 'handshake' | 'stateless';

interface Request {
  readonly id: RequestId;
  readonly method: string;
  readonly params: Json;
  readonly era: Era;
}

const maxSubscriptions = 8;
const instructions =
  'Tools of the systems that the signed-in person may use. Every call runs with that person’s own rights and is recorded. ' +
  'A refusal carries structuredContent.code and retry: follow its sentence, and do not repeat a call whose retry is "never".';

export function createSession(deps: SessionDeps): Session {
  const connectedAt = deps.epochMs();
  const serverInfo = { name: 'sallyport', title: 'Sallyport', version: deps.version };
  const capabilities = { tools: { listChanged: true } };
  const meta = { _meta: { [metaKeys.serverInfo]: serverInfo } };
  const stamps: Record<Era, string> = {
    handshake: '',
    stateless: `,"resultType":"complete","_meta":${JSON.stringify(meta._meta)}`,
  };
  const subscriptions = new Set<RequestId>();
  let protocol: string | null = null;
  let ready = false;
  let closed = false;
  let agent: string | null = null;

  const send = (line: string): void => {
    if (!closed) deps.send(line);
  };
  const caller = (): Caller =>
    Object.freeze({ program: programLabel(agent, deps.peer.executable), pid: deps.peer.pid });
  const desk = createCallDesk({ call: deps.call, newCallId: deps.newCallId, send });

  const fail = (id: RequestId | null, code: ProtocolCode, say: string): void => {
    send(errorLine(protocolError(id, code, say)));
  };
  const invalidParams = (id: RequestId, say: string): void => {
    send(errorLine({ id, number: rpcErrors.invalidParams, say, data: { code: 'malformed' } }));
  };

  const stateless: Readonly<Record<string, (request: Request) => void>> = {
    'server/discover': discover,
    'tools/list': listTools,
    'tools/call': callTool,
    'subscriptions/listen': listen,
  };
  const handshake: Readonly<Record<string, (request: Request) => void>> = {
    initialize,
    ping: ({ id }) => {
      send(resultLine(id, '{}'));
    },
    // Without a version it is a client's first probe; any error would read as "older than 2026-07-28".
    'server/discover': discover,
    'tools/list': listTools,
    'tools/call': callTool,
  };

  function discover({ id }: Request): void {
    const supportedVersions = [...statelessVersions, ...handshakeVersions];
    const caching = { ttlMs: 3_600_000, cacheScope: 'private' };
    send(
      resultLine(
        id,
        JSON.stringify({ supportedVersions, capabilities, instructions, ...caching }).slice(0, -1) +
          stamps.stateless +
          '}',
      ),
    );
  }

  function initialize({ id, params }: Request): void {
    if (protocol !== null) {
      fail(id, 'malformed', 'This connection is initialized already.');
      return;
    }
    const parsed = InitializeRequestParamsSchema.safeParse(params);
    if (!parsed.success) {
      invalidParams(id, `initialize: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
      return;
    }
    agent ??= parsed.data.clientInfo.name;
    protocol = handshakeVersions.find((version) => version === parsed.data.protocolVersion) ?? handshakeVersions[0];
    send(resultLine(id, JSON.stringify({ protocolVersion: protocol, capabilities, serverInfo, instructions })));
  }

  function listTools({ id, params, era }: Request): void {
    if (params['cursor'] !== undefined) {
      invalidParams(id, 'The list has one page: send no cursor.');
      return;
    }
    const { json, ttlMs } = deps.listTools(caller());
    const caching = era === 'stateless' ? `,"ttlMs":${ttlMs},"cacheScope":"private"` : '';
    send(resultLine(id, `{"tools":${json}${caching}${stamps[era]}}`));
  }

  function callTool({ id, params, era }: Request): void {
    const parsed = CallToolRequestParamsSchema.safeParse(params);
    if (!parsed.success) {
      invalidParams(id, `tools/call: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
      return;
    }
    // Used only to check: what goes on is the value that was frozen at the door.
    const args = (params['arguments'] ?? Object.freeze({})) as Json;
    desk.start({ id, era, stamp: stamps[era], caller: caller(), toolName: parsed.data.name, arguments: args });
  }

  function listen({ id, params }: Request): void {
    const filter = SubscriptionFilterSchema.safeParse(params['notifications']);
    if (!filter.success || subscriptions.size >= maxSubscriptions || subscriptions.has(id)) {
      invalidParams(
        id,
        `subscriptions/listen: name the notifications, at most ${maxSubscriptions} subscriptions with ids of their own.`,
      );
      return;
    }
    const honoured = filter.data.toolsListChanged === true ? { toolsListChanged: true } : {};
    if (filter.data.toolsListChanged === true) subscriptions.add(id);
    const body = { _meta: { [metaKeys.subscription]: id }, notifications: honoured };
    send(notificationLine('notifications/subscriptions/acknowledged', body));
  }

  function request(id: RequestId, method: string, params: Json): void {
    const version = metaOf(params)[metaKeys.version];
    const era = version === undefined ? 'handshake' : 'stateless';
    if (version !== undefined && !statelessVersions.some((known) => known === version)) {
      const requested = typeof version === 'string' ? version.slice(0, 64) : 'not a text';
      const { data, ...error } = protocolError(
        id,
        'unsupported_version',
        `Protocol version ${requested} is not supported in _meta.`,
      );
      send(errorLine({ ...error, data: { ...data, supported: statelessVersions, requested } }));
      return;
    }
    const methods = era === 'stateless' ? stateless : handshake;
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (handle === undefined) {
      fail(
        id,
        'unknown_method',
        'There is no such method here. Tools are listed by tools/list and called by tools/call.',
      );
    } else if (era === 'stateless' && !isObject(metaOf(params)[metaKeys.clientCapabilities])) {
      invalidParams(id, `_meta needs "${metaKeys.clientCapabilities}".`);
    } else if (era === 'handshake' && protocol === null && method.startsWith('tools/')) {
      const say = `No protocol version: send initialize first, or name one in _meta["${metaKeys.version}"].`;
      const { data } = protocolError(id, 'unsupported_version', say);
      send(errorLine({ id, number: rpcErrors.invalidRequest, say, data: { ...data, supported: handshakeVersions } }));
    } else {
      if (era === 'stateless') meetStateless(params);
      handle({ id, method, params, era });
    }
  }

  function meetStateless(params: Json): void {
    protocol ??= statelessVersions[0];
    const info = metaOf(params)[metaKeys.clientInfo];
    if (agent === null && isObject(info) && typeof info['name'] === 'string') agent = info['name'];
  }

  function notification(method: string, params: Json): void {
    if (method === 'notifications/initialized') ready = true;
    if (method === 'notifications/sallyport/agent' && typeof params['agent'] === 'string') agent = params['agent'];
    if (method === 'notifications/cancelled') {
      const id = params['requestId'];
      if (!isRequestId(id)) return;
      subscriptions.delete(id);
      desk.cancel(id);
    }
  }

  return {
    receive(message) {
      const { jsonrpc, id, method } = message as { jsonrpc?: unknown; id?: unknown; method?: unknown };
      const params = message['params'] ?? {};
      // An answer: we never ask, so there is nothing to match it with.
      if (jsonrpc === '2.0' && method === undefined && id !== undefined && ('result' in message || 'error' in message))
        return true;
      const isRequest = 'id' in message;
      const known = isRequest && isRequestId(id) ? id : null;
      if (jsonrpc !== '2.0' || typeof method !== 'string' || !isObject(params) || (isRequest && known === null)) {
        fail(
          known,
          'malformed',
          'Not a JSON-RPC 2.0 message: "jsonrpc", "method", an object as "params", a text or integer as "id".',
        );
        return false;
      }
      if (known === null) notification(method, params);
      else request(known, method, params);
      return true;
    },
    toolsChanged() {
      if (ready) send(notificationLine('notifications/tools/list_changed'));
      for (const id of subscriptions) {
        send(notificationLine('notifications/tools/list_changed', { _meta: { [metaKeys.subscription]: id } }));
      }
    },
    get inFlight() {
      return desk.inFlight;
    },
    report() {
      return { ...caller(), protocol: protocol ?? 'none', connectedAt, calls: desk.calls };
    },
    close() {
      closed = true;
      subscriptions.clear();
      desk.cancelAll();
    },
  };
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
