import { expect, it } from 'vitest';
import { classifications } from '../contract/labels.ts';
import { createTextRedactor } from './redact-text.ts';

it.each(classifications)('leaves a text in which nothing is found as it is, at exposure %s', (exposure) => {
  expect(createTextRedactor(exposure, (text) => text)('a text\nof two lines')).toBe('a text\nof two lines');
});
