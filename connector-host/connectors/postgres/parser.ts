/**
 * PostgreSQL's own parser (libpg_query 18, WebAssembly). Guarantees: text in, syntax tree or a reason out, whatever the
 * text; a fault inside the parser costs the caller its call and nobody else anything (a new instance is made, because
 * the old one's memory cannot be trusted). Trusts: the parser to read SQL as the server does; the session pins the
 * settings that change how a literal is read.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import createInstance, { type PgQueryInstance } from 'libpg-query/wasm/libpg-query.js';

export type Parsed = { readonly ok: true; readonly tree: unknown } | { readonly ok: false; readonly message: string };
export type Parse = (text: string) => Promise<Parsed>;

/** A tree this large belongs to no statement that a person or a model would write. */
const maxTreeLength = 400_000;

function wasmFile(): string {
  const beside = path.join(import.meta.dirname, 'libpg-query.wasm');
  return existsSync(beside) ? beside : createRequire(import.meta.url).resolve('libpg-query/wasm/libpg-query.wasm');
}

/** Reads the module from beside the bundle. */
export async function createParser(): Promise<Parse> {
  const file = wasmFile();
  const instantiate = (): Promise<PgQueryInstance> => createInstance({ locateFile: () => file });
  let instance = instantiate();
  await instance;
  return async (text) => {
    const current = await instance;
    try {
      return parseWith(current, text);
    } catch {
      // Out of stack: the nesting was too deep.
      instance = instantiate();
      return { ok: false, message: 'the statement is nested too deeply' };
    }
  };
}

function parseWith(instance: PgQueryInstance, text: string): Parsed {
  const size = instance.lengthBytesUTF8(text) + 1;
  const at = instance._malloc(size);
  instance.stringToUTF8(text, at, size);
  // struct PgQueryParseResult { char *parse_tree; char *stderr_buffer; PgQueryError *error; }
  const result = instance._wasm_parse_query_raw(at);
  instance._free(at);
  const error = instance.getValue(result + 8, 'i32');
  // The first member of PgQueryError is its message.
  const answer = instance.UTF8ToString(instance.getValue(error === 0 ? result : error, 'i32'));
  instance._wasm_free_parse_result(result);
  if (error !== 0) return { ok: false, message: answer };
  if (answer.length > maxTreeLength) return { ok: false, message: 'the statement is too complex' };
  return { ok: true, tree: JSON.parse(answer) };
}
