import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arbitraryOf } from '../../test/contract/arbitrary-of.ts';
import { codec } from '../../test/contract/connected-pair.ts';
import type { Delivery, FrameCase } from '../../test/contract/every-frame.ts';
import { framesBySchema } from '../../test/contract/every-frame.ts';
import { copyOf, mutateBytes, mutateValue } from '../../test/contract/mutate.ts';
import { parseExactly } from './exact-json.ts';

const casesPerSchema = 10_000;
const headerBytes = 9;
/** Every refusal is an error: their stacks, which nobody reads, would be a fifth of the run time. */
const stackTraceLimit = Error.stackTraceLimit;
beforeAll(() => void (Error.stackTraceLimit = 0));
afterAll(() => void (Error.stackTraceLimit = stackTraceLimit));

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
  if (right) return;
  Error.stackTraceLimit = stackTraceLimit;
  expect({ got, closes }).toEqual(
    expected === undefined ? { got: [], closes: ['malformed'] } : { got: [expected.value], closes: [] },
  );
}

function text(payload: Uint8Array): string {
  try {
    return codec.decode(payload);
  } catch {
    return '';
  }
}

describe.each(framesBySchema())('$title', ({ frames }) => {
  it(`${casesPerSchema} cases: carried unchanged, or refused`, { timeout: 120_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(arbitraryOf(frames[0]!.schema), fc.nat(), fc.nat(), async (value, where, how) => {
        const frame = frames[where % frames.length]!;
        const kind = how % 4;
        if (kind === 0) {
          const wrong = codec.encode(JSON.stringify(frame.envelope(mutateValue(value, where, how >> 2))));
          judge(await frame.deliver(wrong), meant(frame, text(wrong)));
          return;
        }
        const payload = (await frame.send(value)).subarray(headerBytes);
        if (kind !== 1) {
          judge(await frame.deliver(payload), { value: frame.schema.parse(copyOf(value)) });
          return;
        }
        const wrong = mutateBytes(payload, where, how >> 2);
        const expected = meant(frame, text(wrong));
        if (expected === undefined) refused += 1;
        judge(await frame.deliver(wrong), expected);
      }),
      { numRuns: casesPerSchema },
    );
    expect(refused).toBeGreaterThan(casesPerSchema / 8);
  });
});
