import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../../main/contract/manifest.ts';
import { aggregateSchema } from './aggregate-sql.ts';
import { connector } from './connector.ts';

const manifest = manifestSchema.parse(
  JSON.parse(readFileSync(path.join(import.meta.dirname, 'manifest.json'), 'utf8')),
);
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ['x-sallyport-text'] });

it('has a handler for each tool and no other', () => {
  expect(Object.keys(connector.tools).sort()).toEqual(manifest.tools.map(({ name }) => name).sort());
});

describe.each(manifest.tools)('$name', ({ inputSchema, outputSchema, examples, destinations }) => {
  it('has strict schemas, and examples that fit', () => {
    const fits = ajv.compile(inputSchema);
    ajv.compile(outputSchema);
    for (const { arguments: given } of examples) expect(fits(given)).toBe(true);
    expect(fits({ ...examples[0]?.arguments, undeclared: 1 })).toBe(false);
    expect(destinations).toEqual(['database']);
  });
});

it('says of aggregates what the connector accepts', () => {
  const tool = manifest.tools.find(({ name }) => name === 'aggregate');
  const fits = ajv.compile(tool?.inputSchema ?? false);
  const base = { table: 't', measures: [{ function: 'count' }] };
  const filter = (operator: string, value?: unknown): unknown => ({
    ...base,
    filters: [{ column: 'a', operator, ...(value === undefined ? {} : { value }) }],
  });
  for (const given of [
    base,
    filter('=', 1),
    filter('in', [1, 'a']),
    filter('between', [1, 2]),
    filter('is_null'),
    filter('is_null', 1),
    filter('in', 1),
    filter('=', [1]),
    filter('between', [1]),
    filter('~', 'a'),
    { ...base, limit: 1001 },
    { ...base, groupBy: [{ column: 'a', every: 'second' }] },
  ]) {
    expect([given, fits(given)]).toEqual([given, aggregateSchema.safeParse(given).success]);
  }
});
