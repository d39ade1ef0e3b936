import { describe, expect, it } from 'vitest';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { createChallenges } from './challenges.ts';
import { wordsOf } from './provider-refusal.ts';
import { isRevocation, readChallenge } from './read-challenge.ts';

const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const encoded = Buffer.from(claims).toString('base64');
const nbf = Buffer.from('{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}').toString('base64');

describe('what a service asks for', () => {
  it.each<[string, ClaimsChallenge]>([
    [`Bearer realm="", error="insufficient_claims", claims="${encoded}"`, { claims }],
    [`bearer error=insufficient_claims,claims=${encoded.replaceAll('=', '')}`, { claims }],
    [`Basic realm="x", Bearer error="insufficient_claims", claims="${encoded}"`, { claims }],
    [
      'Bearer error="insufficient_user_authentication", error_description="A \\"new\\" one, please", acr_values="mfa hwk", max_age="5"',
      { acrValues: ['mfa', 'hwk'], maxAgeSeconds: 5 },
    ],
    ['Bearer error="insufficient_user_authentication", max_age=0, Negotiate', { maxAgeSeconds: 0 }],
  ])('%s', (header, expected) => {
    expect(readChallenge(header)).toEqual(expected);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer error="invalid_token"',
    'Bearer error="insufficient_claims"',
    'Bearer error="insufficient_claims", claims="not base64!"',
    `Bearer error="insufficient_claims", claims="${Buffer.from('[1]').toString('base64')}"`,
    `Bearer error="insufficient_claims", claims="${Buffer.from(JSON.stringify({ a: 'x'.repeat(4096) })).toString('base64')}"`,
    `Bearer error="insufficient_claims", claims="${encoded}", claims="${nbf}"`,
    `Bearer error="insufficient_claims", claims="${encoded}`,
    `Digest error="insufficient_claims", claims="${encoded}"`,
    'Bearer error="insufficient_user_authentication"',
    'Bearer error="insufficient_user_authentication", max_age="-1"',
    `Bearer error="insufficient_user_authentication", acr_values="${'x'.repeat(300)}"`,
    `Bearer error="insufficient_user_authentication", acr_values="${'x '.repeat(5000)}"`,
  ])('nothing in %s', (header) => {
    expect(readChallenge(header)).toBeUndefined();
  });

  it('ends access where it says that tokens of before count no more', () => {
    const revoked = readChallenge(`Bearer error="insufficient_claims", claims="${nbf}"`);
    expect([isRevocation(revoked ?? {}), isRevocation({ claims }), isRevocation({ maxAgeSeconds: 1 })]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('challenges', () => {
  it('are carried together, and refused when one comes back right after', () => {
    let now = 0;
    const challenges = createChallenges(() => now);
    const stepUp = { acrValues: ['mfa'], maxAgeSeconds: 60 };
    expect(challenges.next()).toBeUndefined();
    for (const each of [{ claims }, stepUp, { maxAgeSeconds: 30, acrValues: ['mfa', 'hwk'] }])
      expect(challenges.met(each).code).toBe('reauthentication_required');
    expect(challenges.next()).toEqual({ claims, acrValues: ['mfa', 'hwk'], maxAgeSeconds: 30 });
    challenges.satisfied();
    expect(challenges.next()).toBeUndefined();
    expect([challenges.met({ claims }).code, challenges.met(stepUp).code]).toEqual(['not_permitted', 'not_permitted']);
    expect(challenges.next()).toBeUndefined();
    now = 60_000;
    // The sign-in is older than this one may be.
    expect([challenges.met({ claims }).code, challenges.met(stepUp).code]).toEqual([
      'not_permitted',
      'reauthentication_required',
    ]);
    expect(challenges.next()).toEqual(stepUp);
    challenges.forget();
    expect(challenges.next()).toBeUndefined();
  });

  it('that came while a sign-in was open wait for the next one', () => {
    const challenges = createChallenges(() => 0);
    challenges.next();
    challenges.met({ claims });
    challenges.satisfied();
    expect(challenges.next()).toEqual({ claims });
  });

  it('of several claims are one request', () => {
    const challenges = createChallenges(() => 0);
    challenges.met({ claims });
    challenges.met({ claims: '{"access_token":{"xms":null},"id_token":{"acr":null}}' });
    expect(JSON.parse(challenges.next()?.claims ?? '')).toEqual({
      access_token: { acrs: { essential: true, value: 'c1' }, xms: null },
      id_token: { acr: null },
    });
  });
});

describe('the provider’s words', () => {
  it.each([
    ['The account is disabled.', 'The account is disabled.'],
    ['AADSTS50057: The user account is disabled.', 'AADSTS50057: The user account is disabled.'],
    ['See <a href="https://evil.example">here</a>\u202e now', 'See here now'],
    ['Go to https://evil.example/x?y or www.evil.example.', 'Go to … or …'],
    ['Token eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl is bad', 'Token … is bad'],
    ['12345', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s → %s', (text, shown) => {
    expect(wordsOf(text)).toBe(shown);
  });

  it('are bounded', () => {
    expect((wordsOf('word '.repeat(1000)) ?? '').length).toBeLessThanOrEqual(300);
  });
});
