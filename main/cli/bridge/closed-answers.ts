/** What the bridge answers while Sallyport is closed: at once, in the asker's own era, and never for a tool. */
import { randomUUID } from 'node:crypto';
import type { Retry, WireResult, OutcomeCode } from '../../contract/errors.ts';
import type { Message, RequestId } from './message.ts';
import type { Closed } from './start-app.ts';

/** The same revisions as the gateway serves: newest first. */
const handshakeVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const statelessVersions = ['2026-07-28'];
const methodNotFound = -32601;

const says: Readonly<Record<Closed, string>> = {
  closed: 'Sallyport is not running. Ask the person to start it and to sign in, then try again.',
  starting: 'Sallyport is being started. Ask the person to sign in in its window, then try again.',
  ended:
    'Sallyport was closed, and is not opened again for an agent. Ask the person to open it and to sign in, then try again.',
  'no-screen':
    'Sallyport is not running, and there is no screen here to open it on. Ask the person to start it (sallyport up --headless) and to sign in, then try again.',
  failed: 'Sallyport was started and ended by itself. Ask the person to open it and to sign in, then try again.',
};
const capabilities = { tools: { listChanged: true } };

export interface ClosedAnswersDeps {
  readonly version: string;
  /** JSON text of an array. */
  readonly readTools: () => string;
  /** Why whoever listens is not spoken to; nothing: nobody does. */
  readonly problem: () => string | undefined;
  /** How it is, after what can be done was done. */
  readonly closed: () => Closed;
}

/** The answer's line, or nothing for a notification. */
export function createClosedAnswers({
  version,
  readTools,
  problem,
  closed,
}: ClosedAnswersDeps): (message: Message) => string | undefined {
  const serverInfo = { name: 'sallyport', title: 'Sallyport', version };
  const complete = { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo } };

  function result(message: Message): object | undefined {
    const stamp = message.isStateless ? complete : {};
    switch (message.method) {
      case 'initialize':
        return {
          protocolVersion: negotiated(message.protocolVersion),
          capabilities,
          serverInfo,
          instructions: says[closed()],
        };
      case 'server/discover': {
        const supportedVersions = [...statelessVersions, ...handshakeVersions];
        const instructions = says[closed()];
        return { supportedVersions, capabilities, instructions, ttlMs: 0, cacheScope: 'private', ...complete };
      }
      case 'ping':
        return {};
      case 'tools/list': {
        const caching = message.isStateless ? { ttlMs: 0, cacheScope: 'private' } : {};
        return { tools: JSON.parse(readTools()) as unknown, ...caching, ...stamp };
      }
      case 'tools/call':
        if (problem() !== undefined)
          return { ...failure('protection_missing', 'never', `${problem() ?? ''}.`), ...stamp };
        // A Sallyport that is started later knows nobody yet.
        return { ...failure('not_signed_in', 'after_signin', says[closed()]), ...stamp };
      default:
        return undefined;
    }
  }

  return (message) => {
    const { id, method } = message;
    if (id === undefined || method === undefined) return undefined;
    if (method === 'subscriptions/listen') return acknowledged(id, message);
    const answer = result(message);
    return answer ? line({ id, result: answer }) : unknownMethod(id);
  };
}

/** A call that was running when Sallyport ended. It is never sent again: nobody knows how far it came. */
export function brokenCall({ id, isStateless }: Message): string {
  const say =
    'Sallyport ended while this call was running; it may or may not have taken effect. Check before you repeat it.';
  return line({
    id,
    result: { ...failure('connector_failed', 'after', say), ...(isStateless ? { resultType: 'complete' } : {}) },
  });
}

export function toolsChanged(subscription?: RequestId): string {
  const params =
    subscription === undefined ? {} : { params: { _meta: { 'io.modelcontextprotocol/subscriptionId': subscription } } };
  return line({ method: 'notifications/tools/list_changed', ...params });
}

export function line(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ jsonrpc: '2.0', ...body });
}

function negotiated(asked: string | undefined): string | undefined {
  return handshakeVersions.find((known) => known === asked) ?? handshakeVersions[0];
}

function acknowledged(id: RequestId, { wantsToolChanges }: Message): string {
  const notifications = wantsToolChanges ? { toolsListChanged: true } : {};
  const params = { _meta: { 'io.modelcontextprotocol/subscriptionId': id }, notifications };
  return line({ method: 'notifications/subscriptions/acknowledged', params });
}

function unknownMethod(id: RequestId): string {
  return line({
    id,
    error: { code: methodNotFound, message: 'There is no such method here.', data: { code: 'unknown_method' } },
  });
}

function failure(code: OutcomeCode, retry: Retry, say: string): WireResult {
  return {
    isError: true,
    content: [{ type: 'text', text: say }],
    structuredContent: { code, retry, callId: randomUUID() },
  };
}
