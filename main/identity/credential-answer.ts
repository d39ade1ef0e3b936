/** What every exchange refuses in an answer, whatever server it came from: too long a life, none left, secrets of odd sizes. */
import { maxCredentialBytes, maxCredentialLifeMs, type CredentialWay, type WayOf } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';

/** Plaintext: exists in an exchange process only, which ends right after. */
export interface Obtained {
  /** Login, access key id or audience: no secret. */
  readonly role: string;
  readonly expiresAt: number;
  /** One or two. */
  readonly secrets: readonly string[];
  /** Of a secret that lives long. */
  readonly version?: { readonly number: number; readonly createdAt: number };
}

/** For whom a credential is. */
export interface ForPerson {
  readonly subject: string;
  readonly username: string;
}

/** What an exchange is asked for: the person's access token in the way that the configuration says. */
export interface Wanted<K extends CredentialWay['kind']> {
  readonly way: WayOf<K>;
  readonly person: ForPerson;
  readonly accessToken: string;
}

/** What two clocks may differ by. */
export const clockToleranceMs = 60_000;

/** Throws `Fault` `backend_refused`. `who` begins a sentence. */
export function checkLife(expiresAt: number, who: string): void {
  const lifeMs = expiresAt - Date.now();
  if (!(lifeMs > 0 && lifeMs <= maxCredentialLifeMs + clockToleranceMs))
    throw unusable(who, 'is expired or lives longer than 60 minutes');
}

const leastBytes = 16;
/** Of a database password; a token may have `maxCredentialBytes`. */
export const maxPasswordBytes = 1024;

export function checkSize(secret: string, who: string, mostBytes = maxCredentialBytes): void {
  const bytes = Buffer.byteLength(secret);
  if (bytes < leastBytes || bytes > mostBytes)
    throw unusable(who, `has ${String(bytes)} bytes; between ${String(leastBytes)} and ${String(mostBytes)} are taken`);
}

export function unusable(who: string, why: string): Fault {
  return new Fault('backend_refused', `${who} gave no usable credential: it ${why}.`);
}

/** The claims of what looks like a JWT, unverified: good for refusing, never for believing. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, body, signature, ...more] = token.split('.');
  if (body === undefined || signature === undefined || more.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
