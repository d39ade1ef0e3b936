/**
 * The runner: one call through both lists, with its intent written before dispatch and its outcome after. Guarantees
 * that nothing is dispatched that did not pass every inbound stage, nothing is released that did not pass every
 * outbound stage, and that a throw anywhere is a refusal. Trusts the audit log's word that an intent is durable.
 * It builds its own lists: no caller can pass an empty one. It does not protect against a stage that is wrong.
 */
import {
  clear,
  release,
  type Asks,
  type Caller,
  type CallOffer,
  type ClearedCall,
  type OfferedTool,
  type ReleasedResult,
  type ToolCall,
} from '../contract/call.ts';
import type { OutcomeCode, Refusal } from '../contract/errors.ts';
import type { Classification } from '../contract/labels.ts';
import type { OpenTable, Page, ReferenceNote, RowKeeper, TableHead } from '../contract/table.ts';
import {
  createAccount,
  rowsOf,
  type Account,
  type AuditSink,
  type CallOutcome,
  type CallReport,
  type Settlement,
} from './account.ts';
import { areWithheld, hearing, refusalSaid, type Said } from './connector-words.ts';
import { fromThrown, isStopped, notJudged, refused, stoppedBy, type StopReason } from './endings.ts';
import type { FlowLabels } from './flow.ts';
import { createOutbound, narrow, type Narrowed, type Outbound } from './outbound.ts';
import type { Cost, Quotas } from './quotas.ts';
import type { Pseudonym } from './redaction.ts';
import { scrubValue } from './secrets-in-text/scrub-value.ts';
import type { Authorizer, Gate, Identity, InboundView, StageReport, Terms } from './stage.ts';
import { createAdmit } from './stages/admit.ts';
import { createAskApproval, type Approvals } from './stages/ask-approval.ts';
import { createAuthorize, resourceOf } from './stages/authorize.ts';
import { createCheckArguments } from './stages/check-arguments.ts';
import { createLimitRate } from './stages/limit-rate.ts';
import { createTable, type Table, type TableDeps } from './table.ts';

/** What came back from a connector, and what egress says it cost. */
export type Dispatched = { readonly resultBytes: number; readonly backendBytes: number } & (
  | { readonly ok: true; readonly value: unknown }
  /** `page`: rows of an earlier result, read by its reference. */
  | { readonly ok: 'rows'; readonly rest: Readonly<Record<string, unknown>>; readonly page?: Page }
  | { readonly ok: 'asks'; readonly asks: Asks }
  /** `instead`: our own sentence, where the connector worded the refusal. */
  | { readonly ok: false; readonly refusal: Refusal; readonly instead?: string }
);

export interface PipelineDeps {
  readonly tools: () => readonly OfferedTool[];
  /** None where the tool is offered in another way. */
  readonly findTool: (name: string, offer: CallOffer) => OfferedTool | null;
  readonly identity: () => Identity;
  readonly gate: () => Gate;
  readonly authorizer: Authorizer;
  readonly quotas: Pick<Quotas, 'reserve' | 'settle'>;
  readonly approvals: Approvals;
  readonly flows: FlowLabels;
  readonly audit: AuditSink;
  /** The signal aborts with a `StopReason`. Takes cleared calls only. Rows go into what `openTable` opens. */
  readonly dispatch: (cleared: ClearedCall, signal: AbortSignal, openTable: OpenTable) => Promise<Dispatched>;
  /** Keeps the rows that an answer does not hold. `resource`: what `authorize` saw. */
  readonly keepRows: (cleared: ClearedCall, resource: string, head: TableHead) => RowKeeper;
  readonly clock: { epochMs(): number; monotonicMs(): number };
  readonly report: (report: CallReport) => void;
  /** Keyed, for fields that are hashed. */
  readonly pseudonym: Pseudonym;
}

