/**
 * The provider's transmitter of security events (OpenID Shared Signals), by poll (RFC 8936). Guarantees: a person's access
 * token fetches the events about that person alone; an event stays until it is acknowledged or refused. Every poll is answered
 * at once, also one that would wait. Its token stays good here after the person is disabled: that is how the news arrives.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { clientId, issuerAudience } from './contract.ts';
import { signingAlgorithm, type SigningKey } from './signing-key.ts';

const bodyLimit = 64 * 1024;
const mostAtOnce = 50;
const mostKept = 1000;
const schemas = 'https://schemas.openid.net/secevent';
const types = {
  'session-revoked': `${schemas}/caep/event-type/session-revoked`,
  'account-disabled': `${schemas}/risc/event-type/account-disabled`,
} as const;

const pollSchema = z.object({
  maxEvents: z.int().nonnegative().default(mostAtOnce),
  returnImmediately: z.boolean().default(false),
  ack: z.array(z.string()).max(mostKept).default([]),
  setErrs: z.record(z.string(), z.object({ err: z.string(), description: z.string().optional() })).default({}),
});

export interface Transmitter {
  emit(kind: keyof typeof types, subject: string): Promise<void>;
  /** What was not fetched yet is no longer true. */
  withdraw(subject: string): void;
  poll(req: IncomingMessage, res: ServerResponse): Promise<void>;
}

export function createTransmitter(issuer: string, { jwk, privateKey, publicKey }: SigningKey): Transmitter {
  /** By `jti`, the oldest first. */
  const kept = new Map<string, { readonly subject: string; readonly set: string }>();

  async function subjectOf(authorization: string | undefined): Promise<string | undefined> {
    const [, token = ''] = /^Bearer ([\w.-]+)$/i.exec(authorization ?? '') ?? [];
    const expected = { issuer, audience: issuerAudience, algorithms: [signingAlgorithm], typ: 'at+jwt' };
    return jwtVerify(token, publicKey, expected).then(
      ({ payload }) => payload.sub,
      () => undefined,
    );
  }

  function answer(subject: string, { maxEvents, ack, setErrs }: z.output<typeof pollSchema>): object {
    for (const jti of [...ack, ...Object.keys(setErrs)]) {
      if (kept.get(jti)?.subject === subject) kept.delete(jti);
    }
    for (const [jti, { err }] of Object.entries(setErrs)) {
      process.stderr.write(`security event refused: ${JSON.stringify([jti, err]).slice(0, 300)}\n`);
    }
    const theirs = [...kept].filter(([, each]) => each.subject === subject);
    const given = theirs.slice(0, Math.min(maxEvents, mostAtOnce));
    return {
      sets: Object.fromEntries(given.map(([jti, { set }]) => [jti, set])),
      ...(given.length < theirs.length ? { moreAvailable: true } : {}),
    };
  }

  return {
    async emit(kind, subject) {
      const jti = randomUUID();
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        sub_id: { format: 'iss_sub', iss: issuer, sub: subject },
        events: { [types[kind]]: { event_timestamp: now } },
      };
      const set = await new SignJWT(payload)
        .setProtectedHeader({ alg: signingAlgorithm, kid: jwk.kid, typ: 'secevent+jwt' })
        .setIssuer(issuer)
        .setAudience(clientId)
        .setIssuedAt(now)
        .setJti(jti)
        .sign(privateKey);
      kept.set(jti, { subject, set });
      for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
    },
    withdraw(subject) {
      for (const [jti, each] of kept) if (each.subject === subject) kept.delete(jti);
    },
    async poll(req, res) {
      const subject = await subjectOf(req.headers.authorization);
      const asked = req.method === 'POST' ? pollSchema.safeParse(await readJson(req)) : undefined;
      if (subject === undefined) send(res, 401, { err: 'authentication_failed' });
      else if (asked?.success !== true) send(res, 400, { err: 'invalid_request' });
      else send(res, 200, answer(subject, asked.data));
    },
  };
}

function send(res: ServerResponse, status: number, body: object): void {
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {};
  res.writeHead(status, { ...challenge, 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

async function readJson(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
