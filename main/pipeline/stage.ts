/** What a stage is. Two kinds, no `next()`: inbound stages judge a call, outbound stages narrow its result. */
import type { Caller, ClearedCall, Exposure, OfferedTool, ToolCall } from '../contract/call.ts';
import type { OutcomeCode, Refusal, Retry } from '../contract/errors.ts';
import type { Classification, LabelNode, Redaction } from '../contract/labels.ts';
import type { Principal } from '../contract/principal.ts';
import type { anyResource } from '../contract/resource-pointer.ts';
import type { TableColumn } from '../contract/table.ts';

/** What the gateway knows about the person, taken once per call. */
export interface Identity {
  readonly principal: Principal | null;
  /** Epoch milliseconds after which the person counts as gone, unless the vault said otherwise before. */
  readonly validUntil: number | null;
  /** Connectors that wait for the person to authenticate again. */
  readonly waiting: readonly string[];
}

/** The person's decisions about agents. */
export interface Gate {
  readonly paused: boolean;
  /** About an unknown program the person is asked. */
  consentTo(caller: Caller): 'allowed' | 'denied' | 'unknown';
}

export interface InboundView {
  readonly call: ToolCall;
  /** Null: no such tool. Every stage refuses it by itself. */
  readonly tool: OfferedTool | null;
  readonly identity: Identity;
  readonly gate: Gate;
  readonly nowMs: number;
  /** What policy said, for the stages after it. */
  readonly terms?: Terms;
}

export type Verdict =
  | { readonly pass: true; readonly policy?: string; readonly terms?: Terms }
  | { readonly pass: false; readonly refusal: Refusal; readonly policy?: string };

/** What a permit says beyond permitting. */
export interface Terms {
  /** `required`: the person has to approve this call before it runs. */
  readonly approval: 'none' | 'required';
  readonly exposure: Exposure;
  /** What becomes of a call whose program has read more than its destinations may receive. */
  readonly flow: 'refuse' | 'approve';
  /** `approved`: once the person approved the call, its rows are not cut to an answer's few. */
  readonly full: 'never' | 'approved';
}

export interface StageReport {
  readonly stage: string;
  readonly mode: 'enforced';
  readonly rule: string;
}

export interface InboundStage {
  readonly report: StageReport;
  check(view: InboundView): Verdict;
}

/** An inbound stage that may have to wait for somebody; the signal aborts when nobody waits for the call any more. */
export interface AskingStage {
  readonly report: StageReport;
  check(view: InboundView, signal: AbortSignal): Verdict | Promise<Verdict>;
}

export interface OutboundView {
  readonly cleared: ClearedCall;
  readonly tool: OfferedTool;
  readonly value: unknown;
  /** Null until `classify`. */
  readonly labels: LabelNode | null;
}

export type OutboundVerdict =
  | {
      readonly pass: true;
      readonly value: unknown;
      readonly labels?: LabelNode;
      /** Kinds of secrets that were taken out, one for each place; for the log. */
      readonly found?: readonly string[];
    }
  | { readonly pass: false; readonly refusal: Refusal };

export interface OutboundStage {
  readonly report: StageReport;
  apply(view: OutboundView): OutboundVerdict;
}

/** A column on its way through the stages for rows. */
export interface TableField extends TableColumn {
  readonly label: Classification;
  readonly rule: Redaction | null;
  /** The caller does not see its values as they are. */
  readonly redacted: boolean;
}

export type Row = readonly unknown[];

export interface TableView {
  readonly cleared: ClearedCall;
  readonly tool: OfferedTool;
  readonly fields: readonly TableField[];
  /** Names of columns that the caller does not get. */
  readonly withheld: readonly string[];
}

/** One stage's work on a result in rows: the fields that go on, and what becomes of each row. */
export interface RowStep {
  readonly fields: readonly TableField[];
  readonly withheld?: readonly string[];
  /** Null: it is not let through, and with it the whole result. */
  readonly row: (row: Row) => Row | null;
}

/** A stage that works on values and, the same, on rows that pass one by one. */
export interface TableStage extends OutboundStage {
  openTable(view: TableView): RowStep;
}

/** Cedar, as the pipeline sees it. Throws a `Fault` when a policy could not be evaluated. */
export interface Authorizer {
  decide(question: AuthorizationQuestion): AuthorizationDecision;
}

export interface AuthorizationDecision extends Terms {
  readonly permitted: boolean;
  readonly policy: string | null;
}

export interface AuthorizationQuestion {
  readonly principal: Principal;
  readonly caller: Caller;
  readonly tool: OfferedTool;
  /** What the call is about: the argument that the manifest points at, else the destination. A list asks about any. */
  readonly resource: string | typeof anyResource;
}

export const pass: Verdict = Object.freeze({ pass: true });

export function refuse(
  code: OutcomeCode,
  say: string,
  more: { retryAfterMs?: number; retry?: Retry; policy?: string } = {},
): Verdict & { pass: false } {
  const { policy, ...rest } = more;
  return { pass: false, refusal: { code, say, ...rest }, ...(policy === undefined ? {} : { policy }) };
}

export function refuseUnknownTool(): Verdict & { pass: false } {
  return refuse('unknown_tool', 'There is no such tool. Call tools/list for the tools you may use.');
}