export interface Pipeline {
  run(call: ToolCall): Promise<CallOutcome>;
  /** The tools this person may use from this program, by the same stages that judge a call. */
  visible(caller: Caller): readonly OfferedTool[];
  /** What this person and program see of the tool's result as it is. */
  exposure(caller: Caller, tool: OfferedTool): Classification;
  /** Stops every call in flight, or those of some programs: the person left, changed, paused, or took consent back. */
  stopAll(code: OutcomeCode, of?: (caller: Caller) => boolean): void;
  /** Resolves when no call is in flight. */
  idle(): Promise<void>;
  readonly stages: readonly StageReport[];
}

export function createPipeline(deps: PipelineDeps): Pipeline {
  return new Runner(deps);
}

class Runner implements Pipeline {
  readonly #deps: PipelineDeps;
  readonly #inbound;
  readonly #outbound: Outbound;
  readonly #inFlight = new Map<AbortController, Caller>();
  readonly #idlers: (() => void)[] = [];

  constructor(deps: PipelineDeps) {
    this.#deps = deps;
    this.#inbound = [
      createAdmit(),
      createCheckArguments(),
      createAuthorize(deps.authorizer),
      createLimitRate(deps.quotas),
      createAskApproval(deps.approvals, deps.flows),
    ] as const;
    this.#outbound = createOutbound(deps.pseudonym);
  }

  get stages(): readonly StageReport[] {
    return [...this.#inbound, ...this.#outbound.all].map((stage) => stage.report);
  }

  async run(call: ToolCall): Promise<CallOutcome> {
    const stop = new AbortController();
    const onCancel = (): void => {
      stop.abort('cancelled' satisfies StopReason);
    };
    const account = createAccount(call, this.#deps);
    this.#inFlight.set(stop, call.caller);
    call.signal.addEventListener('abort', onCancel);
    if (call.signal.aborted) onCancel();
    try {
      const said: Said = { bytes: 0 };
      const settlement = await this.#settled(call, { account, signal: stop.signal, said });
      const { rows, bytes } = costOf(settlement);
      this.#deps.quotas.settle(call, { rows, bytes: bytes + said.bytes });
      return account.conclude(settlement);
    } finally {
      call.signal.removeEventListener('abort', onCancel);
      this.#inFlight.delete(stop);
      if (this.#inFlight.size === 0) for (const resolve of this.#idlers.splice(0)) resolve();
    }
  }

  visible(caller: Caller): readonly OfferedTool[] {
    const [admit, , authorize] = this.#inbound;
    const seenBy = this.#lookingBy(caller);
    return this.#deps.tools().filter((tool) => {
      const seen = seenBy(tool);
      try {
        return admit.check(seen).pass && authorize.listed(seen) !== null;
      } catch {
        return false;
      }
    });
  }

  exposure(caller: Caller, tool: OfferedTool): Classification {
    const [, , authorize] = this.#inbound;
    try {
      return authorize.listed(this.#lookingBy(caller)(tool)) ?? 'public';
    } catch {
      return 'public';
    }
  }

  #lookingBy(caller: Caller): (tool: OfferedTool) => InboundView {
    const { identity, gate, clock } = this.#deps;
    // A connector that waits for the person still shows its tools: a call says what to do.
    const common = { identity: { ...identity(), waiting: [] }, gate: gate(), nowMs: clock.epochMs() };
    const { signal } = new AbortController();
    return (tool) => ({ ...common, call: { callId: '', caller, toolName: tool.name, arguments: {}, signal }, tool });
  }

  stopAll(code: OutcomeCode, of: (caller: Caller) => boolean = () => true): void {
    for (const [stop, caller] of this.#inFlight) if (of(caller)) stop.abort(code satisfies StopReason);
  }

  idle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idlers.push(resolve);
    });
  }

  async #settled(call: ToolCall, run: Run): Promise<Settlement> {
    try {
      const seen = this.#look(call);
      run.account.about(seen.identity.principal);
      const cleared = await this.#judge(seen, run.signal);
      if ('kind' in cleared) return cleared;
      return await this.#execute({ ...run, cleared, tool: seen.tool });
    } catch (error) {
      return fromThrown(error);
    }
  }

  #look(call: ToolCall): InboundView {
    const { identity, gate, clock, findTool } = this.#deps;
    const tool = findTool(call.toolName, call.offer ?? 'tool');
    return { call, tool, identity: identity(), gate: gate(), nowMs: clock.epochMs() };
  }

  async #judge(seen: InboundView, signal: AbortSignal): Promise<Settlement | ClearedCall> {
    let view = seen;
    let policy: string | null = null;
    let full = false;
    for (const stage of this.#inbound) {
      const checked = stage.check(view, signal);
      const verdict = checked instanceof Promise ? await checked : checked;
      // Withdrawn while it waited: the reason of that says more.
      if (checked instanceof Promise && isStopped(signal)) return stoppedBy(signal);
      policy = verdict.policy ?? policy;
      if (!verdict.pass) return { kind: 'refused', refusal: verdict.refusal, stage: stage.report.stage, policy };
      if (verdict.terms !== undefined) view = { ...view, terms: verdict.terms };
      if (checked instanceof Promise) {
        const again = this.#judgeAgain(view);
        if ('kind' in again) return again;
        // Only what the person was shown: they have just approved it.
        full = view.terms?.full === 'approved' && again.view.terms?.full === 'approved';
        ({ view, policy } = again);
      }
    }
    const { tool, call } = view;
    const { principal } = view.identity;
    // The stages guarantee these; the types ask again.
    if (tool === null || principal === null || policy === null) return notJudged();
    const exposure = view.terms?.exposure ?? 'public';
    return clear({ call, connector: tool.connector, tool: tool.manifest, principal, policy, exposure, full });
  }

  /** Time passed: the person, their claims and their consent may be others. What was approved was approved for one person. */
  #judgeAgain(before: InboundView): Settlement | Again {
    const view = this.#look(before.call);
    const [admit, , authorize] = this.#inbound;
    let policy: string | null = null;
    let terms: Terms | undefined;
    for (const stage of [admit, authorize]) {
      const verdict = stage.check(view);
      policy = verdict.policy ?? policy;
      if (!verdict.pass) return { kind: 'refused', refusal: verdict.refusal, stage: stage.report.stage, policy };
      terms = verdict.terms ?? terms;
    }
    const [was, is] = [before.identity.principal, view.identity.principal];
    if (was?.subject !== is?.subject || was?.issuer !== is?.issuer)
      return refused('access_ended', 'The person changed while this waited. Call again.');
    if (before.tool !== view.tool)
      return refused('definition_changed', 'The tool changed while this waited. List tools and call again.');
    return { view: terms === undefined ? view : { ...view, terms }, policy };
  }

  async #execute(parts: Execution): Promise<Settlement> {
    const { cleared, tool, account, signal } = parts;
    if (tool === null) return notJudged();
    try {
      await account.intend(cleared, tool);
    } catch {
      return refused('audit_unavailable', 'The audit log cannot be written, so nothing runs. Try again later.');
    }
    // The person may have left while the intent went to the disk.
    if (isStopped(signal)) return stoppedBy(signal);
    this.#deps.flows.raise(cleared, tool);
    const table = createTable(this.#tableDeps(cleared, tool), cleared, tool);
    try {
      return await this.#released({ ...parts, tool, table });
    } finally {
      // After a released result there is nothing left to abandon.
      table.abandon();
    }
  }

  #tableDeps(cleared: ClearedCall, tool: OfferedTool): TableDeps {
    const { keepRows } = this.#deps;
    // `authorize` refused a call without one.
    const resource = resourceOf(tool, cleared.call.arguments) ?? '';
    const keep = (head: TableHead): RowKeeper => keepRows(cleared, resource, head);
    return { stages: this.#outbound.rowwise, keep: cleared.call.offer === 'reference' ? null : keep };
  }

  async #released({
    cleared,
    tool,
    signal,
    said,
    table,
  }: Execution & { tool: OfferedTool; table: Table }): Promise<Settlement> {
    const withheld = areWithheld(tool, cleared.exposure);
    const heard = clear({ ...cleared, call: hearing(cleared.call, withheld, said) });
    const got = await this.#deps.dispatch(heard, signal, table.open);
    const sizes = { resultBytes: got.resultBytes, backendBytes: got.backendBytes, policy: cleared.policy };
    if (isStopped(signal)) return { ...stoppedBy(signal), ...sizes };
    if (got.ok === 'asks') return { ...askable(cleared, got.asks), ...sizes };
    if (!got.ok) {
      const worded = { ...got, refusal: scrubbed(got.refusal) };
      const { refusal, stage } = table.refused ?? { refusal: refusalSaid(worded, withheld, said), stage: null };
      return { kind: 'refused', refusal, stage, ...sizes };
    }
    const { all, afterRows } = this.#outbound;
    if (got.ok === true)
      return { ...settledBy(narrow(all, { cleared, tool, value: got.value }), { cleared, tool }), ...sizes };
    const short = await table.finish(got.rest, got.page);
    // The rows may have been on their way to the disk for a moment.
    if (isStopped(signal)) return { ...stoppedBy(signal), ...sizes };
    if (!short.pass) return { kind: 'refused', refusal: short.refusal, stage: short.stage, ...sizes };
    const { value, reference } = short;
    const narrowed = narrow(afterRows, { cleared, tool, value });
    return { ...settledBy(narrowed, { cleared, tool }, { reference, page: got.page }), ...sizes };
  }
}

