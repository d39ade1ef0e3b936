/** One call's account: its intent before dispatch, its outcome and its report after, exactly once. Never a value. */
import type { AuditRecord } from '../contract/audit.ts';
import type { Asks, ClearedCall, OfferedTool, ReleasedResult, ToolCall } from '../contract/call.ts';
import { refusalCodes, type Code, type Refusal } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { Redactions } from './outbound.ts';

export interface AuditSink {
  /** Resolves when the record is on the disk. Rejects when it cannot be. */
  appendDurably(record: AuditRecord): Promise<void>;
  append(record: AuditRecord): void;
}

/** What the shell is told of a finished call. */
export interface CallReport {
  readonly callId: string;
  readonly at: number;
  readonly program: string;
  readonly person: string | null;
  readonly tool: string;
  readonly outcome: 'released' | Code;
  readonly durationMs: number;
}

interface Sizes {
  readonly policy: string | null;
  readonly resultBytes?: number;
  readonly backendBytes?: number;
}

/** How a call ended, with what the outcome record needs. */
export type Settlement =
  | (Sizes & { readonly kind: 'released'; readonly result: ReleasedResult; readonly redactions?: Redactions })
  | (Sizes & { readonly kind: 'asked'; readonly asks: Asks; readonly subject: string })
  | (Sizes & { readonly kind: 'refused'; readonly refusal: Refusal; readonly stage: string | null })
  | (Sizes & { readonly kind: 'cancelled' });

export type CallOutcome =
  | { readonly kind: 'released'; readonly result: ReleasedResult }
  /** Only for this person: `Principal.subject`. */
  | { readonly kind: 'asked'; readonly asks: Asks; readonly subject: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The program cancelled: it gets no answer. */
  | { readonly kind: 'cancelled' };

export interface Account {
  about(principal: Principal | null): void;
  intend(cleared: ClearedCall, tool: OfferedTool): Promise<void>;
  conclude(settlement: Settlement): CallOutcome;
}

export interface AccountDeps {
  readonly audit: AuditSink;
  readonly clock: { epochMs(): number; monotonicMs(): number };
  readonly report: (report: CallReport) => void;
}

const maxTool = 64;

export function createAccount(call: ToolCall, { audit, clock, report }: AccountDeps): Account {
  const startedMs = clock.monotonicMs();
  const tool = call.toolName.slice(0, maxTool);
  let person: { subject: string; username: string; issuer: string } | null = null;
  let policy: string | null = null;

  return {
    about(principal) {
      person = principal && { subject: principal.subject, username: principal.username, issuer: principal.issuer };
    },
    async intend(cleared, offered) {
      policy = cleared.policy;
      await audit.appendDurably({
        event: 'call-intent',
        callId: call.callId,
        person,
        program: call.caller.program,
        tool,
        operation: offered.manifest.operation,
        classification: offered.manifest.classification,
        argumentShape: shapeOf(call.arguments),
        policy,
      });
    },
    conclude(settlement) {
      const durationMs = clock.monotonicMs() - startedMs;
      const code = settlement.kind === 'refused' ? settlement.refusal.code : null;
      const base = { callId: call.callId, program: call.caller.program, tool, durationMs };
      audit.append({
        event: 'call-outcome',
        ...base,
        person,
        decision: decisionOf(settlement),
        code,
        stage: settlement.kind === 'refused' ? settlement.stage : null,
        policy: settlement.policy ?? policy,
        rows: settlement.kind === 'released' ? rowsOf(settlement.result) : null,
        resultBytes: settlement.resultBytes ?? 0,
        backendBytes: settlement.backendBytes ?? 0,
        ...redacted(settlement),
      });
      const outcome = settlement.kind === 'released' ? 'released' : (code ?? 'internal');
      if (settlement.kind === 'released' || settlement.kind === 'refused')
        report({ ...base, at: clock.epochMs(), person: person?.username ?? null, outcome });
      return outcomeOf(settlement);
    },
  };
}

function outcomeOf(settlement: Settlement): CallOutcome {
  if (settlement.kind === 'released') return { kind: 'released', result: settlement.result };
  if (settlement.kind === 'refused') return { kind: 'refused', refusal: settlement.refusal };
  if (settlement.kind === 'asked') return { kind: 'asked', asks: settlement.asks, subject: settlement.subject };
  return { kind: 'cancelled' };
}

function redacted(settlement: Settlement): { readonly redactions?: Redactions } {
  const found = settlement.kind === 'released' ? (settlement.redactions ?? {}) : {};
  return Object.keys(found).length === 0 ? {} : { redactions: found };
}

function decisionOf(settlement: Settlement): Extract<AuditRecord, { event: 'call-outcome' }>['decision'] {
  if (settlement.kind === 'released' || settlement.kind === 'asked') return settlement.kind;
  if (settlement.kind === 'cancelled') return 'interrupted';
  return refusalCodes.some((code) => code === settlement.refusal.code) ? 'refused' : 'failed';
}

/** Of a result whose `rows` is a list. */
export function rowsOf({ value }: ReleasedResult): number | null {
  const rows = value['rows'];
  return Array.isArray(rows) ? rows.length : null;
}

const maxMembers = 50;

/** Member names (declared by the tool) and the type and size of each value. */
function shapeOf(args: Readonly<Record<string, unknown>>): Record<string, string> {
  const shape: Record<string, string> = {};
  for (const [name, value] of Object.entries(args).slice(0, maxMembers)) shape[name.slice(0, 200)] = kindOf(value);
  return shape;
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `string(${value.length})`;
  if (Array.isArray(value)) return `array(${value.length})`;
  if (value === null) return 'null';
  return typeof value === 'object' ? `object(${Object.keys(value).length})` : typeof value;
}
