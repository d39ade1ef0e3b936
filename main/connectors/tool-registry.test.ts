import { describe, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import type { ToolManifest } from '../contract/manifest.ts';
import { dialect } from './closed-schema.ts';
import { createToolRegistry } from './tool-registry.ts';

type Tools = Partial<ToolManifest>[];
const load = (...tools: Tools) => createToolRegistry([connectorManifest(...tools)]);
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});

const anyMember = { additionalProperties: { type: 'string' } };
const closedByMap = { ...anyMember, unevaluatedProperties: false };
const unevaluated = (more: Record<string, unknown>) => ({
  type: 'object',
  properties: {},
  unevaluatedProperties: false,
  ...more,
});
const text = { type: 'string' };
const adds = /adds members that are not declared/;

describe('what a resource points at', () => {
  const inner = object({ b: text }, { required: ['b'] });

  it.each<[string, string, Record<string, unknown>]>([
    ['text', '/a', object({ a: text }, { required: ['a'] })],
    ['text inside', '/a/b', object({ a: inner }, { required: ['a'] })],
  ])('is required text: %s', (_what, resource, inputSchema) => {
    expect(load({ name: 'echo', resource, inputSchema }).all).toHaveLength(1);
  });

  it.each<[string, Partial<ToolManifest>, RegExp]>([
    ['nothing', { resource: '/c', inputSchema: object({ a: text }, { required: ['a'] }) }, /"c" is no member/],
    [
      'a member of Object',
      { resource: '/constructor', inputSchema: object({ a: text }) },
      /"constructor" is no member/,
    ],
    ['what may be absent', { resource: '/a', inputSchema: object({ a: text }) }, /"a" is not in "required"/],
    [
      'what is in an object that may be absent',
      { resource: '/a/b', inputSchema: object({ a: inner }) },
      /"a" is not in "required"/,
    ],
    [
      'a list',
      { resource: '/a', inputSchema: object({ a: { type: 'array', items: text } }, { required: ['a'] }) },
      /not of "type"/,
    ],
    [
      'text or null',
      { resource: '/a', inputSchema: object({ a: { type: ['string', 'null'] } }, { required: ['a'] }) },
      /not of "type"/,
    ],
  ])('is not %s', (_what, more, said) => {
    const loading = () => load({ name: 'echo', ...more });
    expect(loading).toThrow(said);
    expect(loading).toThrow(`probe_echo.resource: "${more.resource}" has to`);
  });
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
      'a foreign reference that only narrows',
      { inputSchema: object({}, { allOf: [{ $ref: 'https://json-schema.org/draft/2020-12/schema' }] }) },
      /allOf\/0\/\$ref: only "#\/\$defs/,
    ],
    [
      'a reference to what only narrows where it stands',
      {
        inputSchema: object(
          { a: { $ref: '#/$defs/b/allOf/0' } },
          { $defs: { b: { type: 'string', allOf: [{ type: 'object' }] } } },
        ),
      },
      /properties\/a\/\$ref: only "#\/\$defs/,
    ],
    ['a name of its own', { inputSchema: object({}, { not: { $id: 'https://x/y' } }) }, /not: \$id is not supported/],
    [
      'an older dialect',
      { inputSchema: object({}, { $schema: 'http://json-schema.org/draft-07/schema#' }) },
      /\$schema: must be "https:\/\/json-schema.org\/draft\/2020-12\/schema"/,
    ],
    [
      'a dialect inside',
      { inputSchema: object({ a: { type: 'string', $schema: dialect } }) },
      /properties\/a\/\$schema: stands at the top only/,
    ],
    ['a map beside a closed rest', { inputSchema: object({}, closedByMap) }, /inputSchema: an object needs/],
    [
      'members that allOf adds',
      { inputSchema: unevaluated({ allOf: [{ type: 'object', additionalProperties: true }] }) },
      adds,
    ],
    ['members that a branch in it adds', { inputSchema: unevaluated({ allOf: [{ anyOf: [anyMember] }] }) }, adds],
    ['members that else adds', { inputSchema: unevaluated({ if: { required: [] }, then: {}, else: anyMember }) }, adds],
    ['members that come with another', { inputSchema: unevaluated({ dependentSchemas: { a: anyMember } }) }, adds],
    [
      'an open member that allOf adds',
      { inputSchema: unevaluated({ allOf: [{ properties: { a: { type: 'object' } } }] }) },
      /allOf\/0\/properties\/a: an object needs/,
    ],
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

  it('labels columns by the manifest, and over it by the configuration', () => {
    const value = { type: ['string', 'null'] };
    const list = (items: object) => ({ type: 'array', items });
    const outputSchema = object(
      { columns: list(object({ name: text })), rows: list(list(value)) },
      { required: ['columns', 'rows'] },
    );
    const rows = { name: 'echo', result: 'rows', classification: 'internal', outputSchema } as const;
    const columns = { 't.a': 'public', 't.b': 'internal' } as const;
    const manifest = connectorManifest({ ...rows, columns });
    const [tool] = createToolRegistry([manifest], () => ({ 't.a': 'sensitive' })).all;
    expect(tool?.columnLabels.get('t.a')?.label).toBe('sensitive');
    expect(tool?.columnLabels.get('t.b')?.label).toBe('internal');
    expect(() => load({ ...rows, columns: { 't.a': 'sensitive' } })).toThrow('above the tool');
    expect(() => load({ name: 'echo', columns })).toThrow('only a result in rows');
  });

  it('does not load two tools of one name', () => {
    expect(() => load({ name: 'a' }, { name: 'a' })).toThrow('declared twice');
  });

  it('takes the dialect’s whole vocabulary where it only narrows', () => {
    const inputSchema = object(
      { contact: { enum: ['phone', 'email'] }, phone: { type: 'string' }, at: { $ref: '#/$defs/address' } },
      {
        $schema: dialect,
        $defs: { address: { $anchor: 'address', ...object({ street: { type: 'string' } }) } },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['at'] }] }],
        if: { properties: { contact: { const: 'phone' } }, required: ['contact'] },
        then: { required: ['phone'] },
        else: { required: ['at'] },
      },
    );
    const tool = load({ inputSchema }).find('probe_echo', 'tool');
    expect(tool?.manifest.inputSchema).toEqual(inputSchema);
    expect(tool?.checkArguments({ contact: 'phone', phone: '1' })).toBeNull();
    expect(tool?.checkArguments({ contact: 'phone', at: {} })).toBe('"phone" is missing in the arguments.');
    expect(tool?.checkArguments({ at: { street: 'a', more: 1 } })).toContain('"more" is not a member of "at"');
  });

  it('takes what allOf declares in full', () => {
    const inputSchema = unevaluated({ allOf: [{ properties: { a: { type: 'string' } } }] });
    const tool = load({ inputSchema }).find('probe_echo', 'tool');
    expect(tool?.checkArguments({ a: 'b' })).toBeNull();
    expect(tool?.checkArguments({ a: {} })).not.toBeNull();
    expect(tool?.checkArguments({ b: 'b' })).not.toBeNull();
  });

  it('lets an output declare a map by a schema', () => {
    const row = { type: 'object', additionalProperties: { type: ['string', 'number', 'null'] } };
    const tool = load({ outputSchema: object({ rows: { type: 'array', items: row } }) }).find('probe_echo', 'tool');
    expect(tool?.checkOutput({ rows: [{ a: 1, b: null }] })).toBeNull();
    expect(tool?.checkOutput({ rows: [{ a: { hidden: 1 } }] })).not.toBeNull();
  });
});
