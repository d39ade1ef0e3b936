import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { base62Checksum } from './checksum.ts';
import { encodings } from './encodings.ts';
import type { Credential, Part } from './generator.ts';
import { generateCredentials, generateNegatives, readSeeds } from './generator.ts';
import { kinds } from './kinds.ts';
import { around, secret, spansOf, textOf } from './pieces.ts';
import { createRandom } from './random.ts';
import type { Tally } from './score.ts';
import { score } from './score.ts';

const seeds = readSeeds();
const parts: readonly Part[] = ['development', 'held-out'];
const credentials = parts.flatMap((part) => generateCredentials(seeds, part));
const negatives = parts.flatMap((part) => generateNegatives(seeds, part));
const negativeKinds = new Set(negatives.map(({ kind }) => kind));

const secretsOf = ({ text, spans }: Credential): string[] => spans.map(({ start, end }) => text.slice(start, end));
const inClear = (kind: RegExp): Credential[] =>
  credentials.filter((one) => one.encoding === 'none' && kind.test(one.kind));

describe('the labelled set', () => {
  test.each(parts)('%s is made again from the frozen seeds, to the byte', (part) => {
    const made = JSON.stringify([generateCredentials(seeds, part), generateNegatives(seeds, part)]);
    expect(createHash('sha256').update(made).digest('hex')).toBe(seeds.sha256[part]);
  });

  test('has at least 700 credentials, of which 200 encoded, of at least 65 kinds, and 700 negatives', () => {
    expect(credentials.length).toBeGreaterThanOrEqual(700);
    expect(credentials.filter(({ encoding }) => encoding !== 'none').length).toBeGreaterThanOrEqual(200);
    expect(negatives.length).toBeGreaterThanOrEqual(700);
    expect(new Set(kinds.map(({ name }) => name)).size).toBe(kinds.length);
    expect(kinds.length).toBeGreaterThanOrEqual(65);
  });

  test('holds out the last 30 %, with every kind and every encoding on both sides', () => {
    const heldOut = generateCredentials(seeds, 'held-out');
    expect(heldOut.length / credentials.length).toBeCloseTo(0.3, 2);
    expect(generateNegatives(seeds, 'held-out').length / negatives.length).toBeCloseTo(0.3, 2);
    for (const part of parts) {
      expect(new Set(generateNegatives(seeds, part).map(({ kind }) => kind)).size).toBe(negativeKinds.size);
      const ones = generateCredentials(seeds, part);
      expect(new Set(ones.map(({ kind }) => kind)).size).toBe(kinds.length);
      expect(new Set(ones.map(({ encoding }) => encoding)).size).toBe(encodings.length + 1);
    }
  });

  test('has no text twice, and no secret twice', () => {
    expect(new Set(credentials.map(({ text }) => text)).size).toBe(credentials.length);
    expect(new Set(negatives.map(({ text }) => text)).size).toBe(negatives.length);
    const secrets = credentials.map((one) => secretsOf(one).join('\n'));
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  test('has its spans in order, inside the text and not empty', () => {
    for (const { text, spans } of credentials) {
      expect(spans.length).toBeGreaterThan(0);
      let at = 0;
      for (const { start, end } of spans) {
        expect(start).toBeGreaterThanOrEqual(at);
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(at).toBeLessThanOrEqual(text.length);
    }
  });
});

describe('a span is the secret', () => {
  test.each([
    [/^GitHub (?!fine)/, /^gh[opusr]_[0-9A-Za-z]{36,76}$/],
    [/^GitHub fine/, /^github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}$/],
    [/^AWS (temporary )?access key id$/, /^A[KS]IA[A-Z2-7]{16}$/],
    [/^Stripe (secret|test|restricted) key$/, /^[sr]k_(live|test)_[0-9A-Za-z]+$/],
    [/^Azure storage string$/, /^[0-9A-Za-z+/]{86}==$/],
    [/^Slack webhook$/, /^[0-9A-Za-z]{24}$/],
    [/^Telegram/, /^\d{10}(:|%3A)AA[\w-]{33}$/],
    [/^bcrypt/, /^\$2[aby]\$1\d\$[./0-9A-Za-z]{53}$/],
    [/^AWS pre-signed URL$/, /^[0-9a-f]{64}$/],
  ])('of %s in the form %s', (kind, form) => {
    const found = inClear(kind);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) for (const value of secretsOf(one)) expect(value).toMatch(form);
  });

  test('of a URL between the colon and the at sign', () => {
    const found = inClear(/^(PostgreSQL|MySQL|MongoDB|Redis|AMQP|HTTPS|FTP|SMTP|LDAP|SQLAlchemy) URL$/);
    expect(found.length).toBeGreaterThan(20);
    for (const { text, spans } of found) {
      expect(text.charAt(spans[0]!.start - 1)).toBe(':');
      expect(text.charAt(spans[0]!.end)).toBe('@');
    }
  });

  test('of a PEM key between BEGIN and END', () => {
    const found = inClear(/^(PEM|OpenSSH|PGP)/);
    expect(found.length).toBeGreaterThan(20);
    for (const { text, spans } of found) {
      expect(text.slice(0, spans[0]!.start)).toMatch(/-----(\\n|\n)+$/);
      expect(text.slice(spans[0]!.end)).toMatch(/^(\\n|\n)-----END/);
    }
  });

  test('of a JWT in three parts, with a head that says how it is signed', () => {
    const found = inClear(/^JWT/);
    expect(found.length).toBeGreaterThan(5);
    for (const one of found) {
      const [head, claims, signature, ...more] = secretsOf(one)[0]!.split('.');
      expect(JSON.parse(Buffer.from(head!, 'base64url').toString())).toHaveProperty('alg');
      expect(JSON.parse(Buffer.from(claims!, 'base64url').toString())).toHaveProperty('sub');
      expect(signature).toMatch(/^[\w-]{40,}$/);
      expect(more).toEqual([]);
    }
  });
});

describe('checksums', () => {
  // The body and the checksum of a token that was published as an example of the format.
  test('are those of the vendor', () => {
    expect(base62Checksum('zQWBuTSOoRi4A9sp' + 'HcVY5ncnsDkxkJ')).toBe('0mLq17');
  });

  test('end every GitHub and npm token', () => {
    const found = inClear(/^(GitHub|npm token)/);
    expect(found.length).toBeGreaterThan(20);
    for (const one of found) {
      const body = secretsOf(one)[0]!.replace(/^(gh._|github_pat_|npm_)/, '');
      expect(body.slice(-6)).toBe(base62Checksum(body.slice(0, -6)));
    }
  });
});

describe('encodings', () => {
  const decoders: Record<string, (text: string) => string> = {
    base64: (text) => Buffer.from(text, 'base64').toString(),
    base64url: (text) => Buffer.from(text, 'base64url').toString(),
    hex: (text) => Buffer.from(text, 'hex').toString(),
    percent: decodeURIComponent,
    JSON: (text) => JSON.parse(`"${text}"`) as string,
    entities: (text) =>
      text.replaceAll(/&#(x?)([0-9a-f]+);/g, (_, x: string, code: string) =>
        String.fromCharCode(parseInt(code, x === '' ? 10 : 16)),
      ),
    full: (text) => text.replaceAll(/[！-～]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) - 0xfee0)),
    'zero-width': (text) => text.replaceAll(/[\u00AD\u200B-\u200D\u2060\uFEFF]/g, ''),
  };
  const decoderOf = (name: string) => decoders[name.includes('entities') ? 'entities' : name.split(/[ ,]/)[0]!]!;
  // The secret begins and ends within a group of three bytes: its neighbours share base64 digits with it.
  const encoded = (value: string, at: number) =>
    encodings[at]!.encode(around`user=ann&pass=${secret(value)}&lang=de, <b>"ü"</b>`, createRandom(7, at));

  test.each(encodings.map(({ name }, at) => [name, at] as const))('%s can be undone', (name, at) => {
    const [inner = '', outer] = name.split(', then ');
    const once =
      outer === undefined ? textOf(encoded('Tr0ub4dor', at)) : decoderOf(outer)(textOf(encoded('Tr0ub4dor', at)));
    expect(decoderOf(inner)(once)).toBe('user=ann&pass=Tr0ub4dor&lang=de, <b>"ü"</b>');
  });

  // The same text with another secret: what is outside the spans is the same, and nearly all of what is inside is not.
  test.each(encodings.map(({ name }, at) => [name, at] as const))('%s keeps track of the secret', (_, at) => {
    const [one, other] = ['AAAAAAAAAAAA', 'zzzzzzzzzzzz'].map((value) => {
      const pieces = encoded(value, at);
      const [span, ...more] = spansOf(pieces);
      expect(more).toEqual([]);
      const text = textOf(pieces);
      return [text.slice(0, span!.start), text.slice(span!.start, span!.end), text.slice(span!.end)] as const;
    });
    expect([one![0], one![2]]).toEqual([other![0], other![2]]);
    // What stands for one character may begin and end alike, in two layers at most these many.
    const alike = one![1].split('').findIndex((character, index) => character !== other![1].charAt(index));
    expect(alike).toBeGreaterThanOrEqual(0);
    expect(alike).toBeLessThan(12);
  });
});