interface Told {
  readonly reference?: ReferenceNote | null | undefined;
  readonly page?: Page | undefined;
}

function settledBy(narrowed: Narrowed, { tool, cleared: { policy } }: Judged, told: Told = {}): Settlement {
  if (!narrowed.pass) return { kind: 'refused', refusal: narrowed.refusal, stage: narrowed.stage, policy };
  const { value } = narrowed;
  if (!isRecord(value)) return refused('output_not_allowed', 'The result is not an object, so it was withheld.');
  return { kind: 'released', result: releasedAs(value, tool, told), policy, redactions: narrowed.redactions };
}

function releasedAs(
  value: Readonly<Record<string, unknown>>,
  { manifest: { offer, result } }: OfferedTool,
  { reference, page }: Told,
): ReleasedResult {
  const text = JSON.stringify(value);
  if (page !== undefined) {
    const contents = [{ uri: page.uri, mimeType: 'application/json', text }];
    return release({ value, text: JSON.stringify({ contents }), shape: 'whole' });
  }
  const shape = result === 'content' || (offer !== undefined && offer !== 'tool') ? 'whole' : 'structured';
  return release({ value, text, shape, ...(reference ? { reference } : {}) });
}

/** What a connector says beside a result passes no stage; but no credential leaves in it. */
function scrubbed<T>(said: T): T {
  return scrubValue(said).value as T;
}

