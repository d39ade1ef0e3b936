/**
 * One cleared call to one connector. Guarantees a ticket of its own for each call (closed at its end, whatever
 * happens), a deadline, and a bounded result; and that what egress says happened counts more than what the connector
 * says. Trusts egress. The connector is hostile: everything it sends is parsed, and its words are bounded.
 */
import { randomBytes } from 'node:crypto';
import type { Asks, ClearedCall } from '../contract/call.ts';
import type { ByteStream, Channel } from '../contract/channel.ts';
import {
  connectorResultSchema,
  type ConnectionRecord,
  type ConnectorResult,
  type gatewayConnector,
  type gatewayEgress,
} from '../contract/channels.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { outcomeCodeSchema, type OutcomeCode, type Refusal } from '../contract/errors.ts';
import type { OpenTable } from '../contract/table.ts';
import { readAsks } from './asks.ts';
import type { CallNotes } from './call-notes.ts';
import { sayFor, saySuspended } from './outcome-says.ts';
import { plainText } from './plain-text.ts';
import { readTable, type TableAnswer, type TableLimits } from './read-table.ts';

/** The gateway's ends of a connector's pair; null while one is being restarted. */
export interface Pair {
  readonly connector: Channel<typeof gatewayConnector.a> | null;
  readonly egress: Channel<typeof gatewayEgress.a> | null;
  /** The shell does not restart it until the person does something. */
  readonly givenUp: boolean;
}

export interface DispatchDeps {
  readonly pairOf: (connector: string) => Pair;
  readonly notes: CallNotes;
  readonly connectors: readonly { readonly manifest: Pick<ConnectorManifest, 'name' | 'wrap'> }[];
}

export type Dispatched = { readonly resultBytes: number; readonly backendBytes: number } & (
  | { readonly ok: true; readonly value: unknown }
  /** Every row was taken: what the connector says beside them. */
  | { readonly ok: 'rows'; readonly rest: Readonly<Record<string, unknown>> }
  | { readonly ok: 'asks'; readonly asks: Asks }
  /** `instead`: our own sentence, where the connector worded the refusal. */
  | { readonly ok: false; readonly refusal: Refusal; readonly instead?: string }
);

/** How long egress may take to answer; it is ours and does nothing but bookkeeping here. */
const egressTimeoutMs = 5000;

/** `signal` aborts with a code, or with `cancelled`. A result in rows goes into what `openTable` opens. */
export type Dispatch = (cleared: ClearedCall, signal: AbortSignal, openTable: OpenTable) => Promise<Dispatched>;

export function createDispatch({ pairOf, notes, connectors }: DispatchDeps): Dispatch {
  // A wrapped server's requests are a program's own affair, which tries again, gives up, and asks for what it may not.
  const wrapping = new Set(connectors.flatMap(({ manifest: { name, wrap } }) => (wrap === undefined ? [] : [name])));
  return async (cleared, signal, openTable) => {
    const { connector, egress, givenUp } = pairOf(cleared.connector);
    if (connector === null || egress === null) return givenUp ? stopped : failed('connector_failed');
    const ticket = randomBytes(32).toString('base64url');
    const opened = await openTicket(egress, ticket, cleared);
    if (opened !== null) return failed(opened);
    const cancel = (code: OutcomeCode): void => {
      egress.notify('cancel-ticket', { ticket, code });
    };
    const { callId, listener = {} } = cleared.call;
    const unfollow = notes.follow({ callId, connector: cleared.connector }, listener);
    let got: Answer = { code: 'internal', resultBytes: 0 };
    let records: readonly ConnectionRecord[] | null = null;
    try {
      got = await converse({ connector, ticket, cleared, signal, cancel, openTable });
    } finally {
      unfollow();
      records = await closeTicket(egress, ticket);
    }
    const codes = (records ?? []).flatMap(({ code }) => code ?? []);
    const telling = wrapping.has(cleared.connector) ? codes.filter((code) => !itsOwnAffair.includes(code)) : codes;
    return conclude(got, records, telling[0]);
  };
}

interface Conversation {
  readonly connector: Channel<typeof gatewayConnector.a>;
  readonly ticket: string;
  readonly cleared: ClearedCall;
  readonly signal: AbortSignal;
  readonly cancel: (code: OutcomeCode) => void;
  readonly openTable: OpenTable;
}

/** What the connector's side came to: its result, or why there is none. */
type Answer = { readonly resultBytes: number } & TableAnswer;

async function openTicket(
  egress: Channel<typeof gatewayEgress.a>,
  ticket: string,
  cleared: ClearedCall,
): Promise<OutcomeCode | null> {
  const { tool, call, principal } = cleared;
  const params = {
    ticket,
    callId: call.callId,
    subject: principal.subject,
    program: call.caller.program,
    destinations: tool.destinations,
    deadlineMs: tool.limits.timeoutMs,
    maxBytes: tool.limits.maxBackendBytes,
  };
  try {
    await egress.request('open-ticket', params, { timeoutMs: egressTimeoutMs });
    return null;
  } catch (error) {
    // A coded refusal is egress's own; anything else means that it is gone.
    const code = outcomeCodeSchema.safeParse((error as { code?: unknown }).code);
    return code.success && code.data !== 'internal' ? code.data : 'connector_failed';
  }
}

