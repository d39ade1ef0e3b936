/** As much of a JSON-RPC message as the bridge must know. */

export type RequestId = string | number;

export interface Message {
  /** Of a request; absent in a notification. */
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: unknown;
  /** It names its revision in `_meta`: 2026-07-28 and later. */
  readonly isStateless: boolean;
  /** Of `initialize`. */
  readonly protocolVersion?: string;
  /** Of `subscriptions/listen`. */
  readonly wantsToolChanges: boolean;
}

const versionKey = 'io.modelcontextprotocol/protocolVersion';

/** Nothing when it is no JSON object. */
export function readMessage(bytes: Buffer): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { id, method, params } = value;
  const protocolVersion = member(params, 'protocolVersion');
  return {
    ...(typeof id === 'string' || typeof id === 'number' ? { id } : {}),
    ...(typeof method === 'string' ? { method } : {}),
    ...(params === undefined ? {} : { params }),
    isStateless: member(member(params, '_meta'), versionKey) !== undefined,
    ...(typeof protocolVersion === 'string' ? { protocolVersion } : {}),
    wantsToolChanges: member(member(params, 'notifications'), 'toolsListChanged') === true,
  };
}

/** The gateway writes `{"jsonrpc":"2.0","id":…,` first, so a large answer need not be parsed to see whose it is. */
const answerHead = /^\{"jsonrpc":"2\.0","id":(-?\d+|"(?:[^"\\]|\\.){0,200}"),/;

export function answeredId(bytes: Buffer): RequestId | undefined {
  const quick = answerHead.exec(bytes.toString('latin1', 0, 256))?.[1];
  if (quick !== undefined && !/[^ -~]/.test(quick)) return JSON.parse(quick) as RequestId;
  const message = readMessage(bytes);
  return message?.method === undefined ? message?.id : undefined;
}

export function member(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
