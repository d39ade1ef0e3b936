/**
 * Entry of the issuer: IT's service that turns a person's access token into a PostgreSQL login of their own.
 * Guarantees: a login only for a token of the configured provider, audience and scope, RS256, not expired; its
 * life is this service's decision, at most 60 minutes; its password is made here and leaves only in the answer
 * (PostgreSQL gets a verifier); ended logins are dropped, their sessions with them.
 * Trusts: the provider's JWKS over TLS, the roles and region in its tokens, its own database login (two functions).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { createRemoteJWKSet } from 'jose';
import type { Answer, IssuerHello } from './contract.ts';
import { commandSchema, issuerAudience, issuerHello, labRoleArn } from './contract.ts';
import type { Roles } from './issuer-roles.ts';
import { createRoles } from './issuer-roles.ts';
import type { TokenCheck } from './issuer-tokens.ts';
import { createTokenCheck } from './issuer-tokens.ts';
import { Refused } from './issuer-refused.ts';
import { serveLab } from './lines.ts';
import type { RecordNeedle } from './needles.ts';
import { createNeedles } from './needles.ts';
import { listen } from './server.ts';
import { createSessionTokens } from './session-token.ts';
import { createSts } from './sts.ts';
import { createVaultServer } from './vault-server.ts';

const sweepMs = 1_000;
const bodyLimitBytes = 1_024;

interface Service {
  readonly checkToken: TokenCheck;
  readonly roles: Roles;
  readonly recordNeedle: RecordNeedle;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function credential(req: IncomingMessage, { checkToken, roles, recordNeedle }: Service): Promise<Reply> {
  const { pathname } = new URL(req.url ?? '/', 'https://localhost');
  if (pathname !== '/credentials') {
    throw new Refused({ status: 404, code: 'not_found', say: 'This service only has /credentials.' });
  }
  if (req.method !== 'POST') {
    throw new Refused({ status: 405, code: 'method_not_allowed', say: 'Use POST.', headers: { allow: 'POST' } });
  }
  await drainBody(req);
  const issued = await roles.issue(await checkToken(req.headers.authorization));
  recordNeedle('postgres-password', issued.password);
  return { status: 201, body: issued };
}

/** Nothing is asked in the body: not a role, not a life time. It is read to its small end and ignored. */
async function drainBody(req: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= bodyLimitBytes) continue;
    throw new Refused({ status: 413, code: 'body_too_large', say: 'Send no body.', headers: { connection: 'close' } });
  }
}

function refusal(error: unknown): Reply {
  if (error instanceof Refused) {
    const { status, code, message, headers } = error;
    return { status, headers, body: { code, say: message } };
  }
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  const say = 'The database or the identity provider did not answer. Try again.';
  return { status: 503, body: { code: 'unavailable', say } };
}

function send(res: ServerResponse, { status, body, headers }: Reply): void {
  res.writeHead(status, { ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

interface Obeying {
  readonly roles: Roles;
  /** Since when a person's tokens count, in seconds, by user name. */
  readonly challenged: Map<string, number>;
  /** How long AWS's sessions live at most. */
  readonly sessions: { mostSeconds: number };
}

async function obey({ roles, challenged, sessions }: Obeying, line: unknown): Promise<Answer> {
  const command = commandSchema.parse(line);
  if ('challenge' in command) {
    // Tokens say whole seconds: once this is answered every new one is late enough.
    const since = Math.floor(Date.now() / 1000) + 1;
    challenged.set(command.challenge, since);
    await delay(since * 1000 - Date.now());
    return { done: true };
  }
  if (!('credentialSeconds' in command)) return { refused: 'not for the issuer' };
  roles.setLifetimeSeconds(command.credentialSeconds);
  sessions.mostSeconds = command.credentialSeconds;
  return { done: true };
}

async function start(hello: IssuerHello) {
  tls.setDefaultCACertificates([hello.authority]);
  const server = await listen(hello.identity);
  const roles = await createRoles(hello.database);
  const challenged = new Map<string, number>();
  const sessions = { mostSeconds: 3600 };
  const checkToken = createTokenCheck(hello.provider, challenged);
  const service: Service = { roles, checkToken, recordNeedle: createNeedles(hello.needles) };
  const { recordNeedle } = service;
  const keys = createRemoteJWKSet(new URL('/jwks', hello.provider));
  const sts = createSts({
    tokens: createSessionTokens(hello.sessionKey),
    mostSeconds: () => sessions.mostSeconds,
    issuer: hello.provider,
    audience: issuerAudience,
    keys,
    roleArns: [labRoleArn],
    recordNeedle,
  });
  const vault = createVaultServer({ ...service, leaseSeconds: 120 });
  server.serve(async (req, res) => {
    // The SDK ends its path with a slash.
    if (/^\/sts\/?$/.test(req.url ?? '')) await sts(req, res);
    else if (req.url?.startsWith('/v1/') === true) await vault.handle(req, res);
    else send(res, await credential(req, service).catch(refusal));
  });
  setInterval(() => void roles.dropEnded(), sweepMs);
  return {
    ready: { url: `${server.url}/credentials` },
    answer: (line: unknown) => obey({ roles, challenged, sessions }, line),
  };
}

await serveLab(issuerHello, start);