/** A question leaves only if the manifest declares its kind; whether the client takes it, its session decides. */
function askable({ tool, principal }: ClearedCall, asks: Asks): Settlement {
  const declared = tool.asks ?? [];
  const undeclared = Object.values(asks.requests).some(({ kind }) => !declared.includes(kind));
  if (undeclared) return refused('output_not_allowed', 'The connector asked for what its manifest does not declare.');
  return {
    kind: 'asked',
    asks: { ...asks, requests: scrubbed(asks.requests) },
    subject: principal.subject,
    policy: null,
  };
}

/** What left as a result, by our own count; what was withheld costs a call and nothing else. */
function costOf(settlement: Settlement): Cost {
  if (settlement.kind === 'asked') return { rows: 0, bytes: settlement.resultBytes ?? 0 };
  if (settlement.kind !== 'released') return { rows: 0, bytes: 0 };
  const { result } = settlement;
  return { rows: rowsOf(result) ?? 0, bytes: Buffer.byteLength(result.text) };
}

interface Again {
  readonly view: InboundView;
  readonly policy: string | null;
}

interface Judged {
  readonly cleared: ClearedCall;
  readonly tool: OfferedTool;
}

interface Run {
  readonly account: Account;
  readonly signal: AbortSignal;
  readonly said: Said;
}

interface Execution extends Run {
  readonly cleared: ClearedCall;
  readonly tool: OfferedTool | null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
