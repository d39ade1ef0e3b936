/**
 * Calls that wait for the person, as the gateway keeps them. Guarantees: an approval belongs to one person, program, tool and
 * exact arguments, is given out once, and runs out; no answer is a no; a denial holds for a while, and several silence a program
 * for a while, so that none can nag; all of it is bounded, and gone when the person leaves, changes or pauses. Trusts the
 * shell's answer: only its window gives one. The program is a label: one that copies it can use an approval of the same call.
 */
import { createHash } from 'node:crypto';
import type { Approval, ApprovalAnswer } from './contract/approval.ts';
import type { AuditRecord } from './contract/audit.ts';
import type { Caller } from './contract/call.ts';
import type { ApprovalOutcome, Approvals, AskedApproval } from './pipeline/stages/ask-approval.ts';

export interface ApprovalsDeps {
  /** Shows it to the person. Rejects when there is no shell. */
  readonly send: (approval: Approval) => Promise<ApprovalAnswer>;
  /** It need not be answered any more. */
  readonly withdraw: (id: string) => void;
  readonly record: (record: AuditRecord) => void;
  readonly epochMs: () => number;
  readonly monotonicMs: () => number;
}

export interface KeptApprovals extends Approvals {
  /** Everything that was asked or answered, or that of some programs: withdrawn and forgotten. */
  clear(of?: (caller: Caller) => boolean): void;
}

/** Clients often give up after a minute. */
export const waitMs = 20_000;
export const answerMs = 5 * 60_000;
export const useMs = 5 * 60_000;
export const denialMs = 10 * 60_000;
const progressMs = 2000;
export const maxAsked = 20;
export const maxAskedByProgram = 5;
/** Of one program within `denialMs`; from then on it is not asked for. */
export const maxDenials = 3;
/** Of one program in a minute, whatever became of them: cancelling and asking again is no way to nag. */
export const maxAskedAMinute = 12;
const minuteMs = 60_000;
const maxEntries = 500;

type State = 'asked' | 'approved' | 'denied' | 'expired';

interface Entry {
  readonly key: string;
  readonly caller: Caller;
  readonly approval: Approval;
  readonly person: { readonly subject: string; readonly username: string; readonly issuer: string };
  state: State;
  untilMs: number;
  timer: NodeJS.Timeout | null;
  /** The one call that waits for it now. */
  settle: ((outcome: ApprovalOutcome) => void) | null;
}

interface Met {
  readonly caller: Caller;
  readonly askedMs: readonly number[];
  readonly deniedMs: readonly number[];
}

export function createApprovals(deps: ApprovalsDeps): KeptApprovals {
  return new Kept(deps);
}

class Kept implements KeptApprovals {
  readonly #deps: ApprovalsDeps;
  readonly #entries = new Map<string, Entry>();
  /** When each program asked, and was told no; the one that was met last stands last. */
  readonly #programs = new Map<string, Met>();

  constructor(deps: ApprovalsDeps) {
    this.#deps = deps;
  }

