import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { manifestTypes } from '../../../main/authoring/manifest-types.ts';
import { manifestSchema } from '../../../main/contract/manifest.ts';
import { connector } from './connector.ts';
import { placeOf, sourceOf } from './place.ts';
import { parseSettings } from './settings.ts';

const here = (name: string): string => readFileSync(path.join(import.meta.dirname, name), 'utf8');
const manifest = manifestSchema.parse(JSON.parse(here('manifest.json')));
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, keywords: ['x-sallyport-text', 'x-classification'] });

it('has a handler for each tool and no other, and types of this manifest', () => {
  expect(Object.keys(connector.tools).sort()).toEqual(manifest.tools.map(({ name }) => name).sort());
  const bare = (text: string): string => text.replaceAll(/[\s;'"()|]/g, '');
  expect(bare(here('manifest.types.ts'))).toBe(bare(manifestTypes(manifest)));
});

describe.each(manifest.tools)('$name', ({ inputSchema, outputSchema, examples, destinations, operation }) => {
  it('only reads, has strict schemas, and examples that fit', () => {
    const fits = ajv.compile(inputSchema);
    ajv.compile(outputSchema);
    for (const { arguments: given } of examples) expect(fits(given)).toBe(true);
    expect(fits({ ...examples[0]?.arguments, undeclared: 1 })).toBe(false);
    expect([destinations, operation]).toEqual([['objects'], 'read']);
  });
});

describe('settings', () => {
  const areas = [
    { prefix: 'shared/', name: 'shared' },
    { prefix: 'shared/secret/', name: 'secret', bucket: 'one' },
  ];
  const settings = parseSettings({ buckets: ['one', 'two'], areas });

  it('name an area by the longest prefix, in its bucket', () => {
    const source = (bucket: string, key: string) => sourceOf(settings, { bucket, key })('c');
    expect(source('one', 'shared/x')).toBe('shared.c');
    expect(source('one', 'shared/secret/x')).toBe('secret.c');
    expect(source('two', 'shared/secret/x')).toBe('shared.c');
    expect(source('one', 'other/x')).toBeUndefined();
    // Whoever writes an object names its columns.
    const { source: own, columnSource } = placeOf(settings, { bucket: 'one', key: 'shared/x' });
    expect([own('key'), columnSource('region')]).toEqual(['shared.key', 'shared.region']);
    for (const name of ['key', 'text', 'summary']) expect(columnSource(name)).toBeUndefined();
    expect(sourceOf(settings, { bucket: 'one', key: 'shared/x' })('c'.repeat(300))).toBeUndefined();
  });

  it('say which buckets there are, and how they are addressed', () => {
    expect(() => placeOf(settings, { key: 'x' })).toThrow('Say which bucket');
    expect(() => placeOf(settings, { bucket: 'three', key: 'x' })).toThrow('no such bucket');
    expect(placeOf(settings, { bucket: 'two', key: 'a b/c' }).path).toBe('/two/a%20b/c');
    const own = parseSettings({ buckets: ['one'], addressing: 'host' });
    expect(placeOf(own, { key: 'a' }).path).toBe('/a');
  });

  it.each([
    {},
    { buckets: [] },
    { buckets: ['UPPER'] },
    { buckets: ['a/b'] },
    { buckets: ['one', 'two'], addressing: 'host' },
    { buckets: ['one'], keys: 'no' },
  ])('that cannot be used are refused: %o', (given) => {
    expect(() => parseSettings(given)).toThrow('settings of the storage connector');
  });
});
