import http from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, assert, beforeAll, expect, test } from 'vitest';
import { readChallenge } from '../../main/identity/read-challenge.ts';
import { strongSignIn } from './contract.ts';
import { createTokenCheck, type TokenCheck } from './issuer-tokens.ts';
import { Refused } from './issuer-refused.ts';

let provider: http.Server;
let checkToken: TokenCheck;
const challenged = new Map<string, number>();
let sign: (change: Record<string, unknown>, typ?: string) => Promise<string>;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }];
  provider = http.createServer((_req, res) => res.end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
  const address = provider.address();
  const issuer = `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : 0)}`;
  checkToken = createTokenCheck(issuer, challenged);
  const now = Math.floor(Date.now() / 1000);
  const good = {
    iss: issuer,
    aud: 'urn:sallyport:lab:issuer',
    sub: 's',
    iat: now,
    exp: now + 600,
    scope: 'issue:postgres',
    preferred_username: 'alice',
    roles: ['analyst'],
    region: 'north',
  };
  sign = (change, typ = 'at+jwt') =>
    new SignJWT({ ...good, ...change }).setProtectedHeader({ alg: 'RS256', kid: 'k', typ }).sign(privateKey);
});

afterAll(() => {
  provider.close();
});

test('a good token says who', async () => {
  const person = { subject: 's', username: 'alice', roles: ['analyst'], region: 'north' };
  expect(await checkToken(`Bearer ${await sign({})}`)).toEqual(person);
});

test.each<[string, Record<string, unknown>]>([
  ['another audience', { aud: 'urn:sallyport:lab:other' }],
  ['another issuer', { iss: 'https://elsewhere.example' }],
  ['no expiry', { exp: undefined }],
  ['no subject', { sub: undefined }],
  ['no roles', { roles: undefined }],
  ['roles that are no list', { roles: 'admin' }],
  ['no scope', { scope: undefined }],
])('%s: invalid_token', async (_what, change) => {
  await expect(checkToken(`Bearer ${await sign(change)}`)).rejects.toMatchObject({
    status: 401,
    code: 'invalid_token',
  });
});

test('an expired token is told so', async () => {
  const expired = await sign({ exp: Math.floor(Date.now() / 1000) - 1 });
  const refusal = { status: 401, code: 'invalid_token', message: 'The access token has expired.' };
  await expect(checkToken(`Bearer ${expired}`)).rejects.toMatchObject(refusal);
});

test('a token of another kind, though signed by the provider', async () => {
  await expect(checkToken(`Bearer ${await sign({}, 'JWT')}`)).rejects.toMatchObject({ code: 'invalid_token' });
});

test('another scope: insufficient_scope, with the one that is needed', async () => {
  const refusal = { status: 403, code: 'insufficient_scope' };
  const other = await sign({ scope: 'issue:storage openid' });
  await expect(checkToken(`Bearer ${other}`)).rejects.toMatchObject(refusal);
});

async function challengeTo(change: Record<string, unknown>) {
  const refused: unknown = await checkToken(`Bearer ${await sign(change)}`).catch((error: unknown) => error);
  assert(refused instanceof Refused && refused.status === 401);
  return readChallenge(refused.headers['www-authenticate']);
}

test('a token of before the challenge: a claims challenge, which the product reads; a later one passes', async () => {
  const since = Math.floor(Date.now() / 1000) - 10;
  challenged.set('zoe', since);
  const claims = JSON.stringify({ access_token: { nbf: { essential: true, value: String(since) } } });
  expect(await challengeTo({ preferred_username: 'zoe', iat: since - 1 })).toEqual({ claims });
  expect(await checkToken(`Bearer ${await sign({ preferred_username: 'zoe', iat: since })}`)).toHaveProperty('subject');
});

test('an administrator who signed in without a one-time code: a step-up, which the product reads', async () => {
  expect(await challengeTo({ roles: ['admin'], acr: '0' })).toEqual({ acrValues: [strongSignIn] });
  expect(await checkToken(`Bearer ${await sign({ roles: ['admin'], acr: strongSignIn })}`)).toHaveProperty('subject');
});