  async ask(asked: AskedApproval, signal: AbortSignal): Promise<ApprovalOutcome> {
    const key = keyOf(asked);
    const found = this.#alive(key);
    if (found === undefined) {
      if (this.#isSilenced(asked)) return 'denied';
      if (this.#isCrowded(asked.call.caller)) return 'crowded';
      return this.#wait(this.#begin(key, asked), asked, signal);
    }
    if (found.state === 'denied') return 'denied';
    // One call waits for each: the others hear that it is asked.
    if (found.state === 'asked') return found.settle === null ? this.#wait(found, asked, signal) : 'pending';
    // Used, or told that it ran out: either way once.
    this.#forget(found);
    return found.state === 'approved' ? 'approved' : 'expired';
  }

  clear(of: (caller: Caller) => boolean = () => true): void {
    for (const entry of [...this.#entries.values()]) if (of(entry.caller)) this.#withdraw(entry, 'stopped');
    for (const [key, { caller }] of [...this.#programs]) if (of(caller)) this.#programs.delete(key);
  }

  /** What ran out unanswered or unused is told once; what has been told, or was denied long ago, is gone. */
  #alive(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.state === 'asked' || this.#deps.monotonicMs() < entry.untilMs) return entry;
    if (entry.state === 'approved') {
      entry.state = 'expired';
      return entry;
    }
    this.#forget(entry);
    return undefined;
  }

  #isSilenced({ call: { caller } }: AskedApproval): boolean {
    const sinceMs = this.#deps.monotonicMs() - denialMs;
    const recent = this.#programs.get(caller.key)?.deniedMs.filter((atMs) => atMs > sinceMs) ?? [];
    return recent.length >= maxDenials;
  }

  #isCrowded(caller: Caller): boolean {
    const sinceMs = this.#deps.monotonicMs() - minuteMs;
    const recent = this.#programs.get(caller.key)?.askedMs.filter((atMs) => atMs > sinceMs) ?? [];
    if (recent.length >= maxAskedAMinute) return true;
    const open = [...this.#entries.values()].filter(({ state }) => state === 'asked');
    return (
      open.length >= maxAsked || open.filter((entry) => entry.caller.key === caller.key).length >= maxAskedByProgram
    );
  }

  #begin(key: string, { call, principal, tool, canonical, shown, hasRead, full }: AskedApproval): Entry {
    const { epochMs, monotonicMs, send } = this.#deps;
    const since = epochMs();
    const approval: Approval = {
      id: call.callId,
      program: call.caller.program.slice(0, 200),
      executable: call.caller.executable,
      person: principal.username,
      tool: call.toolName,
      title: tool.title,
      operation: tool.operation,
      ...(hasRead === null ? {} : { hasRead }),
      ...(full ? { full } : {}),
      shown,
      argumentHash: sha256(canonical, 'hex'),
      since,
      until: since + answerMs,
    };
    const { subject, username, issuer } = principal;
    const entry: Entry = {
      key,
      caller: call.caller,
      approval,
      person: { subject, username, issuer },
      state: 'asked',
      untilMs: monotonicMs() + answerMs,
      timer: null,
      settle: null,
    };
    entry.timer = setTimeout(() => this.#expire(entry), answerMs).unref();
    this.#keep(entry);
    this.#note(call.caller, 'askedMs');
    this.#record('approval-asked', entry);
    send(approval).then(
      (answer) => this.#answer(entry, answer),
      () => this.#answer(entry, 'unavailable'),
    );
    return entry;
  }

  #wait(entry: Entry, { call }: AskedApproval, signal: AbortSignal): Promise<ApprovalOutcome> {
    return new Promise((resolve) => {
      const startMs = this.#deps.monotonicMs();
      const tell = setInterval(() => {
        // A connector may count from one later: MCP wants progress to grow.
        const progress = Math.round(this.#deps.monotonicMs() - startMs) / 1e9;
        call.listener?.progress?.({ progress, message: 'Waiting for the person to approve this call in Sallyport.' });
      }, progressMs).unref();
      const limit = setTimeout(() => settle('pending'), waitMs);
      const onAbort = (): void => this.#withdraw(entry, 'stopped');
      const settle = (outcome: ApprovalOutcome): void => {
        clearInterval(tell);
        clearTimeout(limit);
        signal.removeEventListener('abort', onAbort);
        entry.settle = null;
        resolve(outcome);
      };
      entry.settle = settle;
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
  }

  #answer(entry: Entry, answer: ApprovalAnswer): void {
    // Withdrawn or expired meanwhile: whatever is said now comes too late.
    if (this.#entries.get(entry.key) !== entry || entry.state !== 'asked') return;
    if (answer === 'unavailable') {
      this.#forget(entry);
      entry.settle?.('unavailable');
      return;
    }
    const { settle, caller } = entry;
    this.#record(answer === 'approve' ? 'approval-given' : 'approval-denied', entry);
    if (answer === 'deny') {
      this.#end(entry, 'denied', denialMs);
      this.#note(caller, 'deniedMs');
      settle?.('denied');
    } else if (settle === null) this.#end(entry, 'approved', useMs);
    else {
      this.#forget(entry);
      settle('approved');
    }
  }

  #expire(entry: Entry): void {
    if (this.#entries.get(entry.key) !== entry || entry.state !== 'asked') return;
    this.#deps.withdraw(entry.approval.id);
    this.#record('approval-over', entry);
    const { settle } = entry;
    if (settle === null) this.#end(entry, 'expired', denialMs);
    else {
      this.#forget(entry);
      settle('expired');
    }
  }

  #withdraw(entry: Entry, outcome: ApprovalOutcome): void {
    if (this.#entries.get(entry.key) !== entry) return;
    this.#forget(entry);
    if (entry.state !== 'asked') return;
    this.#deps.withdraw(entry.approval.id);
    this.#record('approval-over', entry);
    entry.settle?.(outcome);
  }

  #end(entry: Entry, state: State, forMs: number): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    entry.state = state;
    entry.untilMs = this.#deps.monotonicMs() + forMs;
  }

  #forget(entry: Entry): void {
    if (entry.timer !== null) clearTimeout(entry.timer);
    this.#entries.delete(entry.key);
  }

  /** The oldest that is over makes room. */
  #keep(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    const over = [...this.#entries.values()].find(({ state }) => state !== 'asked');
    if (this.#entries.size > maxEntries && over !== undefined) this.#forget(over);
  }

  #note(caller: Caller, what: 'askedMs' | 'deniedMs'): void {
    const met = this.#programs.get(caller.key) ?? { caller, askedMs: [], deniedMs: [] };
    const most = what === 'askedMs' ? maxAskedAMinute : maxDenials;
    this.#programs.delete(caller.key);
    this.#programs.set(caller.key, { ...met, [what]: [...met[what], this.#deps.monotonicMs()].slice(-most) });
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > maxEntries && oldest !== undefined) this.#programs.delete(oldest);
  }

  #record(what: Extract<AuditRecord, { event: 'lifecycle' }>['what'], { person, approval }: Entry): void {
    const detail = `${approval.program}: arguments ${approval.argumentHash}`;
    this.#deps.record({ event: 'lifecycle', what, person, subject: approval.tool, detail });
  }
}

function keyOf({ call, principal, canonical, hasRead, full }: AskedApproval): string {
  const { issuer, subject } = principal;
  return sha256(
    JSON.stringify([issuer, subject, call.caller.key, call.offer ?? 'tool', call.toolName, canonical, hasRead, full]),
    'base64url',
  );
}

function sha256(text: string, as: 'hex' | 'base64url'): string {
  return createHash('sha256').update(text).digest(as);
}
