/** Checks the chain: every line is ours, follows the one before, and each intent has at most one outcome after it. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { emptyChain, filesInOrder, hashOf, readLine } from './chain.ts';

export type Verification =
  | {
      readonly ok: true;
      readonly lines: number;
      /** Hash of the last line: what an anchor keeps. */ readonly head: string;
    }
  | { readonly ok: false; readonly file: string; /** 1-based. */ readonly line: number; readonly why: string };

export async function verifyLog(folder: string): Promise<Verification> {
  let { sequence, previous } = emptyChain;
  for (const { name } of filesInOrder(await readdir(folder))) {
    const lines = createInterface({ input: createReadStream(path.join(folder, name)), crlfDelay: Infinity });
    let at = 0;
    for await (const text of lines) {
      at += 1;
      const broken = (why: string): Verification => ({ ok: false, file: name, line: at, why });
      const line = readLine(text);
      if (line === null) return broken('not an audit record');
      if (line.previous !== previous)
        return broken('does not follow the line before: something was changed or removed');
      if (line.sequence !== sequence) return broken(`sequence ${line.sequence} where ${sequence} is due`);
      previous = hashOf(text);
      sequence += 1;
    }
  }
  return { ok: true, lines: sequence, head: previous };
}
