/** A result in rows on its way to the gateway: lines, as fast as the gateway takes them. */
import type { ByteStream } from '../main/contract/channel.ts';
import type { ConnectorResult } from '../main/contract/channels.ts';
import type { RowsResult } from './sdk/rows.ts';

type Failure = Extract<ConnectorResult, { ok: false }>;

export interface RowsLimits {
  readonly maxRowBytes: number;
  readonly tooLarge: Failure;
}

/** Written together: a frame is not worth one row. */
const blockCharacters = 16_384;

/** Null: all of it was written. A failure has yet to be: it takes the last line's place. Throws what the rows throw. */
export async function writeRows(stream: ByteStream, given: RowsResult, limits: RowsLimits): Promise<Failure | null> {
  let block = `${JSON.stringify({ ok: 'rows', columns: given.columns })}\n`;
  for await (const row of given.rows) {
    const line = JSON.stringify(row);
    if (Buffer.byteLength(line) > limits.maxRowBytes) {
      await stream.write(Buffer.from(block));
      return limits.tooLarge;
    }
    block += `${line}\n`;
    if (block.length < blockCharacters) continue;
    await stream.write(Buffer.from(block));
    block = '';
  }
  await stream.write(Buffer.from(`${block}${JSON.stringify({ ok: 'end', rest: given.rest?.() ?? {} })}\n`));
  return null;
}
