/** How a credential gets into a request: as bytes, in place of a mark, below `node:http` (`guarded-socket.ts`). */
import { randomBytes } from 'node:crypto';
import { Fault } from '../../contract/errors.ts';
import type { Secret } from '../../contract/secret.ts';
import type { Header } from '../http-headers.ts';

export interface Insertion {
  readonly mark: string;
  readonly secret: Secret;
}

/** What a presenter adds. */
export interface Presented {
  readonly headers: readonly Header[];
  readonly insertions: readonly Insertion[];
}

/** Of a request that was allowed. */
export interface Unsigned {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** `host` or `host:port`, as the header says it. */
  readonly host: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

export interface Presentable {
  readonly role: string;
  readonly password: Secret;
  readonly also?: Secret;
}

export interface Presenter {
  /** Headers that it alone writes. */
  readonly own: readonly string[];
  /** Whether it needs all of the body before it can sign. */
  readonly needsBody: boolean;
  /** Answers after which a credential that is not new is asked for anew. */
  readonly refusals: readonly number[];
  readonly present: (request: Unsigned, credential: Presentable) => Presented;
}

/** Of this process: nobody who writes a request can know it. */
const unknown = randomBytes(18).toString('base64url');
let count = 0;

function newMark(): string {
  count += 1;
  return `mark-${unknown}-${String(count)}-`;
}

/** Looked through once, not for each request. */
const plainSecrets = new WeakSet<Secret>();

/** Throws `Fault` `backend_refused` where it would end the header, or is no text at all. */
export function insertion(secret: Secret): Insertion {
  const isPlain =
    plainSecrets.has(secret) || secret.use((bytes): boolean => bytes.every((value) => value > 0x20 && value < 0x7f));
  if (!isPlain)
    throw new Fault(
      'backend_refused',
      'The credential of this destination cannot stand in a header. Ask its administrator.',
    );
  plainSecrets.add(secret);
  return { mark: newMark(), secret };
}
