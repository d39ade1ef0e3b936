/** What we use of libpg-query's emscripten module; the package types only its wrapper, which cannot be restarted. */
declare module 'libpg-query/wasm/libpg-query.js' {
  export interface PgQueryInstance {
    lengthBytesUTF8(text: string): number;
    stringToUTF8(text: string, at: number, size: number): void;
    UTF8ToString(at: number): string;
    getValue(at: number, type: 'i32'): number;
    _malloc(size: number): number;
    _free(at: number): void;
    _wasm_parse_query_raw(at: number): number;
    _wasm_free_parse_result(at: number): void;
  }
  export default function createInstance(options: { locateFile(): string }): Promise<PgQueryInstance>;
}
