import { describe, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import type { ToolManifest } from '../contract/manifest.ts';
import { createToolRegistry } from './tool-registry.ts';

type Tools = Partial<ToolManifest>[];
const load = (...tools: Tools) => createToolRegistry([connectorManifest(...tools)]);
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});

describe('the registry', () => {
  it('offers tools under the connector’s name', () => {
    const registry = load({ name: 'echo' }, { name: 'other' });
    expect(registry.all.map(({ name }) => name)).toEqual(['probe_echo', 'probe_other']);
    expect(registry.find('probe_echo', 'tool')?.connector).toBe('probe');
    expect(registry.find('echo', 'tool')).toBeNull();
    expect(registry.find('constructor', 'tool')).toBeNull();
  });

  it.each<[string, Partial<ToolManifest>, RegExp]>([
    ['an open object', { inputSchema: { type: 'object', properties: {} } }, /probe_echo\.inputSchema: an object needs/],
    [
      'an open object inside',
      { inputSchema: object({ a: { type: 'object' } }) },
      /inputSchema\/properties\/a: an object needs/,
    ],
    [
      'a map in arguments',
      { inputSchema: object({ a: { type: 'object', additionalProperties: { type: 'string' } } }) },
      /properties\/a: an object needs/,
    ],
    ['a member of any type', { inputSchema: object({ a: {} }) }, /properties\/a: needs a "type"/],
    ['a member that is true', { inputSchema: object({ a: true }) }, /properties\/a: must be a schema/],
    [
      'an array of anything',
      { inputSchema: object({ a: { type: 'array' } }) },
      /properties\/a: an array needs "items"/,
    ],
    [
      'an open alternative',
      { inputSchema: object({ a: { anyOf: [{ type: 'string' }, { type: 'object' }] } }) },
      /anyOf\/1: an object needs/,
    ],
    [
      'an open definition',
      { inputSchema: object({ a: { $ref: '#/$defs/b' } }, { $defs: { b: { type: 'object' } } }) },
      /\$defs\/b: an object needs/,
    ],
    ['a foreign reference', { inputSchema: object({ a: { $ref: 'https://x/y' } }) }, /only "#\/\$defs/],
    [
      'an unknown keyword',
      { inputSchema: object({ a: { type: 'string', maxLenght: 3 } }) },
      /strict mode: unknown keyword: "maxLenght"/,
    ],
    ['not an object', { inputSchema: { type: 'string' } }, /must be of type "object"/],
    ['an open output', { outputSchema: { type: 'object' } }, /probe_echo\.outputSchema: an object needs/],
    ['an unknown destination', { destinations: ['elsewhere'] }, /the destination elsewhere is not declared/],
  ])('does not load %s', (_what, tool, why) => {
    expect(() => load(tool)).toThrow(why);
  });

  it('does not load two tools of one name', () => {
    expect(() => load({ name: 'a' }, { name: 'a' })).toThrow('declared twice');
  });

  it('lets an output declare a map by a schema', () => {
    const row = { type: 'object', additionalProperties: { type: ['string', 'number', 'null'] } };
    const tool = load({ outputSchema: object({ rows: { type: 'array', items: row } }) }).find('probe_echo', 'tool');
    expect(tool?.checkOutput({ rows: [{ a: 1, b: null }] })).toBeNull();
    expect(tool?.checkOutput({ rows: [{ a: { hidden: 1 } }] })).not.toBeNull();
  });
});
