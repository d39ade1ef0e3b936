/**
 * The runner: one call through both lists, with its intent written before dispatch and its outcome after. Guarantees
 * that nothing is dispatched that did not pass every inbound stage, nothing is released that did not pass every
 * outbound stage, and that a throw anywhere is a refusal. Trusts the audit log's word that an intent is durable.
 * It builds its own lists: no caller can pass an empty one. It does not protect against a stage that is wrong.
 */
import { clear, release, type Caller, type ClearedCall, type OfferedTool, type ToolCall } from '../contract/call.ts';
import { Fault, outcomeCodeSchema, type OutcomeCode, type Refusal } from '../contract/errors.ts';
import {
  createAccount,
  type Account,
  type AuditSink,
  type CallOutcome,
  type CallReport,
  type Settlement,
} from './account.ts';
import { refuse, type Authorizer, type Gate, type Identity, type InboundView, type StageReport } from './stage.ts';
import { createAdmit } from './stages/admit.ts';
import { createAskApproval } from './stages/ask-approval.ts';
import { createAuthorize } from './stages/authorize.ts';
import { createCheckArguments } from './stages/check-arguments.ts';
import { createCheckContract } from './stages/check-contract.ts';
import { createClassify } from './stages/classify.ts';
import { createLimitRate } from './stages/limit-rate.ts';
import { createMinimize } from './stages/minimize.ts';
import { createRedact } from './stages/redact.ts';
import { createScrubSecrets } from './stages/scrub-secrets.ts';

/** What came back from a connector, and what egress says it cost. */
export type Dispatched = { readonly resultBytes: number; readonly backendBytes: number } & (
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly refusal: Refusal }
);

/** Why a call was stopped from outside: a code, or `cancelled` by the program that made it. */
export type StopReason = OutcomeCode | 'cancelled';

export interface PipelineDeps {
  readonly tools: () => readonly OfferedTool[];
  readonly findTool: (name: string) => OfferedTool | null;
  readonly identity: () => Identity;
  readonly gate: () => Gate;
  readonly authorizer: Authorizer;
  readonly audit: AuditSink;
  /** Aborts with a `StopReason`. Takes cleared calls only. */
  readonly dispatch: (cleared: ClearedCall, signal: AbortSignal) => Promise<Dispatched>;
  readonly clock: { epochMs(): number; monotonicMs(): number };
  readonly report: (report: CallReport) => void;
}

export interface Pipeline {
  run(call: ToolCall): Promise<CallOutcome>;
  /** The tools this person may use from this program, by the same stages that judge a call. */
  visible(caller: Caller): readonly OfferedTool[];
  /** Stops every call in flight: the person left, changed, or paused. */
  stopAll(code: OutcomeCode): void;
  /** Resolves when no call is in flight. */
  idle(): Promise<void>;
  readonly stages: readonly StageReport[];
}

