import { exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { identityConfigSchema } from '../contract/config.ts';
import type { HttpsRequest } from './discovery.ts';
import { pollEvents, readSet } from './poll-events.ts';

const issuer = 'https://provider.example';
const url = 'https://events.example/poll';
const identity = identityConfigSchema.parse({
  kind: 'oidc',
  authority: issuer,
  clientId: 'client',
  scopes: ['openid', 'issue'],
  events: { url },
});
const revoked = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const disabled = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled';
const now = (): number => Math.floor(Date.now() / 1000);
const alice = { format: 'iss_sub', iss: issuer, sub: 'alice' };

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

let keys: JSONWebKeySet;
let own: Key;
let stranger: Key;
beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  own = pair.privateKey;
  stranger = (await generateKeyPair('ES256')).privateKey;
  keys = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: '1', alg: 'ES256' }] };
});

const claims = (more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: 'client',
  iat: now(),
  jti: 'j1',
  sub_id: alice,
  events: { [revoked]: { event_timestamp: now() } },
  ...more,
});
const signed = (payload: JWTPayload, { key = own, typ = 'secevent+jwt' }: { key?: Key; typ?: string } = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: '1', typ }).sign(key);
const read = (set: string, jti = 'j1') => readSet(jti, set, { identity, issuer, keys });

describe('a security event token', () => {
  it('is believed when everything is right', async () => {
    const iat = now();
    expect(await read(await signed(claims({ iat })))).toEqual({
      jti: 'j1',
      kind: 'session-revoked',
      person: { issuer, subject: 'alice' },
      at: iat * 1000,
    });
  });

  it.each<[string, JWTPayload, object]>([
    ['account-disabled', { events: { [disabled]: {} } }, { kind: 'account-disabled' }],
    ['an unknown kind', { events: { 'https://example.com/other': {} } }, { kind: 'other' }],
    ['a complex subject', { sub_id: { format: 'complex', user: alice } }, { person: { issuer, subject: 'alice' } }],
    [
      'a subject in the event',
      { sub_id: undefined, events: { [revoked]: { subject: alice } } },
      { person: { issuer, subject: 'alice' } },
    ],
    ['a subject by e-mail', { sub_id: { format: 'email', email: 'a@example' } }, { person: null }],
  ])('reads %s', async (_, more, found) => {
    expect(await read(await signed(claims(more)))).toMatchObject(found);
  });

  it.each<[string, JWTPayload]>([
    ['iss', { iss: 'https://elsewhere.example' }],
    ['aud', { aud: 'another-client' }],
    ['iat', { iat: now() - 8 * 24 * 3600 }],
    ['iat', { iat: now() + 3600 }],
    ['jti', { jti: 'j2' }],
    ['events', { events: 'session-revoked' }],
    ['events', { events: undefined }],
  ])('is refused for its %s', async (why, more) => {
    expect(await read(await signed(claims(more)))).toMatchObject({ jti: 'j1', why });
  });

  it('is refused when forged, unsigned, of another type, or too large', async () => {
    expect(await read(await signed(claims(), { key: stranger }))).toMatchObject({ why: 'signature' });
    const parts = [{ alg: 'none', typ: 'secevent+jwt' }, claims()];
    const unsigned = `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
    expect(await read(unsigned)).toMatchObject({ why: 'alg', err: 'invalid_key' });
    expect(await read(await signed(claims(), { typ: 'JWT' }))).toMatchObject({ why: 'typ' });
    expect(await read(await signed(claims({ filler: 'x'.repeat(20_000) })))).toMatchObject({ why: 'size' });
    expect(await read('nonsense')).toMatchObject({ why: 'signature' });
  });
});

describe('a poll', () => {
  const provider: Readonly<Record<string, unknown>> = {
    [`${issuer}/.well-known/openid-configuration`]: {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
    },
  };
  const poll = async (status: number, body: unknown) => {
    const asked: HttpsRequest[] = [];
    const answer = await pollEvents(
      { identity, accessToken: 't', acknowledged: ['a'], refused: [{ jti: 'r', err: 'invalid_key' }] },
      () => (request) => {
        asked.push(request);
        const found = request.url === url ? body : request.url === `${issuer}/jwks` ? keys : provider[request.url];
        return Promise.resolve({
          status: request.url === url ? status : 200,
          headers: {},
          body: JSON.stringify(found),
        });
      },
    );
    return { answer, asked };
  };

  it('acknowledges, says what was refused, and asks the provider nothing when there is nothing', async () => {
    const { answer, asked } = await poll(200, { sets: {} });
    expect(answer).toEqual({ events: [], refused: [], more: false });
    expect(asked).toMatchObject([{ method: 'POST', url, headers: { authorization: 'Bearer t' } }]);
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
      returnImmediately: true,
      ack: ['a'],
      setErrs: { r: { err: 'invalid_key' } },
    });
  });

  it('separates what is believed from what is not', async () => {
    const sets = { j1: await signed(claims()), j2: await signed(claims({ jti: 'j2' }), { key: stranger }) };
    const { answer } = await poll(200, { sets, moreAvailable: true });
    expect(answer).toMatchObject({ events: [{ jti: 'j1' }], refused: [{ jti: 'j2' }], more: true });
  });

  it.each([
    [401, {}, 'not_permitted'],
    [403, {}, 'not_permitted'],
    [404, {}, 'identity_unavailable'],
    [200, { sets: [] }, 'identity_unavailable'],
    [200, 'text', 'identity_unavailable'],
  ])('answers HTTP %d %j as %s', async (status, body, code) => {
    await expect(poll(status, body)).rejects.toMatchObject({ code });
  });
});
