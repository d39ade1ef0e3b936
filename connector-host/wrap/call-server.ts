/** One `call` stream of the gateway, as one request to the wrapped server: its answer, its questions, or why there is none. */
import type { ByteStream } from '../../main/contract/channel.ts';
import type { CallHeader, ConnectorResult } from '../../main/contract/channels.ts';
import type { AskKind } from '../../main/contract/tool-words.ts';
import { wrappedCalls, wrappedLimits } from '../../main/contract/wrap.ts';
import { createKeptCalls } from './kept-calls.ts';
import type { Asking, Questions } from './questions.ts';
import { completionResult, promptResult, resourceResult, toolResult } from './results.ts';
import { isJson, ServerError, type Json } from './rpc.ts';
import type { ServerSession } from './server-session.ts';
import { callAsTask } from './task-call.ts';

export interface ServerCallDeps {
  readonly session: Promise<ServerSession>;
  readonly questions: Questions;
  /** What the manifest lets a tool ask. */
  readonly asks: (tool: string) => readonly AskKind[];
  readonly isStructured: (tool: string) => boolean;
  /** Runs as a task alone. */
  readonly isTask: (tool: string) => boolean;
  /** Before the names of its prompts, as agents know them. */
  readonly prefix: string;
  /** Speaks for the call while it runs. Answers how to stop. */
  readonly follow: (callId: string, requestId: number) => () => void;
  /**
   * Says whose requests to destinations are taken from now on, null: nobody's. Where there is one, calls run one after another, so that
   * each request belongs to the one that runs.
   */
  readonly runs?: (call: Pick<CallHeader, 'callId' | 'ticket'> | null) => Promise<void>;
}

const kinds: Readonly<Record<string, AskKind>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

export function createServerCalls(deps: ServerCallDeps): (header: CallHeader, stream: ByteStream) => void {
  const kept = createKeptCalls();

  async function answer(header: CallHeader, stream: ByteStream): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), header.deadlineMs);
    void stream.closed.then(() => over.abort());
    const result = await run(header, over.signal).catch((error: unknown) => lacking(error, header) ?? failure(error));
    clearTimeout(timer);
    const text = JSON.stringify(result);
    const fits = Buffer.byteLength(text) <= wrappedLimits.maxResultBytes;
    await stream.write(Buffer.from(fits ? text : JSON.stringify(tooLarge)));
    stream.end();
  }

  async function run(header: CallHeader, signal: AbortSignal): Promise<ConnectorResult> {
    const session = await Promise.race([deps.session, stopped(signal)]);
    const { method, params, read } = requestOf(header, deps);
    const isTask = session.era === 'handshake' && method === 'tools/call' && deps.isTask(header.tool);
    const client = deps.asks(header.tool).filter((kind) => header.client?.includes(kind) === true);
    const send = async (more: Json, until: AbortSignal): Promise<Json> => {
      await deps.runs?.(owner(header));
      let unfollow: (() => void) | undefined;
      const onStart = (id: number): void => {
        unfollow = deps.follow(header.callId, id);
      };
      const following = { method, isTask, params: { ...params, ...more }, client, signal: until, onStart };
      try {
        return await followed(session, following);
      } finally {
        unfollow?.();
        await deps.runs?.(null);
      }
    };
    const alone = deps.runs !== undefined;
    if (session.era === 'stateless') {
      const start = (until: AbortSignal): Promise<Json> => send(continuing(header), until);
      return stateless(await (alone ? inTurn(deps.questions, start, signal) : start(signal)), read);
    }
    if (client.length === 0 && !alone) return { ok: true, value: read(await send({}, signal)) };
    const asking =
      header.state === undefined
        ? await deps.questions.begin({ kinds: client, signal, start: (until) => send({}, until) })
        : await resumed(header);
    return untilAsked(asking, { header, signal, read });
  }

  async function resumed(header: CallHeader): Promise<Asking> {
    const { asking, answer } = kept.take(header);
    await deps.runs?.(owner(header));
    answer();
    return asking;
  }

  async function untilAsked(
    asking: Asking,
    { header, signal, read }: { header: CallHeader; signal: AbortSignal; read: (result: Json) => Json },
  ): Promise<ConnectorResult> {
    const end = (): void => asking.stop();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const question = await Promise.race([asking.result.then(() => null), asking.next()]);
    if (question === null) return { ok: true, value: read(await asking.result) };
    // The stream ends with the question; the server's call does not.
    signal.removeEventListener('abort', end);
    await deps.runs?.(null);
    const state = kept.put(header, asking, question);
    return { ok: 'asks', requests: { question: { kind: question.kind, params: question.params } }, state };
  }

  return (header, stream) => {
    answer(header, stream).catch(() => stream.reset('connector_failed'));
  };
}

