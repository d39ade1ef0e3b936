/**
 * Entry of the issuer: IT's service that turns a person's access token into a PostgreSQL login of their own.
 * Guarantees: a login only for a token of the configured provider, audience and scope, RS256, not expired; its
 * life is this service's decision, at most 60 minutes; its password is made here and leaves only in the answer
 * (PostgreSQL gets a verifier); ended logins are dropped, their sessions with them.
 * Trusts: the provider's JWKS over TLS, the roles and region in its tokens, its own database login (two functions).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import tls from 'node:tls';
import { z } from 'zod';
import { commandSchema, issuerHello, type Answer, type IssuerHello } from './contract.ts';
import { createRoles, type Roles } from './issuer-roles.ts';
import { createTokenCheck, type TokenCheck } from './issuer-tokens.ts';
import { serveLab } from './lines.ts';
import { createNeedles, type RecordNeedle } from './needles.ts';
import { listen } from './server.ts';
import { Refused } from './issuer-refused.ts';

const sweepMs = 1_000;
const bodyLimit = 1_024;

interface Parts {
  readonly checkToken: TokenCheck;
  readonly roles: Roles;
  readonly recordNeedle: RecordNeedle;
}

async function answer(req: IncomingMessage, { checkToken, roles, recordNeedle }: Parts): Promise<unknown> {
  const { pathname } = new URL(req.url ?? '/', 'https://localhost');
  if (pathname !== '/credentials') throw new Refused(404, 'not_found', 'This service only has /credentials.');
  if (req.method !== 'POST') throw new Refused(405, 'method_not_allowed', 'Use POST.', { allow: 'POST' });
  await drainBody(req);
  const person = await checkToken(req.headers.authorization);
  const issued = await roles.issue(person);
  recordNeedle('postgres-password', issued.password);
  return issued;
}

/** Nothing is asked in the body: not a role, not a life time. It is read to its small end and ignored. */
async function drainBody(req: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw new Refused(413, 'body_too_large', 'Send no body.', { connection: 'close' });
  }
}

function send(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  res
    .writeHead(status, { ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}

function refuse(res: ServerResponse, error: unknown): void {
  if (error instanceof Refused) return send(res, error.status, { code: error.code, say: error.message }, error.headers);
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  send(res, 503, { code: 'unavailable', say: 'The database or the identity provider did not answer. Try again.' });
}

function obey(roles: Roles, line: unknown): Answer {
  const command = commandSchema.parse(line);
  if (!('credentialSeconds' in command)) return { refused: 'not for the issuer' };
  roles.setLifetimeSeconds(command.credentialSeconds);
  return { done: true };
}

async function start(hello: IssuerHello) {
  tls.setDefaultCACertificates([hello.authority]);
  const server = await listen(hello.identity);
  const roles = await createRoles(hello.database);
  const parts: Parts = {
    roles,
    checkToken: createTokenCheck(z.url().parse(hello.provider)),
    recordNeedle: createNeedles(hello.needles),
  };
  server.serve(async (req, res) => {
    await answer(req, parts).then(
      (issued) => send(res, 201, issued),
      (error: unknown) => refuse(res, error),
    );
  });
  setInterval(() => void roles.dropEnded(), sweepMs);
  return { ready: { url: `${server.url}/credentials` }, answer: (line: unknown) => obey(roles, line) };
}

await serveLab(issuerHello, start);
