/** One `call` stream: runs the tool with its deadline, answers once, and lets nothing of a mistake out but its code. */
import type { ByteStream } from '../main/contract/channel.ts';
import type { CallHeader, ConnectorResult } from '../main/contract/channels.ts';
import { isConnectorQuestion } from './sdk/ask.ts';
import { isConnectorRefusal } from './sdk/refusal.ts';
import type { Call, Log, Tool } from './sdk/sdk.ts';
import type { Duplex } from 'node:stream';

export interface AnswerDeps {
  readonly tools: ReadonlyMap<string, { readonly run: Tool; readonly maxResultBytes: number }>;
  readonly connect: (ticket: string, destination: string, signal: AbortSignal) => Duplex;
  readonly log: Log;
  /** Notices about a call that runs. */
  readonly notes: Pick<Call, 'resourceUpdated'> & {
    progress(callId: string, ...note: Parameters<Call['progress']>): void;
    message(callId: string, ...note: Parameters<Call['message']>): void;
  };
}

const failure = (code: Extract<ConnectorResult, { ok: false }>['code'], say: string): ConnectorResult => ({
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
  const text = JSON.stringify(await run(deps, header, over.signal));
  clearTimeout(timer);
  await stream.write(Buffer.from(text));
  stream.end();
}

async function run(deps: AnswerDeps, header: CallHeader, signal: AbortSignal): Promise<ConnectorResult> {
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
  };
  try {
    const result: ConnectorResult = { ok: true, value: await tool.run(call) };
    if (result.value === undefined) return failed;
    const fits = Buffer.byteLength(JSON.stringify(result)) <= tool.maxResultBytes;
    return fits ? result : failure('invalid_arguments', 'The result is too large. Ask for fewer rows or columns.');
  } catch (error) {
    if (isConnectorRefusal(error)) return failure(error.code, error.message);
    if (isConnectorQuestion(error)) {
      const { requests, state } = error;
      return { ok: 'asks', requests: { ...requests }, ...(state === undefined ? {} : { state }) };
    }
    // Not the message: it may hold what a backend returned.
    deps.log.error(`${header.tool} failed: ${error instanceof Error ? error.name : typeof error}`);
    return failed;
  }
}
