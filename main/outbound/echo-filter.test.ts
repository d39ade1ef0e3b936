import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../contract/secret.ts';
import { createEchoFilter, sealNeedles, type EchoFilter } from './echo-filter.ts';
import { allForms, fewForms, type Form } from './echo-forms.ts';

/** Thousands of cases would use up the locked memory: here plain bytes stand for guarded ones. */
const plain = (bytes: Buffer): Secret => ({
  length: bytes.length,
  use: (read) => read(bytes),
  useAsync: (read) => read(bytes),
  wipe: () => undefined,
  wiped: false,
});

function filterFor(
  password: string,
  { forms = fewForms, leastHeld = 2 }: { forms?: readonly Form[]; leastHeld?: 1 | 2 } = {},
): EchoFilter {
  const memory = {
    sealFrom: (length: number, fill: (bytes: Buffer) => void): Secret => {
      const bytes = Buffer.alloc(length);
      fill(bytes);
      return plain(bytes);
    },
  };
  return createEchoFilter([sealNeedles(memory, plain(Buffer.from(password)), forms)], leastHeld);
}

/** Pushes `data` cut at these places; what came out, and whether a copy was found. */
function run(password: string, data: Buffer, cuts: readonly number[]): { out: Buffer; found: boolean } {
  const filter = filterFor(password);
  const out: Buffer[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (data.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, data.length]) {
    const passed = filter.push(data.subarray(from, to));
    if (passed === undefined) return { out: Buffer.concat(out), found: true };
    out.push(passed);
    from = to;
  }
  const rest = filter.rest();
  return { out: Buffer.concat([...out, rest ?? Buffer.alloc(0)]), found: rest === undefined };
}

const password = fc.string({
  unit: fc.constantFrom(...Array.from('abcXYZ0189-_.~!$%+/=@:')),
  minLength: 16,
  maxLength: 64,
});
const noise = fc.uint8Array({ maxLength: 200 });
const cuts = fc.array(fc.nat(), { maxLength: 12 });

const encodings: Record<string, (around: { before: string; secret: string; after: string }) => string> = {
  raw: ({ secret }) => secret,
  'hex, lower case': ({ secret }) => Buffer.from(secret).toString('hex'),
  'hex, upper case': ({ secret }) => Buffer.from(secret).toString('hex').toUpperCase(),
  'percent-encoded': ({ secret }) =>
    encodeURIComponent(secret).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`),
  base64: ({ before, secret, after }) => Buffer.from(before + secret + after).toString('base64'),
  base64url: ({ before, secret, after }) => Buffer.from(before + secret + after).toString('base64url'),
};

describe('the echo filter', () => {
  it.each(Object.entries(encodings))(
    'finds a copy %s, at any alignment and across any chunk borders',
    (_name, encode) => {
      fc.assert(
        fc.property(
          password,
          fc.string({ maxLength: 5 }),
          fc.string({ maxLength: 5 }),
          noise,
          noise,
          cuts,
          (...all) => {
            const [secret, before, after, left, right, at] = all;
            const copy = Buffer.from(encode({ before, secret, after }));
            const { out, found } = run(secret, Buffer.concat([left, copy, right]), at);
            expect(found).toBe(true);
            expect(out.length).toBeLessThan(left.length + copy.length);
          },
        ),
        { numRuns: 500 },
      );
    },
  );

  it('lets everything else pass unchanged, beginnings included', () => {
    fc.assert(
      fc.property(password, fc.array(fc.oneof(noise, fc.nat(15)), { maxLength: 20 }), cuts, (secret, parts, at) => {
        // Beginnings of every length, but never enough of one to be a copy.
        const data = Buffer.concat(
          parts.map((part) => (typeof part === 'number' ? Buffer.from(`${secret.slice(0, part)}\0`) : part)),
        );
        fc.pre(!data.includes(secret));
        const { out, found } = run(secret, data, at);
        expect(found).toBe(false);
        expect(out.equals(data)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('gives away at most the first byte when a copy is pushed byte by byte', () => {
    const secret = randomBytes(32).toString('base64url');
    const filter = filterFor(secret);
    let out = '';
    for (const letter of `row: ${secret}`) {
      const passed = filter.push(Buffer.from(letter));
      if (passed === undefined) break;
      out += passed.toString();
    }
    expect(out).toBe(`row: ${secret[0]!}`);
  });

  it('never holds back the end of an answer: ReadyForQuery passes even when the password begins with its last letter', () => {
    const ready = Buffer.from('Z\0\0\0\x05I', 'latin1');
    expect(filterFor('I am a password of some length').push(ready)).toEqual(ready);
  });
});

/** Written by other code than the filter's own, as a backend would. */
const each = (secret: string, form: (value: number) => string, sign = ''): string =>
  [...Buffer.from(secret)].map(form).join(sign);
const hexOf = (value: number): string => value.toString(16).padStart(2, '0');

function base32(bytes: Buffer): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...bytes].map((value) => value.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}

const echoes: Record<string, (secret: string) => string | Buffer> = {
  raw: (secret) => secret,
  'in JSON': (secret) => JSON.stringify({ secret }),
  'in JSON of PHP': (secret) => secret.replaceAll('/', '\\/'),
  'percent-encoded': (secret) => encodeURIComponent(secret),
  'percent-encoded, all': (secret) => each(secret, (value) => `%${hexOf(value).toUpperCase()}`),
  'percent-encoded, all, lower case': (secret) => each(secret, (value) => `%${hexOf(value)}`),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  'hex, upper case': (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  'hex with colons': (secret) => each(secret, hexOf, ':'),
  'hex with spaces': (secret) => each(secret, hexOf, ' '),
  'hex with hyphens, upper case': (secret) => each(secret, (value) => hexOf(value).toUpperCase(), '-'),
  '\\u escapes': (secret) => each(secret, (value) => `\\u00${hexOf(value)}`),
  '\\u escapes, upper case': (secret) => each(secret, (value) => `\\u00${hexOf(value).toUpperCase()}`),
  '\\x escapes': (secret) => each(secret, (value) => `\\x${hexOf(value)}`),
  'octal escapes': (secret) => each(secret, (value) => `\\${value.toString(8).padStart(3, '0')}`),
  'HTML, decimal': (secret) => each(secret, (value) => `&#${String(value)};`),
  'HTML, hexadecimal': (secret) => each(secret, (value) => `&#x${hexOf(value)};`),
  'quoted-printable': (secret) => each(secret, (value) => `=${hexOf(value).toUpperCase()}`),
  'UTF-16': (secret) => Buffer.from(secret, 'utf16le'),
  'UTF-16, big-endian': (secret) => Buffer.from(secret, 'utf16le').swap16(),
  'numbers in JSON': (secret) => JSON.stringify([...Buffer.from(secret)]),
  'numbers with spaces': (secret) => each(secret, String, ', '),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  'base64 behind one byte': (secret) => Buffer.from(` ${secret}`).toString('base64'),
  'base64 behind two bytes': (secret) => Buffer.from(`u:${secret}.`).toString('base64'),
  'base64url behind a user': (secret) => Buffer.from(`user:${secret}`).toString('base64url'),
  base32: (secret) => base32(Buffer.from(secret)),
  'base32 behind three bytes, lower case': (secret) => base32(Buffer.from(`abc${secret}`)).toLowerCase(),
};