export function createPipeline(deps: PipelineDeps): Pipeline {
  const admit = createAdmit();
  const authorize = createAuthorize(deps.authorizer);
  const inbound = [admit, createCheckArguments(), authorize, createLimitRate(), createAskApproval()] as const;
  const outbound = [
    createCheckContract(),
    createClassify(),
    createRedact(),
    createMinimize(),
    createScrubSecrets(),
  ] as const;
  const inFlight = new Set<AbortController>();
  const idlers: (() => void)[] = [];

  function view(call: ToolCall): InboundView {
    return {
      call,
      tool: deps.findTool(call.toolName),
      identity: deps.identity(),
      gate: deps.gate(),
      nowMs: deps.clock.epochMs(),
    };
  }

  function judge(seen: InboundView): Settlement | ClearedCall {
    let policy: string | null = null;
    for (const stage of inbound) {
      const verdict = stage.check(seen);
      policy = verdict.policy ?? policy;
      if (!verdict.pass) return { kind: 'refused', refusal: verdict.refusal, stage: stage.report.stage, policy };
    }
    const { tool, call } = seen;
    const { principal } = seen.identity;
    // The stages guarantee these; the types ask again.
    if (tool === null || principal === null || policy === null)
      return refused('internal', 'The call could not be judged.');
    return clear({ call, connector: tool.connector, tool: tool.manifest, principal, policy });
  }

  function settle(cleared: ClearedCall, tool: OfferedTool, got: Dispatched): Settlement {
    const sizes = { resultBytes: got.resultBytes, backendBytes: got.backendBytes, policy: cleared.policy };
    if (!got.ok) return { kind: 'refused', refusal: got.refusal, stage: null, ...sizes };
    let value = got.value;
    for (const stage of outbound) {
      const verdict = stage.apply({ cleared, tool, value });
      if (!verdict.pass) return { kind: 'refused', refusal: verdict.refusal, stage: stage.report.stage, ...sizes };
      value = verdict.value;
    }
    if (!isRecord(value)) return { ...refused('output_not_allowed', 'The result is not an object.'), ...sizes };
    return { kind: 'released', result: release({ value, text: JSON.stringify(value) }), ...sizes };
  }

  async function steps(seen: InboundView, account: Account, stop: AbortController): Promise<Settlement> {
    const cleared = judge(seen);
    if ('kind' in cleared) return cleared;
    if (seen.tool === null) return refused('internal', 'The call could not be judged.');
    try {
      await account.intend(cleared, seen.tool);
    } catch {
      return {
        ...refused('audit_unavailable', 'The audit log cannot be written, so nothing runs. Try again later.'),
        stage: null,
      };
    }
    // What happened while the intent was written to disk: the person may have left.
    if (stop.signal.aborted) return stopped(stop.signal);
    const got = await deps.dispatch(cleared, stop.signal);
    if (stop.signal.aborted)
      return { ...stopped(stop.signal), resultBytes: got.resultBytes, backendBytes: got.backendBytes };
    return settle(cleared, seen.tool, got);
  }

  async function run(call: ToolCall): Promise<CallOutcome> {
    const stop = new AbortController();
    const onCancel = (): void => {
      stop.abort('cancelled' satisfies StopReason);
    };
    const account = createAccount(call, deps);
    inFlight.add(stop);
    call.signal.addEventListener('abort', onCancel);
    if (call.signal.aborted) onCancel();
    let settlement: Settlement;
    try {
      const seen = view(call);
      account.about(seen.identity.principal);
      settlement = await steps(seen, account, stop);
    } catch (error) {
      settlement = fromThrown(error);
    } finally {
      inFlight.delete(stop);
      call.signal.removeEventListener('abort', onCancel);
    }
    const outcome = account.conclude(settlement);
    if (inFlight.size === 0) for (const resolve of idlers.splice(0)) resolve();
    return outcome;
  }

  function visible(caller: Caller): readonly OfferedTool[] {
    const identity = deps.identity();
    // A connector that waits for the person still shows its tools: a call says what to do.
    const common = { identity: { ...identity, waiting: [] }, gate: deps.gate(), nowMs: deps.clock.epochMs() };
    const { signal } = new AbortController();
    return deps.tools().filter((tool) => {
      const seen = { ...common, call: { callId: '', caller, toolName: tool.name, arguments: {}, signal }, tool };
      try {
        return admit.check(seen).pass && authorize.check(seen).pass;
      } catch {
        return false;
      }
    });
  }

  return {
    run,
    visible,
    stopAll(code) {
      for (const stop of inFlight) stop.abort(code satisfies StopReason);
    },
    idle() {
      if (inFlight.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        idlers.push(resolve);
      });
    },
    stages: [...inbound, ...outbound].map((stage) => stage.report),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refused(code: OutcomeCode, say: string): Settlement & { kind: 'refused' } {
  return { kind: 'refused', refusal: refuse(code, say).refusal, stage: null, policy: null };
}

const stopSays: Partial<Record<OutcomeCode, string>> = {
  access_ended: 'The person signed out or changed while this ran. Ask them to sign in, then call again.',
  paused: 'The person paused all agents while this ran. Wait until they resume in Sallyport.',
};

function stopped(signal: AbortSignal): Settlement {
  const code = outcomeCodeSchema.safeParse(signal.reason);
  if (!code.success) return { kind: 'cancelled', policy: null };
  return refused(code.data, stopSays[code.data] ?? 'The call was stopped.');
}

function fromThrown(error: unknown): Settlement {
  const code = error instanceof Fault ? outcomeCodeSchema.safeParse(error.code) : undefined;
  if (error instanceof Fault && code?.success === true) return refused(code.data, error.message);
  return refused(
    'internal',
    'Something broke inside Sallyport. Try again; the person can see details in the audit log.',
  );
}
