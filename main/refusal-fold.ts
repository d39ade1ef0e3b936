/**
 * Keeps refused calls from filling the disk. Guarantees: a call with an intent always has an outcome of its own; of the
 * others each has one up to a rate, and beyond it they are counted, second by second, so that none is lost in number.
 * A program's name is a label that it can change: all programs together have a limit too.
 */
import type { AuditRecord } from './contract/audit.ts';
import type { AuditSink } from './pipeline/account.ts';
import { createRateGate, type RateGate } from './rate-gate.ts';

export interface FoldingSink extends AuditSink {
  /** Writes what was counted and not yet written. */
  flush(): void;
}

type Folded = Extract<AuditRecord, { event: 'refusals-folded' }>;

const perProgram = { perSecond: 20, burst: 100 };
const allPrograms = { perSecond: 60, burst: 300 };
const maxPrograms = 256;
/** Kinds counted apart in one second; the rest are counted as one. */
const maxKinds = 32;
const foldMs = 1000;

export function createRefusalFold(log: AuditSink): FoldingSink {
  const intended = new Set<string>();
  const gates = new Map<string, RateGate>();
  const all = createRateGate(allPrograms);
  const folded = new Map<string, Folded>();
  let timer: NodeJS.Timeout | null = null;

  function gateOf(program: string): RateGate {
    const gate = gates.get(program) ?? createRateGate(perProgram);
    // The one that was met first goes: its limit starts anew, the limit of all does not.
    const [first] = gates.size >= maxPrograms && !gates.has(program) ? gates.keys() : [];
    if (first !== undefined) gates.delete(first);
    gates.set(program, gate);
    return gate;
  }

  function fold({ program, person, code }: Omit<Folded, 'event' | 'count'>): void {
    const key = JSON.stringify([program, person?.issuer, person?.subject, code]);
    const found = folded.get(key);
    if (found !== undefined) found.count += 1;
    else if (folded.size >= maxKinds && key !== otherKey) fold(others);
    else folded.set(key, { event: 'refusals-folded', person, program, code, count: 1 });
    timer ??= setTimeout(flush, foldMs).unref();
  }

  function flush(): void {
    clearTimeout(timer ?? undefined);
    timer = null;
    for (const record of folded.values()) log.append(record);
    folded.clear();
  }

  return {
    async appendDurably(record) {
      await log.appendDurably(record);
      if (record.event === 'call-intent') intended.add(record.callId);
    },
    append(record) {
      const isRefused = record.event === 'call-outcome' && !intended.delete(record.callId);
      if (isRefused && !(gateOf(record.program).passes() && all.passes())) fold(record);
      else log.append(record);
    },
    flush,
  };
}

const others = { program: 'other programs', person: null, code: null };
const otherKey = JSON.stringify([others.program, undefined, undefined, others.code]);
