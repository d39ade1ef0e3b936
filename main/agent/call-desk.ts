/** The calls that one connection has in flight: started, answered once, cancelled; and made again where a connector asked. */
import type { Asks, CallListener, Caller, CallOffer, Continued, ToolCall } from '../contract/call.ts';
import { toWire, type Refusal } from '../contract/errors.ts';
import type { AskKind } from '../contract/manifest.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { answersTo, inputRequests, type Requests } from './questions.ts';
import type { Era, Reply } from './request.ts';
import type { RequestStates } from './request-state.ts';
import { errorLine, protocolError, refusedJson, releasedJson, resultLine, rpcErrors, type RequestId } from './wire.ts';

export const maxInFlight = 64;
/** How often a connector may ask in one call. */
const maxRounds = 8;

export interface CallRequest {
  readonly id: RequestId;
  readonly era: Era;
  /** What the revision adds to each result, as JSON text. */
  readonly stamp: string;
  readonly takesLinks: boolean;
  readonly caller: Caller;
  readonly toolName: string;
  readonly offer: CallOffer;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly listener: CallListener;
  /** The answer where there is nothing of that name: what there is, a program without consent does not learn. */
  readonly unknown?: string;
  /** What the client can be asked. */
  readonly client: readonly AskKind[];
  /** Answers that came with the request, and the state of the call that they are for. */
  readonly responses: Readonly<Record<string, unknown>>;
  readonly requestState: string | undefined;
  /** Asks the client on its stream; null where the era answers with the question. */
  readonly ask: ((requests: Requests, signal: AbortSignal) => Promise<Record<string, unknown> | null>) | null;
  readonly reply: Reply;
}

export interface CallDeskDeps {
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly states: RequestStates;
}

export interface CallDesk {
  start(request: CallRequest): void;
  cancel(id: RequestId): void;
  cancelAll(): void;
  /** Calls back once, when no call is in flight. */
  whenIdle(done: () => void): void;
  readonly isIdle: boolean;
  /** Started since the connection opened. */
  readonly calls: number;
}

export function createCallDesk(deps: CallDeskDeps): CallDesk {
  const running = new Map<RequestId, AbortController>();
  const idlers: (() => void)[] = [];
  let calls = 0;

  async function run(request: CallRequest, signal: AbortSignal): Promise<void> {
    const line = await answerOf(deps, request, signal).catch(() => refusalLine(request, '', broken));
    running.delete(request.id);
    request.reply(line);
    if (running.size === 0) for (const done of idlers.splice(0)) done();
  }

  return {
    start(request) {
      if (running.size >= maxInFlight) {
        const say = `At most ${maxInFlight} calls may run at once on a connection. Wait for an answer, then send it again.`;
        request.reply(errorLine(protocolError(request.id, 'too_many_requests_in_flight', say)));
        return;
      }
      if (running.has(request.id)) {
        request.reply(errorLine(protocolError(request.id, 'malformed', 'A request with this id is still running.')));
        return;
      }
      const controller = new AbortController();
      running.set(request.id, controller);
      calls += 1;
      void run(request, controller.signal);
    },
    cancel(id) {
      running.get(id)?.abort();
    },
    cancelAll() {
      for (const controller of running.values()) controller.abort();
    },
    whenIdle(done) {
      if (running.size === 0) done();
      else idlers.push(done);
    },
    get isIdle() {
      return running.size === 0;
    },
    get calls() {
      return calls;
    },
  };
}

const broken: Refusal = { code: 'internal', say: 'Something broke inside Sallyport. Try again.' };

/** Each round is a call of its own, from the first stage on. */
async function answerOf(deps: CallDeskDeps, request: CallRequest, signal: AbortSignal): Promise<string | null> {
  const begun = resume(deps, request);
  if (typeof begun === 'string') return begun;
  let { continued, responses } = begun;
  for (let { rounds } = begun; rounds <= maxRounds; rounds += 1) {
    const callId = deps.newCallId();
    const outcome = await deps.call(toolCall(request, { callId, continued, signal }));
    if (outcome.kind === 'cancelled') return null;
    if (outcome.kind === 'refused') return refusalLine(request, callId, outcome.refusal);
    if (outcome.kind === 'released') return resultLine(request.id, releasedJson(outcome.result, request));
    const { asks, subject } = outcome;
    const missing = Object.values(asks.requests).find(({ kind }) => !request.client.includes(kind));
    if (missing !== undefined) return missingCapability(request, missing.kind);
    let answers = answersTo(asks.requests, responses);
    if (answers === null && request.ask === null)
      return questionLine(deps, request, { asks, subject, rounds: rounds + 1 });
    answers ??= await asked(request, asks.requests, signal);
    if (signal.aborted) return null;
    if (answers === null) return refusalLine(request, callId, unanswered);
    continued = { subject, state: asks.state, answers };
    // What came with the request answers the first question only.
    responses = {};
  }
  return refusalLine(request, '', { code: 'connector_failed', say: 'The connector asked too often. Tell the person.' });
}

