/** A person of the lab, for tests: signs in by the plain protocol (openid-client), gets database logins, connects. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import tls from 'node:tls';
import * as openId from 'openid-client';
import pg from 'pg';
import { z } from 'zod';
import type { RunningLab } from './start-lab.ts';

const issuedSchema = z.strictObject({ role: z.string(), password: z.string(), expiresAt: z.int() });
export type IssuedLogin = z.infer<typeof issuedSchema>;

/** This process's TLS clients trust the lab from now on. */
export function trustLab(lab: RunningLab): void {
  const files = lab.config.egress.authorities.map((file) => readFileSync(file, 'utf8'));
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...files]);
}

export function labDatabase(lab: RunningLab) {
  const database = lab.config.connectors[0]?.destinations['database'];
  if (database?.issuer === undefined) throw new Error('The lab has no database.');
  return { ...database, issuer: database.issuer };
}

export type SignInOutcome =
  | {
      readonly tokens: openId.TokenEndpointResponse & openId.TokenEndpointResponseHelpers;
      readonly client: openId.Configuration;
    }
  | { readonly refused: string };

export async function signInPlainly(lab: RunningLab, name: string): Promise<SignInOutcome> {
  const { authority, clientId, scopes } = lab.config.identity;
  const client = await openId.discovery(new URL(authority), clientId, undefined, openId.None());
  const redirect = await listenForRedirect();
  const pkceCodeVerifier = openId.randomPKCECodeVerifier();
  const [expectedState, expectedNonce] = [openId.randomState(), openId.randomNonce()];
  const url = openId.buildAuthorizationUrl(client, {
    redirect_uri: redirect.uri,
    response_mode: 'form_post',
    scope: scopes.join(' '),
    code_challenge: await openId.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  const driven = await lab.signInDriver(url.href, name);
  if ('refused' in driven) {
    redirect.close();
    return driven;
  }
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  return { tokens: await openId.authorizationCodeGrant(client, await redirect.answer, checks), client };
}

/** A new access token, by a sign-in that must succeed. */
export async function accessTokenOf(lab: RunningLab, name: string): Promise<string> {
  const signedIn = await signInPlainly(lab, name);
  if ('refused' in signedIn) throw new Error(`${name}: ${signedIn.refused}`);
  return signedIn.tokens.access_token;
}

export function askIssuer(lab: RunningLab, authorization?: string, init: RequestInit = {}): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization };
  return fetch(labDatabase(lab).issuer.url, { method: 'POST', headers, ...init });
}

export async function loginOf(lab: RunningLab, accessToken: string): Promise<IssuedLogin> {
  const answer = await askIssuer(lab, `Bearer ${accessToken}`);
  return issuedSchema.parse(await answer.json());
}

/** A connection over TLS, with nothing between this test and PostgreSQL: what a hostile connector could send. */
export async function connectAs(lab: RunningLab, login: IssuedLogin, over: pg.ClientConfig = {}): Promise<pg.Client> {
  const { host, port, database } = labDatabase(lab);
  const client = new pg.Client({
    host,
    port,
    database,
    user: login.role,
    password: login.password,
    ssl: true,
    ...over,
  });
  // A session that the server ends reports it here as well as in the query.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function listenForRedirect() {
  const { promise, resolve } = Promise.withResolvers<Request>();
  const server = http.createServer((req, res) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      resolve(new Request(uri, { method: 'POST', headers, body: Buffer.concat(chunks).toString() }));
      res.end('signed in');
      close();
    })();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const uri = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}/callback`;
  const close = () => {
    server.close();
    server.closeIdleConnections();
  };
  return { uri, answer: promise, close };
}