/** Null: egress is gone, and with it every connection of the call. */
async function closeTicket(
  egress: Channel<typeof gatewayEgress.a>,
  ticket: string,
): Promise<readonly ConnectionRecord[] | null> {
  try {
    return (await egress.request('close-ticket', { ticket }, { timeoutMs: egressTimeoutMs })).connections;
  } catch {
    return null;
  }
}

async function converse({ connector, ticket, cleared, signal, cancel, openTable }: Conversation): Promise<Answer> {
  const { call, tool } = cleared;
  let stream: ByteStream;
  try {
    stream = connector.open('call', {
      callId: call.callId,
      ticket,
      tool: tool.name,
      arguments: { ...call.arguments },
      deadlineMs: tool.limits.timeoutMs,
      ...(call.client === undefined ? {} : { client: [...call.client] }),
      ...continued(call),
    });
  } catch {
    return { code: 'connector_failed', resultBytes: 0 };
  }
  const stopped: { by?: OutcomeCode } = {};
  const stop = (code: OutcomeCode): void => {
    stopped.by ??= code;
    cancel(code);
    stream.reset(code);
  };
  const onAbort = (): void => {
    const code = outcomeCodeSchema.safeParse(signal.reason);
    // A program that cancels no longer waits: for the backend the same as a deadline.
    stop(code.success ? code.data : 'connector_timeout');
  };
  const deadline = setTimeout(stop, tool.limits.timeoutMs, 'connector_timeout');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    stream.end();
    if (tool.result === 'rows') return await readTable(stream, tableLimits(tool), openTable);
    return await readAnswer(stream, tool.limits.maxResultBytes);
  } catch {
    return { code: stopped.by ?? 'connector_failed', resultBytes: 0 };
  } finally {
    clearTimeout(deadline);
    signal.removeEventListener('abort', onAbort);
  }
}

const defaultMaxRows = 1_000_000;

function tableLimits({ limits }: ClearedCall['tool']): TableLimits {
  const { maxBackendBytes, maxResultBytes, maxRows = defaultMaxRows } = limits;
  // As JSON a row can be longer than on the backend's wire.
  return { maxLineBytes: maxResultBytes, maxRows, maxBytes: 2 * maxBackendBytes };
}

async function readAnswer(stream: ByteStream, maxBytes: number): Promise<Answer> {
  const pieces: Uint8Array[] = [];
  let resultBytes = 0;
  for await (const piece of stream) {
    resultBytes += piece.length;
    if (resultBytes > maxBytes) {
      stream.reset('output_not_allowed');
      return { code: 'output_not_allowed', resultBytes };
    }
    pieces.push(piece);
  }
  const result = parse(pieces);
  return result === null ? { code: 'connector_failed', resultBytes } : { result, resultBytes };
}

function parse(pieces: readonly Uint8Array[]): ConnectorResult | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
    const parsed = connectorResultSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What a wrapped server was told in answer to a request of its own, and may make of it what it can. It is in the log. */
const itsOwnAffair: readonly OutcomeCode[] = [
  'connector_failed',
  'destination_not_allowed',
  'backend_unreachable',
  'backend_refused',
  'backend_certificate',
];

function conclude(got: Answer, records: readonly ConnectionRecord[] | null, cut: OutcomeCode | undefined): Dispatched {
  const { resultBytes } = got;
  const sizes = {
    resultBytes,
    // A lying worker's sizes may add up to what no record holds.
    backendBytes: Math.min(
      (records ?? []).reduce((sum, record) => sum + record.bytesFromBackend, 0),
      Number.MAX_SAFE_INTEGER,
    ),
  };
  if (records === null) return { ok: false, refusal: refusalOf('connector_failed'), ...sizes };
  // Egress saw what happened; a connector may lie about it, or only know that a stream ended.
  if (cut !== undefined) return { ok: false, refusal: refusalOf(cut), ...sizes };
  if ('code' in got) return { ok: false, refusal: refusalOf(got.code), ...sizes };
  if ('rest' in got) return { ok: 'rows', rest: got.rest, ...sizes };
  if (got.result.ok === true) return { ok: true, value: got.result.value, ...sizes };
  if (got.result.ok === 'asks') {
    const asks = readAsks(got.result);
    if (asks === null) return { ok: false, refusal: refusalOf('connector_failed'), ...sizes };
    return { ok: 'asks', asks, ...sizes };
  }
  const refusal = refusalOf(got.result.code);
  const say = plainText(got.result.say);
  if (say === '') return { ok: false, refusal, ...sizes };
  return { ok: false, refusal: { ...refusal, say }, instead: refusal.say, ...sizes };
}

function failed(code: OutcomeCode): Dispatched {
  return { ok: false, refusal: refusalOf(code), resultBytes: 0, backendBytes: 0 };
}

const stopped: Dispatched = {
  ok: false,
  refusal: { code: 'connector_failed', say: saySuspended, retry: 'never' },
  resultBytes: 0,
  backendBytes: 0,
};

const retryAfterMs: Partial<Record<OutcomeCode, number>> = {
  connector_failed: 2000,
  backend_unreachable: 5000,
  rate_limited: 2000,
};

function refusalOf(code: OutcomeCode): Refusal {
  const after = retryAfterMs[code];
  return { code, say: sayFor(code), ...(after === undefined ? {} : { retryAfterMs: after }) };
}

/** Where a call goes on, the connector gets its own state back, and the answers. */
function continued({ continued: on }: ClearedCall['call']): { state?: string; answers?: Record<string, unknown> } {
  if (on === undefined) return {};
  return { answers: { ...on.answers }, ...(on.state === null ? {} : { state: on.state }) };
}
