/** One `call` stream: runs the tool with its deadline, answers once, and lets nothing of a mistake out but its code. */
import type { ByteStream } from '../main/contract/channel.ts';
import type { CallHeader, ConnectorResult } from '../main/contract/channels.ts';
import type { HttpRequest } from '../main/contract/http.ts';
import { fetchOver } from './http-fetch.ts';
import { isConnectorQuestion } from './sdk/ask.ts';
import { isConnectorRefusal } from './sdk/refusal.ts';
import { isRows, type RowsResult } from './sdk/rows.ts';
import type { Call, Log, Tool } from './sdk/sdk.ts';
import { writeRows } from './write-rows.ts';
import type { Duplex } from 'node:stream';

export interface AnswerDeps {
  readonly tools: ReadonlyMap<string, { readonly run: Tool; readonly maxResultBytes: number }>;
  readonly connect: (ticket: string, destination: string, signal: AbortSignal) => Duplex;
  readonly request: (ticket: string, destination: string, request: HttpRequest) => ByteStream;
  readonly log: Log;
  /** Notices about a call that runs. */
  readonly notes: Pick<Call, 'resourceUpdated'> & {
    progress(callId: string, ...note: Parameters<Call['progress']>): void;
    message(callId: string, ...note: Parameters<Call['message']>): void;
  };
}

type Failure = Extract<ConnectorResult, { ok: false }>;

const failure = (code: Failure['code'], say: string): Failure => ({
  ok: false,
  code,
  say: say.slice(0, 1000),
});
const failed = failure('connector_failed', 'The connector failed while it ran this tool. Try again, or ask for less.');

export function createAnswerCall(deps: AnswerDeps): (header: CallHeader, stream: ByteStream) => void {
  return (header, stream) => {
    answer(deps, header, stream).catch(() => {
      stream.reset('connector_failed');
    });
  };
}

async function answer(deps: AnswerDeps, header: CallHeader, stream: ByteStream): Promise<void> {
  const over = new AbortController();
  const timer = setTimeout(() => {
    over.abort();
  }, header.deadlineMs);
  void stream.closed.then(() => {
    over.abort();
  });
  const result = await run(deps, header, over.signal);
  // Of a table that failed half-way this is the last line.
  const left = isRows(result) ? await streamRows(deps, header, { stream, result }) : result;
  clearTimeout(timer);
  if (left !== null) await stream.write(Buffer.from(JSON.stringify(left)));
  stream.end();
}

interface Streaming {
  readonly stream: ByteStream;
  readonly result: RowsResult;
}

async function streamRows(
  deps: AnswerDeps,
  { tool }: CallHeader,
  { stream, result }: Streaming,
): Promise<Failure | null> {
  const maxRowBytes = deps.tools.get(tool)?.maxResultBytes ?? 0;
  const tooLarge = failure('invalid_arguments', 'A row is too large. Ask for fewer columns.');
  try {
    return await writeRows(stream, result, { maxRowBytes, tooLarge });
  } catch (error) {
    return told(deps, tool, error);
  }
}

async function run(deps: AnswerDeps, header: CallHeader, signal: AbortSignal): Promise<ConnectorResult | RowsResult> {
  const tool = deps.tools.get(header.tool);
  if (tool === undefined) return failure('invalid_arguments', 'This connector has no such tool.');
  const call: Call = {
    callId: header.callId,
    arguments: header.arguments,
    signal,
    deadlineMs: header.deadlineMs,
    maxResultBytes: tool.maxResultBytes,
    log: deps.log,
    client: header.client ?? [],
    answers: header.answers ?? {},
    state: header.state,
    progress: (...note) => deps.notes.progress(header.callId, ...note),
    message: (...note) => deps.notes.message(header.callId, ...note),
    resourceUpdated: (uri) => deps.notes.resourceUpdated(uri),
    connect: (destination) => deps.connect(header.ticket, destination, signal),
    fetch: (destination, request) =>
      fetchOver((sent) => deps.request(header.ticket, destination, sent), request, signal),
  };
  try {
    const value = await tool.run(call);
    if (isRows(value)) return value;
    const result: ConnectorResult = { ok: true, value };
    if (result.value === undefined) return failed;
    const fits = Buffer.byteLength(JSON.stringify(result)) <= tool.maxResultBytes;
    return fits ? result : failure('invalid_arguments', 'The result is too large. Ask for fewer rows or columns.');
  } catch (error) {
    if (isConnectorQuestion(error)) {
      const { requests, state } = error;
      return { ok: 'asks', requests: { ...requests }, ...(state === undefined ? {} : { state }) };
    }
    return told(deps, header.tool, error);
  }
}

function told(deps: AnswerDeps, tool: string, error: unknown): Failure {
  if (isConnectorRefusal(error)) return failure(error.code, error.message);
  // Not the message: it may hold what a backend returned.
  deps.log.error(`${tool} failed: ${error instanceof Error ? error.name : typeof error}`);
  return failed;
}
