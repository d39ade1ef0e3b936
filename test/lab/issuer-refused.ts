/** A request that the issuer will not serve: status, a code for programs and a sentence for people. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  // eslint-disable-next-line @typescript-eslint/max-params -- an exception's parts, given in one place each
  constructor(status: number, code: string, say: string, headers: Readonly<Record<string, string>> = {}) {
    super(say);
    this.name = 'Refused';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