const unanswered: Refusal = {
  code: 'invalid_arguments',
  say: 'The tool needs an answer of your client’s, and got none that fits. Call again to be asked again.',
};

async function asked(
  { ask }: CallRequest,
  requests: Requests,
  signal: AbortSignal,
): Promise<Record<string, unknown> | null> {
  const given = await ask?.(requests, signal);
  return given ? answersTo(requests, given) : null;
}

interface Begun {
  /** How often it asked before. */
  readonly rounds: number;
  readonly continued: Continued | undefined;
  readonly responses: Readonly<Record<string, unknown>>;
}

/** A text: the line that ends it already. */
function resume({ states }: CallDeskDeps, request: CallRequest): Begun | string {
  const { requestState, responses, caller, id } = request;
  if (requestState === undefined) return { rounds: 0, continued: undefined, responses };
  const state = states.open({ ...request, key: caller.key }, requestState);
  if (state === null) {
    const say = 'This requestState is not of this call, or too old. Call again without it.';
    return errorLine({ id, number: rpcErrors.invalidParams, say, data: { code: 'malformed' } });
  }
  const answers = answersTo(state.requests, responses);
  if (answers === null) return questionResult(request, state.requests, requestState);
  const { rounds, subject } = state;
  return { rounds, continued: { subject, state: state.state, answers }, responses: {} };
}

interface Round {
  readonly callId: string;
  readonly continued: Continued | undefined;
  readonly signal: AbortSignal;
}

function toolCall(request: CallRequest, { callId, continued, signal }: Round): ToolCall {
  const { caller, toolName, offer, client, listener } = request;
  const call = { callId, caller, toolName, offer, client, listener, arguments: request.arguments, signal };
  return Object.freeze(continued === undefined ? call : { ...call, continued });
}

function questionLine(
  { states }: CallDeskDeps,
  request: CallRequest,
  { asks, subject, rounds }: { readonly asks: Asks; readonly subject: string; readonly rounds: number },
): string {
  const state = { subject, rounds, state: asks.state, requests: { ...asks.requests } };
  const sealed = states.seal({ ...request, key: request.caller.key }, state);
  return questionResult(request, asks.requests, sealed);
}

/** MCP 2026-07-28, `InputRequiredResult`. */
function questionResult({ id, stamp }: CallRequest, requests: Requests, requestState: string): string {
  const question = { resultType: 'input_required', inputRequests: inputRequests(requests), requestState };
  return resultLine(id, `${JSON.stringify(question).slice(0, -1)}${stamp.replace('"resultType":"complete",', '')}}`);
}

function missingCapability({ id }: CallRequest, kind: AskKind): string {
  const say = `The tool needs the capability "${kind}" of your client, which it does not declare.`;
  const data = { code: 'invalid_arguments', requiredCapabilities: { [kind]: {} } };
  return errorLine({ id, number: rpcErrors.missingCapability, say, data });
}

/** Only tools have results that are refusals. MCP 2026-07-28 makes an unknown tool a protocol error (-32602) as well. */
function refusalLine(request: CallRequest, callId: string, refusal: Refusal): string {
  if (refusal.code === 'unknown_tool' && request.unknown !== undefined) return request.unknown;
  const wire = toWire(refusal, callId);
  const isUnknown = refusal.code === 'unknown_tool' && request.era === 'stateless';
  if (request.offer === 'tool' && !isUnknown) return resultLine(request.id, refusedJson(wire, request.stamp));
  const isInvalid = isUnknown || refusal.code === 'invalid_arguments' || refusal.code === 'unknown_tool';
  const number = isInvalid ? rpcErrors.invalidParams : rpcErrors.server;
  return errorLine({ id: request.id, number, say: refusal.say, data: { ...wire.structuredContent } });
}
