/** One operation of an HTTP API, as `sallyport connector new --openapi` writes it: data, so that an author can read and change it. */
import type { Column } from './rows.ts';

export interface RestParameter {
  /** Of the tool. */
  readonly argument: string;
  /** In the request. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  /** As OpenAPI means them; `json`: as JSON text. */
  readonly style: 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject' | 'json';
  readonly explode: boolean;
}

/** How the next page is asked for, and `size` what each page is asked to have. Pointers are JSON pointers into the page. */
export type RestPages = { readonly size?: RestPageSize } & (
  | /** RFC 8288: the header `link` with `rel="next"`. */ { readonly by: 'link' }
  | /** A URL in the page. */ { readonly by: 'url'; readonly next: string }
  | { readonly by: 'cursor'; readonly next: string; readonly parameter: string }
  | { readonly by: 'offset'; readonly parameter: string }
  | { readonly by: 'number'; readonly parameter: string; readonly first: number }
);

export interface RestPageSize {
  readonly parameter: string;
  readonly value: number;
}

export interface RestOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` where a parameter goes. */
  readonly path: string;
  readonly parameters: readonly RestParameter[];
  /** Of the argument `body`. */
  readonly contentType?: string;
  /** `value`: the answer itself. `list`: `{ items, truncated }`. `rows`: each item a row. `done`: that it was done. */
  readonly answers: 'value' | 'list' | 'rows' | 'done';
  /** Where the list is, of `list` and `rows`. */
  readonly items?: string;
  /** Of `rows`: the members of an item. */
  readonly columns?: readonly Column[];
  readonly pages?: RestPages;
  /** The answer's entity tag is the member `etag`. */
  readonly etag?: true;
}

/** What of a manifest is used: its output schemas say which members stay. */
export interface RestManifest {
  readonly tools: readonly {
    readonly name: string;
    readonly inputSchema: object;
    readonly outputSchema: object;
  }[];
}
