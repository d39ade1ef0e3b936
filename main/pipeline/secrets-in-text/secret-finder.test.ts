import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fromTemplate, secretSamples } from '../../../test/samples/secrets.ts';
import { createSecretFinder, secretRules } from './secret-finder.ts';

const finder = createSecretFinder();
const samples = secretSamples.map(([kind, template, nearMiss]) => ({ kind, template, nearMiss }));
const seeds = [1, 2, 3, 5, 7, 11, 13];

describe('kinds', () => {
  it('are at least 60, each with a sample', () => {
    const kinds = new Set(secretRules.map(({ kind }) => kind));
    expect(kinds.size).toBeGreaterThanOrEqual(60);
    const sampled = new Set(secretSamples.map(([kind]) => kind));
    expect([...kinds].filter((kind) => !sampled.has(kind))).toEqual([]);
  });

  test.each(samples)('$kind is found where it stands: $template', ({ kind, template }) => {
    const missed = seeds.filter((seed) => {
      const { text, start, end } = fromTemplate(template, seed);
      const found = finder.find(`see: ${text} (kept)`).find((each) => each.kind === kind);
      // A pad or a closing mark may stay or go.
      return !(found !== undefined && found.start <= start + 5 && Math.abs(found.end - end - 5) <= 2);
    });
    expect(missed.length).toBeLessThanOrEqual(1);
  });

  test.each(samples)('$kind: a near miss is none: $template', ({ kind, template, nearMiss }) => {
    const { text } = nearMiss === undefined ? fromTemplate(template, 1, 5) : fromTemplate(nearMiss, 1);
    expect(finder.find(text).map((each) => each.kind)).not.toContain(kind);
  });
});

const token = fromTemplate('ghp_{a36}', 4).text;
const each = (of: (code: number, character: string) => string): string =>
  Array.from(token, (character) => of(character.charCodeAt(0), character)).join('');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const wrapped: readonly (readonly [how: string, text: string])[] = [
  ['base64', base64(token)],
  ['base64 in a longer text', base64(`{"user":"a","value":"${token}","more":true}`)],
  ['base64 behind a path', `/files/a/${base64(token)}`],
  [
    'base64 in lines',
    base64(`some words before it ${token} and some words after it, so that it needs lines`).replace(/.{76}/g, '$&\n'),
  ],
  ['base64 of UTF-16', Buffer.from(token, 'utf16le').toString('base64')],
  ['base64url', Buffer.from(`???>>>${token}`).toString('base64url')],
  ['hex', Buffer.from(token).toString('hex')],
  ['hex in upper case', Buffer.from(token).toString('hex').toUpperCase()],
  ['percent, all', each((code) => `%${code.toString(16)}`)],
  ['percent, the mark only', token.replace('_', '%5F')],
  ['JSON \\u', each((code) => `\\u${code.toString(16).padStart(4, '0')}`)],
  ['JavaScript \\x', each((code) => `\\x${code.toString(16)}`)],
  ['JSON in JSON', JSON.stringify(JSON.stringify({ line: `a\n${token}` }))],
  ['HTML decimal', each((code) => `&#${code};`)],
  ['HTML hexadecimal', each((code) => `&#x${code.toString(16)};`)],
  ['HTML by name', token.replace('_', '&lowbar;')],
  ['full width', each((code) => String.fromCharCode(code + 0xfee0))],
  ['full width, percent', encodeURIComponent(each((code) => String.fromCharCode(code + 0xfee0)))],
  ...['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad', '\u202e', '\ufe0f'].map(
    (gap) => [`split by U+${gap.charCodeAt(0).toString(16)}`, Array.from(token).join(gap)] as const,
  ),
];

describe('wrapped', () => {
  test.each(wrapped)('in %s', (_how, text) => {
    const found = finder.scrub(`before ${text} after`);
    expect(found.kinds).toEqual(['GitHub token']);
    expect(found.text).toMatch(/^before .*\[redacted: GitHub token\].* after$/s);
    expect(finder.find(found.text)).toEqual([]);
  });

  test.each(wrapped)('in %s, and that in base64', (_how, text) => {
    expect(finder.scrub(base64(`before ${text} after`)).kinds).toEqual(['GitHub token']);
  });

  it('three layers deep', () => {
    expect(finder.scrub(encodeURIComponent(base64(base64(token)))).kinds).toEqual(['GitHub token']);
  });

  it('hides what belongs to it and leaves the rest', () => {
    const [first = { start: 0, end: 0 }, ...others] = finder.find(`a%20${encodeURIComponent(`b ${token} c`)}`);
    expect(others).toEqual([]);
    expect(`a%20${encodeURIComponent(`b ${token} c`)}`.slice(first.start, first.end)).toBe(token);
    const encoded = base64(`12345 ${token}`);
    expect(finder.scrub(encoded).text).toBe(`${encoded.slice(0, 8)}[redacted: GitHub token]==`);
  });

  it('stops at its budget and its depth', () => {
    let text = token;
    for (let layer = 0; layer < 8; layer += 1) text = base64(text);
    expect(finder.find(text)).toEqual([]);
    expect(finder.find('%25'.repeat(50_000))).toEqual([]);
  });
});