/** One that asks nobody. */
async function inTurn(
  questions: Questions,
  start: (until: AbortSignal) => Promise<Json>,
  signal: AbortSignal,
): Promise<Json> {
  const asking = await questions.begin({ kinds: [], signal, start });
  const end = (): void => asking.stop();
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  return asking.result;
}

const owner = ({ callId, ticket }: CallHeader) => ({ callId, ticket });

interface Following {
  readonly method: string;
  readonly isTask: boolean;
  readonly params: Json;
  readonly client: readonly AskKind[];
  readonly signal: AbortSignal;
  readonly onStart: (id: number) => void;
}

let tokens = 0;

/** Its progress is told under a token of ours. */
function followed(
  session: ServerSession,
  { method, isTask, params, client, signal, onStart }: Following,
): Promise<Json> {
  tokens += 1;
  const progressToken = tokens;
  const extra = { client, signal, progressToken, onStart: () => onStart(progressToken) };
  return isTask ? callAsTask(session, params, extra) : session.request(method, params, extra);
}

interface Asked {
  readonly method: string;
  readonly params: Json;
  readonly read: (result: Json) => Json;
}

function requestOf({ tool, arguments: given }: CallHeader, { isStructured, prefix }: ServerCallDeps): Asked {
  if (tool === wrappedCalls.resource)
    return { method: 'resources/read', params: { uri: given['uri'] }, read: resourceResult };
  if (tool === wrappedCalls.completion) {
    const { prompt, uri, name, value } = given;
    const own = typeof prompt === 'string' && prompt.startsWith(prefix) ? prompt.slice(prefix.length) : prompt;
    const ref = prompt === undefined ? { type: 'ref/resource', uri } : { type: 'ref/prompt', name: own };
    return { method: 'completion/complete', params: { ref, argument: { name, value } }, read: completionResult };
  }
  if (tool.startsWith(wrappedCalls.prompt)) {
    const name = tool.slice(wrappedCalls.prompt.length);
    return { method: 'prompts/get', params: { name, arguments: given }, read: promptResult };
  }
  return {
    method: 'tools/call',
    params: { name: tool, arguments: given },
    read: (result) => toolResult(result, isStructured(tool)),
  };
}

/** MCP 2026-07-28: the answers, and the server's own state, go with the request. */
function continuing({ state, answers }: CallHeader): Json {
  if (state === undefined) return {};
  const { requestState } = JSON.parse(state) as { requestState?: unknown };
  return { inputResponses: answers ?? {}, ...(requestState === undefined ? {} : { requestState }) };
}

function stateless(result: Json, read: (result: Json) => Json): ConnectorResult {
  if (result['resultType'] !== 'input_required') return { ok: true, value: read(result) };
  const { inputRequests, requestState } = result;
  const asked = Object.entries(isJson(inputRequests) ? inputRequests : {}).flatMap(([key, request]) => {
    const kind = isJson(request) ? kinds[String(request['method'])] : undefined;
    if (kind === undefined || !isJson(request)) return [];
    return [[key, { kind, params: isJson(request['params']) ? { ...request['params'] } : {} }] as const];
  });
  const state = JSON.stringify({ ...(requestState === undefined ? {} : { requestState }) });
  return { ok: 'asks', requests: Object.fromEntries(asked), state };
}

const missingCapability = -32021;
const leastParams: Readonly<Record<AskKind, Json>> = {
  elicitation: { message: 'Asked.', requestedSchema: { type: 'object', properties: {} } },
  sampling: { messages: [], maxTokens: 1 },
  roots: {},
};

/**
 * A server that would ask what this client does not take says so at once. Said to the gateway as the question that it would be, which
 * never reaches this client: it gets the refusal that MCP has for it.
 */
export function lacking(error: unknown, { client = [] }: Pick<CallHeader, 'client'>): ConnectorResult | null {
  if (!(error instanceof ServerError) || error.number !== missingCapability) return null;
  const needs = isJson(error.data) ? error.data['requiredCapabilities'] : null;
  const kind = Object.values(kinds).find(
    (each) => isJson(needs) && Object.hasOwn(needs, each) && !client.includes(each),
  );
  return kind === undefined ? null : { ok: 'asks', requests: { needed: { kind, params: leastParams[kind] } } };
}

type Failure = Extract<ConnectorResult, { ok: false }>;
const tooLarge: Failure = { ok: false, code: 'invalid_arguments', say: 'The result is too large. Ask for less.' };
const invalidParams = -32602;
const resourceNotFound = -32002;

function failure(error: unknown): Failure {
  if (!(error instanceof ServerError))
    return {
      ok: false,
      code: 'connector_failed',
      say: 'The wrapped server gave no answer. Try again, or ask for less.',
    };
  const isInvalid = error.number === invalidParams || error.number === resourceNotFound;
  return { ok: false, code: isInvalid ? 'invalid_arguments' : 'backend_refused', say: error.message.slice(0, 1000) };
}

function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new ServerError(0, 'The wrapped server is not ready yet. Try again in a moment.'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
