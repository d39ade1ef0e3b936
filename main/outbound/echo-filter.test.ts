import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Secret } from '../contract/secret.ts';
import { createEchoFilter, sealNeedles, type EchoFilter } from './echo-filter.ts';

/** Thousands of cases would use up the locked memory: here plain bytes stand for guarded ones. */
const plain = (bytes: Buffer): Secret => ({
  length: bytes.length,
  use: (read) => read(bytes),
  useAsync: (read) => read(bytes),
  wipe: () => undefined,
  wiped: false,
});

function filterFor(password: string): EchoFilter {
  const memory = {
    sealFrom: (length: number, fill: (bytes: Buffer) => void): Secret => {
      const bytes = Buffer.alloc(length);
      fill(bytes);
      return plain(bytes);
    },
  };
  return createEchoFilter(sealNeedles(memory, plain(Buffer.from(password))));
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
  out.push(filter.rest());
  return { out: Buffer.concat(out), found: false };
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
