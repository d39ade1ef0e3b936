import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filtersSource } from './seccomp-filter.mjs';

it('the committed filters are those of the list', () => {
  expect(readFileSync(new URL('../main/connectors/seccomp-filters.ts', import.meta.url), 'utf8')).toBe(filtersSource());
});
