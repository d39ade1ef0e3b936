/**
 * A connector's result in rows, read line by line. Guarantees: at most one line and one portion in memory, the next
 * bytes are asked for when the rows before them were taken; bounded lines, rows and bytes; nothing after the end.
 * Everything in it is hostile: a line is parsed by itself, and what a row holds the outbound stages check.
 */
import type { ByteStream } from '../contract/channel.ts';
import { connectorResultSchema, tableEndSchema, tableHeadSchema, type ConnectorResult } from '../contract/channels.ts';
import type { OutcomeCode } from '../contract/errors.ts';
import type { OpenTable, TableSink } from '../contract/table.ts';

export interface TableLimits {
  readonly maxLineBytes: number;
  readonly maxRows: number;
  readonly maxBytes: number;
}

export type TableAnswer =
  | { readonly rest: Readonly<Record<string, unknown>> }
  | { readonly result: ConnectorResult }
  | { readonly code: OutcomeCode };

export async function readTable(
  stream: ByteStream,
  limits: TableLimits,
  open: OpenTable,
): Promise<TableAnswer & { readonly resultBytes: number }> {
  const reading = new TableReading(limits, open);
  let resultBytes = 0;
  for await (const piece of stream) {
    resultBytes += piece.length;
    const wrong = resultBytes > limits.maxBytes ? 'output_not_allowed' : await reading.take(piece);
    if (wrong === null) continue;
    stream.reset(wrong);
    return { code: wrong, resultBytes };
  }
  return { ...reading.end(), resultBytes };
}

class TableReading {
  readonly #limits: TableLimits;
  readonly #open: OpenTable;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #unfinished: Uint8Array[] = [];
  #unfinishedBytes = 0;
  #sink: TableSink | null = null;
  #end: TableAnswer | null = null;
  #rows = 0;

  constructor(limits: TableLimits, open: OpenTable) {
    this.#limits = limits;
    this.#open = open;
  }

  /** Null: go on. */
  async take(piece: Uint8Array): Promise<OutcomeCode | null> {
    const after = piece.lastIndexOf(newline) + 1;
    if (this.#unfinishedBytes + (after === 0 ? piece.length : 0) > this.#limits.maxLineBytes)
      return 'output_not_allowed';
    if (after === 0) return this.#keep(piece);
    const lines = Buffer.concat([...this.#unfinished, piece.subarray(0, after - 1)]);
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
    this.#keep(piece.subarray(after));
    try {
      return await this.#lines(this.#decoder.decode(lines).split('\n'));
    } catch {
      return 'connector_failed';
    }
  }

  /** What a connector says without a newline is an ordinary result: a failure, or a question. */
  end(): TableAnswer {
    const left = Buffer.concat(this.#unfinished);
    if (this.#sink !== null && left.length > 0) return this.#failedLate(left);
    if (this.#end !== null) return this.#end;
    if (this.#sink !== null) return { code: 'connector_failed' };
    const result = parsedBy(connectorResultSchema, left);
    // Rows were declared: a value in one piece would pass by the stages for rows.
    return result === null || result.ok === true ? { code: 'connector_failed' } : { result };
  }

  #failedLate(line: Buffer): TableAnswer {
    const failure = this.#end === null ? parsedBy(tableEndSchema, line) : null;
    return failure === null || failure.ok !== false ? { code: 'connector_failed' } : { result: failure };
  }

  #keep(piece: Uint8Array): null {
    if (piece.length > 0) this.#unfinished.push(Uint8Array.from(piece));
    this.#unfinishedBytes += piece.length;
    return null;
  }

  async #lines(lines: readonly string[]): Promise<OutcomeCode | null> {
    let rows: readonly string[] = lines;
    if (this.#sink === null) {
      const head = tableHeadSchema.safeParse(JSON.parse(lines[0] ?? ''));
      if (!head.success) return 'connector_failed';
      this.#sink = this.#open({ columns: head.data.columns });
      if (this.#sink === null) return 'output_not_allowed';
      rows = lines.slice(1);
    }
    if (this.#end !== null && rows.length > 0) return 'connector_failed';
    const last = rows.at(-1);
    if (last?.startsWith('{') === true) {
      const end = tableEndSchema.safeParse(JSON.parse(last));
      if (!end.success) return 'connector_failed';
      this.#end = end.data.ok === 'end' ? { rest: end.data.rest } : { result: end.data };
      rows = rows.slice(0, -1);
    }
    this.#rows += rows.length;
    if (this.#rows > this.#limits.maxRows || rows.some((line) => line.length > this.#limits.maxLineBytes))
      return 'output_not_allowed';
    const parsed = rows.map((line) => JSON.parse(line) as unknown);
    return (await this.#sink.take(parsed)) ? null : 'output_not_allowed';
  }
}

const newline = 0x0a;

function parsedBy<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
  bytes: Buffer,
): T | null {
  try {
    const parsed = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
