/**
 * HashiCorp Vault's HTTP API, as far as credentials need it: JWT login, reads and writes below `/v1/`, leases.
 * Written to the published API; not verified against HashiCorp Vault itself.
 * Guarantees: one origin; the client token is in this process only and in no address; the login is taken only for the role that
 * was asked for and, where Vault says whose it is (claim mapping `sub`), for this person.
 */
import { z } from 'zod';
import { maxCredentialLifeMs } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import { unusable, type ForPerson } from './credential-answer.ts';
import { parseJson, type DialOrigins, type HttpsAnswer, type SendHttps } from './discovery.ts';

const who = 'HashiCorp Vault';
const seconds = z.int().nonnegative();

const loginSchema = z.looseObject({
  auth: z.looseObject({
    client_token: z.string().min(1).max(4096),
    lease_duration: seconds,
    metadata: z.record(z.string(), z.string()).nullable(),
  }),
});
const answerSchema = z.looseObject({
  lease_id: z.string().max(1000).default(''),
  lease_duration: seconds.default(0),
  renewable: z.boolean().default(false),
  data: z.record(z.string(), z.unknown()).nullable().default(null),
});
export type VaultAnswer = z.output<typeof answerSchema>;

export interface VaultLogin {
  readonly url: string;
  readonly login: { readonly mount: string; readonly role: string };
  readonly person: ForPerson;
  readonly accessToken: string;
}

export interface VaultSession {
  /** What Vault ends with the token: every lease that was made with it. */
  readonly endsAt: number;
  read(path: string): Promise<VaultAnswer>;
  /** `POST`; undefined: done, without an answer (204). */
  write(path: string, body?: Readonly<Record<string, unknown>>): Promise<VaultAnswer | undefined>;
  /** Resolves with how many seconds the lease has from now on. */
  renewLease(leaseId: string, incrementSeconds: number): Promise<number>;
  revokeLease(leaseId: string): Promise<void>;
  /** The token itself, and with it every lease. */
  leave(): Promise<void>;
}

/** Throws `Fault`: the dialler's, `reauthentication_required`, `not_permitted`, `backend_refused`. */
export async function loginToVault(
  { url, login, person, accessToken }: VaultLogin,
  dial: DialOrigins,
): Promise<VaultSession> {
  const { origin } = new URL(url);
  const send = dial([origin]);
  const startedAt = Date.now();
  const answer = await send({
    method: 'POST',
    url: `${origin}/v1/auth/${login.mount}/login`,
    headers: headersOf(),
    body: JSON.stringify({ role: login.role, jwt: accessToken }),
  });
  // Vault answers 400 for a JWT that is expired or not for this role, 403 for one it will not have at all.
  if (answer.status === 400 || answer.status === 403)
    throw new Fault(
      'not_permitted',
      `HashiCorp Vault lets this person not in with the role ${login.role}. Ask who runs it.`,
    );
  const found = answer.status === 200 ? loginSchema.safeParse(parseJson(answer.body)) : undefined;
  if (found?.success !== true) throw refused(answer);
  const { client_token: token, lease_duration: life, metadata } = found.data.auth;
  const session = sessionOf({
    origin,
    send,
    token,
    endsAt: startedAt + (life === 0 ? maxCredentialLifeMs : life * 1000),
  });
  const refusal = foreign(metadata, { role: login.role, sub: person.subject });
  if (refusal === undefined) return session;
  await session.leave().catch(() => undefined);
  throw refusal;
}

/** What the login is said to be for, where that is not what was asked. */
function foreign(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
  { role, sub }: { readonly role: string; readonly sub: string },
): Fault | undefined {
  if (metadata?.['role'] !== undefined && metadata['role'] !== role) return unusable(who, 'is for another role');
  if (metadata?.['sub'] !== undefined && metadata['sub'] !== sub) return unusable(who, 'is for another person');
  return undefined;
}

interface SessionParts {
  readonly origin: string;
  readonly send: SendHttps;
  readonly token: string;
  readonly endsAt: number;
}

function sessionOf({ origin, send, token, endsAt }: SessionParts): VaultSession {
  const ask = async (method: 'GET' | 'POST', path: string, body?: object): Promise<VaultAnswer | undefined> => {
    const answer = await send({
      method,
      url: `${origin}/v1/${path}`,
      headers: { ...headersOf(), 'x-vault-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (method === 'POST' && answer.status === 204) return undefined;
    const found = answer.status === 200 ? answerSchema.safeParse(parseJson(answer.body)) : undefined;
    if (found?.success !== true) throw refused(answer);
    return found.data;
  };
  const write: VaultSession['write'] = (path, body = {}) => ask('POST', path, body);
  return {
    endsAt,
    read: async (path) => (await ask('GET', path)) ?? answerSchema.parse({}),
    write,
    renewLease: async (leaseId, increment) => {
      const answer = await write('sys/leases/renew', { lease_id: leaseId, increment });
      if (answer?.lease_id !== leaseId) throw unusable(who, 'renewed another lease');
      return answer.lease_duration;
    },
    revokeLease: async (leaseId) => {
      await write('sys/leases/revoke', { lease_id: leaseId });
    },
    leave: async () => {
      await write('auth/token/revoke-self');
    },
  };
}

function headersOf(): Record<string, string> {
  return { accept: 'application/json', 'content-type': 'application/json', 'x-vault-request': 'true' };
}

function refused({ status }: HttpsAnswer): Fault {
  if (status === 403)
    return new Fault(
      'not_permitted',
      'HashiCorp Vault gives this person not what the connector needs. Ask who runs it.',
    );
  if (status === 503)
    return new Fault('backend_unreachable', 'HashiCorp Vault is sealed or in maintenance. Try again later.');
  return new Fault('backend_refused', `HashiCorp Vault gave no usable answer (HTTP ${String(status)}).`);
}