describe('the score', () => {
  const spansByText = new Map(credentials.map(({ text, spans }) => [text, spans]));

  test.each(parts)('of who knows the labels of %s is perfect', (part) => {
    const perfect = score((text) => spansByText.get(text) ?? [], part);
    expect(perfect).toMatchObject({
      recall: 1,
      encodedRecall: 1,
      falsePositives: 0,
      misses: [],
      falsePositiveTexts: [],
    });
  });

  test('of who finds nothing is nothing', () => {
    const none = score(() => [], 'development');
    expect(none).toMatchObject({ recall: 0, encodedRecall: 0, falsePositives: 0 });
    expect(none.misses.length).toBe(generateCredentials(seeds, 'development').length);
  });

  test('of who takes everything is full recall and every negative', () => {
    const all = score((text) => [{ start: 0, end: text.length }], 'development');
    expect(all).toMatchObject({ recall: 1, encodedRecall: 1, falsePositives: 1 });
  });

  test('of who leaves one character is a miss, that says which', () => {
    const almost = score(
      (text) => (spansByText.get(text) ?? []).map(({ start, end }) => ({ start, end: end - 1 })),
      'development',
    );
    expect(almost).toMatchObject({ recall: 0, encodedRecall: 0 });
    for (const { left, spans } of almost.misses) expect(left.length).toBe(spans.length);
  });

  test('counts each kind and each encoding', () => {
    const { perKind, perEncoding, counts } = score(() => [], 'held-out');
    const sum = (tallies: Readonly<Record<string, Tally>>): number =>
      Object.values(tallies).reduce((total, { count }) => total + count, 0);
    expect(sum(perKind)).toBe(counts.plain.count + counts.encoded.count);
    expect(sum(perEncoding)).toBe(counts.plain.count + counts.encoded.count);
  });
});
