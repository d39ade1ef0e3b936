/** JSON-RPC 2.0 and MCP on the wire: versions, error numbers, and the text of every answer. */
import type { ReleasedResult } from '../contract/call.ts';
import type { ProtocolCode, WireResult } from '../contract/errors.ts';

/** Revisions with `initialize`, newest first. */
export const handshakeVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const;
/** Revisions without state: each request names its own. */
export const statelessVersions = ['2026-07-28'] as const;

/** The one revision whose text has batches ("MUST support receiving JSON-RPC batches"). */
export const batchVersion = '2025-03-26';
export const maxBatch = 32;

export const metaKeys = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** JSON-RPC 2.0 §5.1; -32022 is MCP 2026-07-28's UnsupportedProtocolVersion; -32000 is for servers to define. */
export const rpcErrors = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  server: -32000,
  unsupportedVersion: -32022,
  /** MCP up to 2025-11-25; from 2026-07-28 on it is invalidParams. */
  resourceNotFound: -32002,
  /** MCP 2026-07-28, Streamable HTTP: headers and body disagree. */
  headerMismatch: -32020,
  /** MCP 2026-07-28: the client did not declare what the request needs of it. */
  missingCapability: -32021,
} as const;

export type RequestId = string | number;

export interface RpcError {
  readonly id: RequestId | null;
  readonly number: number;
  readonly say: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly code: string };
}

/** The error's number in a line that `errorLine` wrote; null for a result. */
export function errorNumberOf(line: string): number | null {
  const found = /^\{"jsonrpc":"2\.0","id":(?:"(?:[^"\\]|\\.)*"|-?\d+|null),"error":\{"code":(-?\d+)/.exec(line);
  return found === null ? null : Number(found[1]);
}

export function errorLine({ id, number, say, data }: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: number, message: say, data } });
}

/** `json` is the text of the result: what was measured is what is sent. */
export function resultLine(id: RequestId, json: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
}

export function notificationLine(method: string, params?: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
}

/** No answer to a request: the connection, or a line of it, finds no room. */
export function crowdedLine(say: string): string {
  return errorLine(protocolError(null, 'too_many_requests_in_flight', say));
}

/** No answer to a request: who connected cannot be told. */
export function unidentifiedLine(say: string): string {
  return errorLine({ id: null, number: rpcErrors.server, say, data: { code: 'agent_not_allowed' } });
}

const frameErrors: Readonly<Record<'malformed' | 'frame_too_large' | 'invalid_utf8', { number: number; say: string }>> =
  {
    malformed: {
      number: rpcErrors.parse,
      say: 'Not a line of strict JSON: no duplicate members, at most 64 levels, well-formed text.',
    },
    frame_too_large: {
      number: rpcErrors.invalidRequest,
      say: 'The message is too large. Send at most 4 MiB in one line.',
    },
    invalid_utf8: { number: rpcErrors.parse, say: 'The message is not valid UTF-8.' },
  };

export function frameErrorLine(code: 'malformed' | 'frame_too_large' | 'invalid_utf8', notAnObject: boolean): string {
  const { number, say } = frameErrors[code];
  if (!notAnObject) return errorLine({ id: null, number, say, data: { code } });
  const invalid = `Send one JSON-RPC 2.0 object a line; only revision ${batchVersion} has batches, of 1 to ${maxBatch} messages.`;
  return errorLine({ id: null, number: rpcErrors.invalidRequest, say: invalid, data: { code } });
}

export function protocolError(id: RequestId | null, code: ProtocolCode, say: string): RpcError {
  const numbers: Record<ProtocolCode, number> = {
    malformed: rpcErrors.invalidRequest,
    frame_too_large: rpcErrors.invalidRequest,
    invalid_utf8: rpcErrors.parse,
    unknown_method: rpcErrors.methodNotFound,
    unsupported_version: rpcErrors.unsupportedVersion,
    too_many_requests_in_flight: rpcErrors.server,
  };
  return { id, number: numbers[code], say, data: { code } };
}

/**
 * A released value, once as text for models and once as data, or as the protocol's result itself; `stamp` is what the
 * revision adds to each result.
 */
export function releasedJson(
  { text, shape, reference }: Pick<ReleasedResult, 'text' | 'shape' | 'reference'>,
  { stamp, takesLinks }: { readonly stamp: string; readonly takesLinks: boolean },
): string {
  if (shape === 'whole') return `${text.slice(0, -1)}${stamp}}`;
  const link = reference !== undefined && takesLinks ? `,${linkTo(reference)}` : '';
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}${link}],"structuredContent":${text}${stamp}}`;
}

/** MCP 2025-06-18 and later; older ones read the address in the data. */
function linkTo({ uri, rows }: NonNullable<ReleasedResult['reference']>): string {
  return JSON.stringify({ type: 'resource_link', uri, name: `all ${rows} rows`, mimeType: 'application/json' });
}

export function refusedJson(failure: WireResult, stamp: string): string {
  return JSON.stringify(failure).slice(0, -1) + stamp + '}';
}
