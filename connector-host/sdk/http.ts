/** An HTTPS request as a connector's author makes it. Egress signs in, and sends only what manifest and configuration allow. */

export interface FetchRequest {
  /** Default: GET. */
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with a slash. Write what is not yours with `pathSegment`. */
  readonly path: string;
  /** Encoded for you; undefined members are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Not those that frame the message, name a host or carry a credential: such a request is refused. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON. */
  readonly body?: string | Uint8Array | object;
}

export interface FetchResponse {
  readonly status: number;
  /** Of 200 to 299. */
  readonly ok: boolean;
  /** By name in lower case; several of one name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Once: it, `text` or `json`. Leaving it early ends the request. */
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  /** Throws a `ConnectorRefusal` `backend_refused` when it is no JSON. */
  json(): Promise<unknown>;
}

/** One segment of a path: whatever it holds, it leads nowhere else. */
export const pathSegment = (text: string): string => encodeURIComponent(text);
