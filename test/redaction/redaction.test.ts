/** The secret finder on the labelled set. The part held out was scored once, after the last change of a rule: docs/measurements.md. */
import { describe, expect, test } from 'vitest';
import { createSecretFinder } from '../../main/pipeline/secrets-in-text/secret-finder.ts';
import type { Part } from './generator.ts';
import { score } from './score.ts';

const finder = createSecretFinder();
const parts: readonly Part[] = ['development', 'held-out'];

describe.each(parts)('on the part %s', (part) => {
  const { recall, encodedRecall, falsePositives } = score((text) => finder.find(text), part);

  test('at least 97 % of the credentials are found', () => {
    expect(recall).toBeGreaterThanOrEqual(0.97);
  });

  test('at least 90 % of the encoded ones are found', () => {
    expect(encodedRecall).toBeGreaterThanOrEqual(0.9);
  });

  test('at most 1 % of the negatives are touched', () => {
    expect(falsePositives).toBeLessThanOrEqual(0.01);
  });
});
