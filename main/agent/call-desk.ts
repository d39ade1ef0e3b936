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
}

export interface CallDeskDeps {
  readonly call: (call: ToolCall) => Promise<CallOutcome>;
  readonly newCallId: () => string;
  readonly send: (line: string) => void;
}

export interface CallDesk {
  start(request: CallRequest): void;
  cancel(id: RequestId): void;
  cancelAll(): void;
  /** Started since the connection opened. */
  readonly calls: number;
}

export function createCallDesk({ call, newCallId, send }: CallDeskDeps): CallDesk {
  const running = new Map<RequestId, AbortController>();
  let calls = 0;

  function answer(request: CallRequest, callId: string, outcome: CallOutcome): void {
    if (outcome.kind === 'cancelled') return;
    if (outcome.kind === 'released') send(resultLine(request.id, releasedJson(outcome.result.text, request.stamp)));
    else send(refusalLine(request, callId, outcome.refusal));
  }

  async function run(request: CallRequest, signal: AbortSignal): Promise<void> {
    const callId = newCallId();
    const { caller, toolName } = request;
    try {
      answer(
        request,
        callId,
        await call(Object.freeze({ callId, caller, toolName, arguments: request.arguments, signal })),
      );
    } catch {
      const refusal: Refusal = { code: 'internal', say: 'Something broke inside Sallyport. Try again.' };
      send(refusalLine(request, callId, refusal));
    } finally {
      running.delete(request.id);
    }
  }

  return {
    start(request) {
      if (running.size >= maxInFlight) {
        const say = `At most ${maxInFlight} calls may run at once on a connection. Wait for an answer, then send it again.`;
        send(errorLine(protocolError(request.id, 'too_many_requests_in_flight', say)));
        return;
      }
      if (running.has(request.id)) {
        send(errorLine(protocolError(request.id, 'malformed', 'A request with this id is still running.')));
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
