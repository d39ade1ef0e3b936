/** Lines, their hashes and their files: `audit-YYYY-MM-DD.jsonl`, then `audit-YYYY-MM-DD.1.jsonl` when a day is full. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { auditRecordSchema, type AuditLine, type AuditRecord } from '../contract/audit.ts';

/** Where the chain stands: what the next line must continue. */
export interface ChainHead {
  /** Of the next line. */
  readonly sequence: number;
  /** Hash of the last line, without its newline. */
  readonly previous: string;
  readonly day: string;
  readonly part: number;
  /** Of the current file. */
  readonly bytes: number;
}

const firstHash = '0'.repeat(64);
export const emptyChain: ChainHead = { sequence: 0, previous: firstHash, day: '', part: 0, bytes: 0 };

const lineSchema = z.strictObject({
  sequence: z.int().nonnegative(),
  at: z.iso.datetime(),
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  record: auditRecordSchema,
});

export function lineOf(head: ChainHead, at: string, record: AuditRecord): { line: string; after: ChainHead } {
  const entry: AuditLine = { sequence: head.sequence, at, previous: head.previous, record };
  const text = JSON.stringify(entry);
  const after = {
    ...head,
    sequence: head.sequence + 1,
    previous: hashOf(text),
    bytes: head.bytes + Buffer.byteLength(text) + 1,
  };
  return { line: `${text}\n`, after };
}

export function hashOf(line: string | Buffer): string {
  return createHash('sha256').update(line).digest('hex');
}

/** Null: not a line of ours. */
export function readLine(text: string): AuditLine | null {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function fileName({ day, part }: Pick<ChainHead, 'day' | 'part'>): string {
  return part === 0 ? `audit-${day}.jsonl` : `audit-${day}.${part}.jsonl`;
}

const named = /^audit-(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.jsonl$/;

/** The log's files, oldest first. */
export function filesInOrder(names: readonly string[]): readonly { name: string; day: string; part: number }[] {
  return names
    .flatMap((name) => {
      const match = named.exec(name);
      return match === null ? [] : [{ name, day: match[1] ?? '', part: Number(match[2] ?? 0) }];
    })
    .sort((one, other) => (one.day === other.day ? one.part - other.part : one.day < other.day ? -1 : 1));
}
