/**
 * What a crash left: a torn last line is moved aside, the chain's end is found, and calls without an outcome are closed
 * as `interrupted`. Guarantees that no complete line is ever changed or removed.
 */
import { appendFile, open, readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import type { AuditRecord } from '../contract/audit.ts';
import { emptyChain, filesInOrder, hashOf, readLine, type ChainHead } from './chain.ts';

export interface Recovered {
  readonly head: ChainHead;
  readonly interrupted: readonly AuditRecord[];
}

type Intent = Extract<AuditRecord, { event: 'call-intent' }>;

const newline = 0x0a;
/** A call can begin before midnight and end after: intents are looked for in the last files. */
const filesWithOpenIntents = 2;

export async function recover(folder: string): Promise<Recovered> {
  const files = filesInOrder(await readdir(folder));
  const intents = new Map<string, Intent>();
  let head = emptyChain;
  for (const file of files.slice(-filesWithOpenIntents)) {
    const found = await readTo(path.join(folder, file.name), intents);
    // An empty file (a crash between making and writing it) does not end the chain.
    head = { ...head, ...found, day: file.day, part: file.part };
  }
  return { head, interrupted: [...intents.values()].map(interruptedOf) };
}

/** Reads complete lines, collects open intents, and cuts what is not a complete line at the end. */
async function readTo(
  file: string,
  intents: Map<string, Intent>,
): Promise<Pick<ChainHead, 'bytes'> & Partial<ChainHead>> {
  const end: { sequence?: number; previous?: string; bytes: number } = { bytes: 0 };
  let rest: Buffer = Buffer.alloc(0);
  const handle = await open(file, 'r');
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      for (let at = rest.indexOf(newline); at !== -1; at = rest.indexOf(newline)) {
        const line = rest.subarray(0, at);
        const read = readLine(line.toString('utf8'));
        if (read !== null) track(read.record, intents);
        // A broken line in the middle is verify's to report; the chain goes on from the last line as it is.
        end.sequence = read === null ? (end.sequence ?? 0) : read.sequence + 1;
        end.previous = hashOf(line);
        end.bytes += at + 1;
        rest = rest.subarray(at + 1);
      }
    }
  } finally {
    await handle.close();
  }
  if (rest.length > 0) {
    await appendFile(`${file}.torn`, Buffer.concat([rest, Buffer.from('\n')]), { mode: 0o600 });
    await truncate(file, end.bytes);
  }
  return end;
}

function track(record: AuditRecord, intents: Map<string, Intent>): void {
  if (record.event === 'call-intent') intents.set(record.callId, record);
  if (record.event === 'call-outcome') intents.delete(record.callId);
}

function interruptedOf(intent: Intent): AuditRecord {
  return {
    event: 'call-outcome',
    callId: intent.callId,
    person: intent.person,
    program: intent.program,
    tool: intent.tool,
    decision: 'interrupted',
    code: null,
    stage: null,
    policy: intent.policy,
    rows: null,
    resultBytes: 0,
    backendBytes: 0,
    durationMs: 0,
  };
}
