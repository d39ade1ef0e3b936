/** A request that the issuer will not serve. */
export interface RefusedParts {
  readonly status: number;
  /** For programs. */
  readonly code: string;
  /** For people: one sentence. */
  readonly say: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor({ status, code, say, headers = {} }: RefusedParts) {
    super(say);
    this.name = 'Refused';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
