/** The calls that one connection has in flight: started, answered once, cancelled. */
import type { Caller, ToolCall } from '../contract/call.ts';
import { toWire, type Refusal } from '../contract/errors.ts';
import type { CallOutcome } from '../pipeline/account.ts';
import { errorLine, protocolError, refusedJson, releasedJson, resultLine, rpcErrors, type RequestId } from './wire.ts';

export const maxInFlight = 64;

export interface CallRequest {
  readonly id: RequestId;
  readonly era: 'handshake' | 'stateless';
  /** What the revision adds to each result, as JSON text. */
  readonly stamp: string;
  readonly caller: Caller;
  readonly toolName: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly reply: Reply;
}

/** Called exactly once for each message: with its answer, or null when it gets none. */
export type Reply = (line: string | null) => void;

export interface CallDeskDeps {
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
}

export interface CallDesk {
  start(request: CallRequest): void;
  cancel(id: RequestId): void;
  cancelAll(): void;
  /** Calls back once, when no call is in flight. */
  whenIdle(done: () => void): void;
  /** Started since the connection opened. */
  readonly calls: number;
}

export function createCallDesk({ call, newCallId }: CallDeskDeps): CallDesk {
  const running = new Map<RequestId, AbortController>();
  const idlers: (() => void)[] = [];
  let calls = 0;

  async function outcomeLine(request: CallRequest, signal: AbortSignal): Promise<string | null> {
    const callId = newCallId();
    const { caller, toolName } = request;
    try {
      const outcome = await call(Object.freeze({ callId, caller, toolName, arguments: request.arguments, signal }));
      if (outcome.kind === 'cancelled') return null;
      if (outcome.kind === 'refused') return refusalLine(request, callId, outcome.refusal);
      return resultLine(request.id, releasedJson(outcome.result.text, request.stamp));
    } catch {
      const refusal: Refusal = { code: 'internal', say: 'Something broke inside Sallyport. Try again.' };
      return refusalLine(request, callId, refusal);
    }
  }

  async function run(request: CallRequest, signal: AbortSignal): Promise<void> {
    const line = await outcomeLine(request, signal);
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
    get calls() {
      return calls;
    },
  };
}

/** MCP 2026-07-28 makes an unknown tool a protocol error (-32602); everything else is a result. */
function refusalLine(request: CallRequest, callId: string, refusal: Refusal): string {
  const wire = toWire(refusal, callId);
  if (refusal.code === 'unknown_tool' && request.era === 'stateless') {
    return errorLine({
      id: request.id,
      number: rpcErrors.invalidParams,
      say: refusal.say,
      data: { ...wire.structuredContent },
    });
  }
  return resultLine(request.id, refusedJson(wire, request.stamp));
}