describe(`an echo of a token (${String(Object.keys(echoes).length)} encodings)`, () => {
  const token = `eyJhbGciOi/+J9.${randomBytes(30).toString('base64')}`;
  const long = `eyJhbGciOi/+J9.${randomBytes(900).toString('base64url')}.${randomBytes(64).toString('base64url')}`;

  it.each(Object.entries(echoes))('%s: no byte of it passes, wherever a chunk ends', (_name, encode) => {
    const options = { forms: allForms, leastHeld: 1 } as const;
    const copy = Buffer.from(encode(token));
    // What stands before it in its own encoding is no part of it.
    const whole = Buffer.concat([Buffer.from('\nbefore\n'), copy, Buffer.from('\nafter')]);
    const filters = Array.from({ length: whole.length + 1 }, (_unused, cut) => cut);
    for (const cut of filters) {
      const filter = filterFor(token, options);
      const first = filter.push(whole.subarray(0, cut));
      const second = first === undefined ? undefined : filter.push(whole.subarray(cut));
      expect(second === undefined || filter.rest() === undefined).toBe(true);
      // Of base64 and base32 the characters that other bytes decide, too, may stand before.
      expect((first ?? Buffer.alloc(0)).length).toBeLessThan('\nbefore\n'.length + 16);
    }
  });

  it.each(Object.entries(echoes))('%s: of a long one, byte by byte and in pieces', (_name, encode) => {
    for (const size of [1, 7, 64, 1000]) {
      const filter = filterFor(long, { forms: allForms, leastHeld: 1 });
      const copy = Buffer.from(encode(long));
      let passed = 0;
      let found = false;
      for (let at = 0; at < copy.length && !found; at += size) {
        const out = filter.push(copy.subarray(at, at + size));
        found = out === undefined;
        passed += out?.length ?? 0;
      }
      expect(found || filter.rest() === undefined).toBe(true);
      expect(passed).toBeLessThan(16);
    }
  });

  it('that is another token of the same beginning passes whole', () => {
    const other = Buffer.from(`${long.slice(0, 700)}${'x'.repeat(700)}`);
    for (const size of [1, 50, 2000]) {
      const filter = filterFor(long, { forms: allForms, leastHeld: 1 });
      const out: Buffer[] = [];
      for (let at = 0; at < other.length; at += size) out.push(filter.push(other.subarray(at, at + size))!);
      out.push(filter.rest()!);
      expect(Buffer.concat(out).equals(other)).toBe(true);
    }
  });
});
