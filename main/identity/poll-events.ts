/**
 * One poll for the provider's security events (RFC 8936), in an exchange process. Guarantees: an event is returned only from a
 * SET (RFC 8417) of type `secevent+jwt` that the configured provider signed, for this client, issued within a week and not in
 * the future, under its own `jti`; what is not is returned as refused, with the check that failed and nothing of its text.
 * Trusts: the provider's key set, jose, the clock within 60 s. Does not protect against: a transmitter that withholds.
 */
import { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { z } from 'zod';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import type { Polled, RefusedEvent, SecurityEvent } from '../contract/security-event.ts';
import { isConfiguredIssuer } from './configured-issuer.ts';
import { discover, parseJson, type DialOrigins } from './discovery.ts';
import { algorithms, fetchKeys } from './validate-id-token.ts';

const maxEvents = 50;
const maxSetLength = 16_384;
const clockToleranceSeconds = 60;
const oldestSeconds = 7 * 24 * 3600;

const answerSchema = z.looseObject({
  sets: z.record(z.string().min(1).max(200), z.string()).default({}),
  moreAvailable: z.boolean().default(false),
});

export interface PollRequest {
  readonly identity: IdentityConfig;
  readonly accessToken: string;
  readonly acknowledged: readonly string[];
  readonly refused: readonly RefusedEvent[];
}

/** Throws `Fault`: the dialler's, `not_permitted` (the token is not accepted), `identity_unavailable`. */
export async function pollEvents(request: PollRequest, dial: DialOrigins): Promise<Polled> {
  const { identity } = request;
  const { events } = identity;
  if (events === undefined) throw new Fault('malformed', 'No security events are configured (identity.events).');
  const { sets, moreAvailable } = await fetchSets(events.url, request, dial);
  const found = Object.entries(sets).slice(0, maxEvents);
  if (found.length === 0) return { events: [], refused: [], more: false };
  const provider = await discover(identity, dial);
  const expected = { identity, issuer: provider.issuer, keys: await fetchKeys(provider) };
  const polled: { events: SecurityEvent[]; refused: Polled['refused'] } = { events: [], refused: [] };
  for (const [jti, set] of found) {
    const read = await readSet(jti, set, expected);
    if ('why' in read) polled.refused.push(read);
    else polled.events.push(read);
  }
  return { ...polled, more: moreAvailable || Object.keys(sets).length > found.length };
}

async function fetchSets(url: string, request: PollRequest, dial: DialOrigins): Promise<z.output<typeof answerSchema>> {
  const { accessToken, acknowledged, refused } = request;
  const setErrs = Object.fromEntries(refused.map(({ jti, err }) => [jti, { err, description: 'refused' }]));
  const answer = await dial([new URL(url).origin])({
    method: 'POST',
    url,
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ maxEvents, returnImmediately: true, ack: acknowledged, setErrs }),
  });
  if (answer.status === 401 || answer.status === 403)
    throw new Fault(
      'not_permitted',
      'The provider of security events does not accept this sign-in. Check identity.events.',
    );
  const read = answer.status === 200 ? answerSchema.safeParse(parseJson(answer.body)) : undefined;
  if (read?.success !== true) {
    const say = `The provider of security events gave no usable answer (HTTP ${String(answer.status)}). Check identity.events.`;
    throw new Fault('identity_unavailable', say);
  }
  return read.data;
}

interface ExpectedSet {
  readonly identity: IdentityConfig;
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  /** Milliseconds since the epoch; default: now. */
  readonly nowMs?: number;
}

/** What it says, or why it is not believed. */
export async function readSet(
  jti: string,
  set: string,
  expected: ExpectedSet,
): Promise<SecurityEvent | Polled['refused'][number]> {
  if (set.length > maxSetLength) return { jti, err: 'invalid_request', why: 'size' };
  try {
    const payload = await verify(set, expected);
    if (payload.jti !== jti) return { jti, err: 'invalid_request', why: 'jti' };
    const events = z.record(z.string(), z.unknown()).safeParse(payload['events']);
    if (!events.success) return { jti, err: 'invalid_request', why: 'events' };
    return {
      jti,
      kind: kindOf(Object.keys(events.data)),
      person: personOf(payload, events.data),
      at: (payload.iat ?? 0) * 1000,
    };
  } catch (error) {
    return { jti, ...whyOf(error) };
  }
}

async function verify(set: string, { identity, issuer, keys, nowMs }: ExpectedSet): Promise<JWTPayload> {
  // Said first: jose looks at the type only after the signature.
  if (decodeProtectedHeader(set).alg === 'none') throw new errors.JOSEAlgNotAllowed('unsigned');
  const { payload } = await jwtVerify(set, createLocalJWKSet(keys), {
    algorithms,
    typ: 'secevent+jwt',
    audience: identity.events?.audience ?? identity.clientId,
    ...(issuer.includes('{tenantid}') ? {} : { issuer }),
    requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'],
    maxTokenAge: oldestSeconds,
    clockTolerance: clockToleranceSeconds,
    ...(nowMs === undefined ? {} : { currentDate: new Date(nowMs) }),
  });
  if (!isConfiguredIssuer(identity, payload.iss ?? ''))
    throw new errors.JWTClaimValidationFailed('foreign issuer', payload, 'iss', 'check_failed');
  return payload;
}

const claimErrors: Readonly<Record<string, RefusedEvent['err']>> = { iss: 'invalid_issuer', aud: 'invalid_audience' };

function whyOf(error: unknown): { readonly err: RefusedEvent['err']; readonly why: string } {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired)
    return { err: claimErrors[error.claim] ?? 'invalid_request', why: error.claim.slice(0, 60) };
  return error instanceof errors.JOSEAlgNotAllowed
    ? { err: 'invalid_key', why: 'alg' }
    : { err: 'authentication_failed', why: 'signature' };
}

const schemas = 'https://schemas.openid.net/secevent';
const kinds: ReadonlyMap<string, SecurityEvent['kind']> = new Map([
  [`${schemas}/caep/event-type/session-revoked`, 'session-revoked'],
  [`${schemas}/risc/event-type/sessions-revoked`, 'session-revoked'],
  [`${schemas}/risc/event-type/account-disabled`, 'account-disabled'],
  [`${schemas}/risc/event-type/account-purged`, 'account-disabled'],
]);

function kindOf(types: readonly string[]): SecurityEvent['kind'] {
  const found = types.map((type) => kinds.get(type));
  return found.find((kind) => kind === 'account-disabled') ?? found.find((kind) => kind !== undefined) ?? 'other';
}

/** RFC 9493 §3.2.4, alone, or as the user of a complex subject (Shared Signals 1.0 §3.3). */
const issuerAndSubject = z
  .looseObject({ iss: z.string().min(1).max(512), sub: z.string().min(1).max(512) })
  .transform(({ iss, sub }) => ({ issuer: iss, subject: sub }));
const subjectSchema = z.union([
  issuerAndSubject,
  z.looseObject({ user: issuerAndSubject }).transform(({ user }) => user),
]);

function personOf(payload: JWTPayload, events: Readonly<Record<string, unknown>>): SecurityEvent['person'] {
  const inEvent = Object.values(events)
    .map((event) => z.looseObject({ subject: z.unknown() }).safeParse(event))
    .find(({ success }) => success);
  const read = subjectSchema.safeParse(payload['sub_id'] ?? inEvent?.data?.subject);
  return read.success ? read.data : null;
}
