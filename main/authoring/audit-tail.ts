/** What the gateway of a stand wrote down of its calls, one call after the other. Reads its log, changes nothing. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { auditRecordSchema, type AuditRecord } from '../contract/audit.ts';
import { Fault } from '../contract/errors.ts';

export type Intent = Extract<AuditRecord, { event: 'call-intent' }>;
export type AuditedOutcome = Extract<AuditRecord, { event: 'call-outcome' }>;

export interface Audited {
  /** Null: it was refused before. */
  readonly intent: Intent | null;
  readonly outcome: AuditedOutcome;
}

const lineSchema = z.looseObject({ record: auditRecordSchema });
/** The answer may be here before its record is. */
const waitMs = 5000;
const againMs = 20;

export function createAuditTail(folder: string): { next(): Promise<Audited> } {
  let read = 0;
  let intent: Intent | null = null;

  function outcomeSince(): AuditedOutcome | null {
    for (const record of recordsIn(folder).slice(read)) {
      read += 1;
      if (record.event === 'call-intent') intent = record;
      if (record.event === 'call-outcome') return record;
    }
    return null;
  }

  return {
    async next() {
      intent = null;
      for (let waitedMs = 0; waitedMs < waitMs; waitedMs += againMs) {
        const outcome = outcomeSince();
        if (outcome !== null) return { intent, outcome };
        await delay(againMs);
      }
      throw new Fault('audit_unavailable', 'the gateway wrote no outcome of the call');
    },
  };
}

/** The stand lives for one round: its log is short. The last line may not be whole yet. */
function recordsIn(folder: string): AuditRecord[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files.sort().flatMap((name) =>
    readFileSync(path.join(folder, name), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => lineSchema.parse(JSON.parse(line)).record),
  );
}
