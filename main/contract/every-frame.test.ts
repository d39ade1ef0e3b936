import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryOf } from '../../test/contract/arbitrary-of.ts';
import { codec } from '../../test/contract/connected-pair.ts';
import type { Delivery, FrameCase } from '../../test/contract/every-frame.ts';
import { everyFrame } from '../../test/contract/every-frame.ts';
import { mutateBytes, mutateValue } from '../../test/contract/mutate.ts';
import { parseExactly } from './exact-json.ts';

const casesPerSchema = 10_000;
const headerBytes = 9;

/** What the receiver must make of a payload: the value its schema parses, or nothing. */
function meant(frame: FrameCase, text: string): { value: unknown } | undefined {
  try {
    JSON.parse(text);
    const message = parseExactly(text) as Record<string, unknown>;
    const value = message[frame.member];
    const parsed = frame.schema.safeParse(value);
    const whole = JSON.stringify(frame.envelope(value)) === text && !text.includes('"__proto__":');
    return whole && parsed.success ? { value: parsed.data } : undefined;
  } catch {
    return undefined;
  }
}

function judge({ got, closes }: Delivery, expected: { value: unknown } | undefined): void {
  const right =
    expected === undefined
      ? got.length === 0 && isDeepStrictEqual(closes, ['malformed'])
      : got.length === 1 && isDeepStrictEqual(got[0], expected.value) && closes.length === 0;
  if (!right) expect({ got, closes }).toEqual(expected === undefined ? { got: [], closes: ['malformed'] } : { got: [expected.value], closes: [] });
}

function text(payload: Uint8Array): string {
  try {
    return codec.decode(payload);
  } catch {
    return '';
  }
}

describe.each(everyFrame())('$title', (frame) => {
  it(`carries ${casesPerSchema} values unchanged, and refuses as many wrong ones`, { timeout: 60_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(frame.schema), fc.nat(), fc.nat(), async (value, where, how) => {
        const payload = (await frame.send(value)).subarray(headerBytes);
        judge(await frame.deliver(payload), { value: frame.schema.parse(structuredClone(value)) });

        const wrong =
          how % 2 === 0
            ? codec.encode(JSON.stringify(frame.envelope(mutateValue(value, where, how >> 1))))
            : mutateBytes(payload, where, how >> 1);
        const expected = meant(frame, text(wrong));
        if (expected === undefined) refused += 1;
        judge(await frame.deliver(wrong), expected);
      }),
      { numRuns: casesPerSchema },
    );
    expect(refused).toBeGreaterThan(casesPerSchema / 4);
  });
});