const harmless: readonly string[] = [
  'The token is sent in the Authorization header; a bearer token must not be logged, and a password needs twelve characters.',
  'password: your-password-here',
  'password: ********',
  'password = ${DB_PASSWORD}',
  'password: {{ .Values.password }}',
  'Password: <password>',
  'password=os.environ["PASSWORD"]',
  'token: your-token-here',
  'token: <token>',
  'token=${TOKEN}',
  `api_key: ${'x'.repeat(32)}`,
  'api_key = process.env.STRIPE_API_KEY_FOR_PAYMENTS',
  ['GITHUB_TOKEN=ghp', 'x'.repeat(36)].join('_'),
  ['aws_access_key_id = AKIA', 'IOSFODNN7EXAMPLE'].join(''),
  'secretName: database-credentials-of-the-shop',
  'next_page_token: CAUQAA1xkB3dE6gH9jK2mN5pQ8',
  '"token_count": 120394, "max_tokens": 4096, "token_type": "Bearer"',
  '"tokenizer": "cl100k_base_2024_11_20"',
  'postgres://localhost:5432/shop',
  'postgres://user:password@localhost:5432/shop',
  'https://user:${PASSWORD}@git.example.org/x.git',
  'id 3f2b8c1e-5d4a-4e6f-9a7b-1c2d3e4f5a6b, commit 2ef7bde608ce5404e97d5f042f95f89f1c232871',
  'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
  'order ORD-2024-11-000123, invoice 4711-0815-99, tracking 1Z999AA10123456784',
  'integrity sha512-R76UKbvsqI68DJJVTVyqFKqU98CN4+B+acxNfEA2IFarSzP0SjtKf/3+fFiXzTyv5Fj3PxLkGHe2wnVWWMxobQ==',
  `data:image/png;base64,${Buffer.from(Array.from({ length: 3000 }, (_value, index) => (index * index * 31 + index) & 255)).toString('base64')}`,
  'risk-assessment-of-the-supply-chain task-force-member-list-2024',
  'session_id: 3f2b8c1e-5d4a-4e6f-9a7b-1c2d3e4f5a6b, account_sid=AC5f2b8c1e5d4a4e6f9a7b1c2d3e4f5a6b',
  'JSON Web Token, eyJ is how one begins',
  '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
  'Basic Options and Basic authentication',
  'getAccessTokenForServiceAccount(secretManagerServiceClient)',
  'C:\\new\\temp\\users\\token\\readme.txt 100%25 &amp; &lt;b&gt; \\u0041',
];

describe('harmless', () => {
  test.each(harmless)('%s', (text) => {
    expect(finder.find(text)).toEqual([]);
  });
});

describe('what it gives', () => {
  it('is in order, without overlap, and the same again', () => {
    const text = secretSamples.map(([, template]) => fromTemplate(template, 9).text).join('\n');
    const found = finder.find(text);
    expect(found.length).toBeGreaterThan(120);
    for (const [index, { start, end }] of found.entries()) {
      expect(end).toBeGreaterThan(start);
      expect(start).toBeGreaterThanOrEqual(found[index - 1]?.end ?? 0);
    }
    expect(finder.find(text)).toEqual(found);
    expect(createSecretFinder().find(text)).toEqual(found);
  });

  it('is nothing for nothing, lone surrogates and a character alone', () => {
    for (const text of [
      '',
      'a',
      '\ud800',
      '\udc00'.repeat(40),
      '%',
      '\\u',
      '&#x110000;'.repeat(9),
      '&#9999999;'.repeat(9),
    ]) {
      expect(finder.scrub(text)).toEqual({ text, kinds: [] });
    }
  });

  it('lies inside any text, whatever it is, and is replaced', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom(...secretRules.flatMap(({ keywords }) => keywords)),
      fc.constantFrom(
        '%41',
        '\\u0041',
        '\\',
        '&#65;',
        '&amp;',
        '=',
        '"',
        "'",
        ' ',
        '\n',
        '\u200b',
        '\uff41',
        'QUFB',
        '6161',
        '\ud835',
      ),
      fc.constantFrom(...secretSamples.map(([, template]) => fromTemplate(template, 5).text)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (list) => {
        const text = list.join('');
        const found = finder.find(text);
        expect(found.every(({ start, end }) => start >= 0 && start < end && end <= text.length)).toBe(true);
        const scrubbed = finder.scrub(text);
        expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set(scrubbed.kinds));
        const kept = found.reduceRight(
          (rest, { start, end, kind }) => `${rest.slice(0, start)}[redacted: ${kind}]${rest.slice(end)}`,
          text,
        );
        expect(scrubbed.text).toBe(kept);
      }),
      { numRuns: 500 },
    );
  });
});
