/** A secret as rooms outside `secrets` see it: bytes for the time of a callback, never a string. */
export interface Secret {
  readonly length: number;
  /** The bytes are valid until `read` returns: keeping them and touching them later ends the process. */
  use<T>(read: (bytes: Uint8Array) => T extends PromiseLike<unknown> ? never : T): T;
  /** As `use`, until the promise settles. A wipe meanwhile zeroes the bytes under the callback. */
  useAsync<T>(read: (bytes: Uint8Array) => Promise<T>): Promise<T>;
  /** Zeroes it for good; `use` then throws `Fault` `access_ended`. */
  wipe(): void;
  readonly wiped: boolean;
}
