/**
 * Asks IT's issuer for a just-in-time database login with the person's access token (RFC 6750).
 * The issuer answers `{"role", "password", "expiresAt"}`, expiresAt in milliseconds since the epoch, at most 60 minutes ahead:
 * a longer life is refused here whatever the issuer thinks.
 */
import { z } from 'zod';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { Fault } from '../contract/errors.ts';
import { clockSkewMs } from './clock.ts';
import { parseJson, type SendHttps } from './discovery.ts';
import { readChallenge } from './read-challenge.ts';

const maxLifeMs = 3_600_000;

const loginSchema = z.strictObject({
  role: z.string().min(1).max(63),
  password: z.string().min(16).max(1024),
  expiresAt: z.int().positive(),
  /** `sub` of whom it is for; an issuer that says nothing is believed. */
  subject: z.string().max(512).optional(),
});
/** Plaintext: exists in an exchange process only, which ends right after. */
export type IssuedLogin = Omit<z.infer<typeof loginSchema>, 'subject'>;

export interface IssueRequest {
  readonly url: string;
  readonly accessToken: string;
  /** For whom: an answer for somebody else is refused. */
  readonly subject?: string | undefined;
}

/** A challenge in place of a login is an answer, no fault. Throws `Fault`: the dialler's, `reauthentication_required` (401), `not_permitted` (403), `backend_refused`. */
export async function issuePostgres(
  { url, accessToken, subject }: IssueRequest,
  send: SendHttps,
): Promise<IssuedLogin | { readonly challenge: ClaimsChallenge }> {
  const answer = await send({
    method: 'POST',
    url,
    headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json' },
  });
  const challenge = answer.status === 401 ? readChallenge(answer.headers['www-authenticate']) : undefined;
  if (challenge !== undefined) return { challenge };
  if (answer.status === 401)
    throw new Fault(
      'reauthentication_required',
      'The issuer of database logins does not accept this sign-in any more. Sign in again.',
    );
  if (answer.status === 403)
    throw new Fault('not_permitted', 'This person may not have a login to this database. Ask its administrator.');
  const login =
    answer.status === 200 || answer.status === 201 ? loginSchema.safeParse(parseJson(answer.body)) : undefined;
  if (login?.success !== true)
    throw new Fault(
      'backend_refused',
      `The issuer of database logins gave no usable answer (HTTP ${String(answer.status)}).`,
    );
  const lifeMs = login.data.expiresAt - Date.now();
  if (lifeMs <= 0 || lifeMs > maxLifeMs + clockSkewMs) {
    throw new Fault(
      'backend_refused',
      'The issuer of database logins gave one that is expired or lives longer than 60 minutes.',
    );
  }
  const { subject: owner = subject, ...issued } = login.data;
  if (subject !== undefined && owner !== subject)
    throw new Fault('backend_refused', 'The issuer of database logins gave one for another person.');
  return issued;
}
