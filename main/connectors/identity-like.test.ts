import { describe, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import { identityPlace, isIdentityLike } from './identity-like.ts';
import { createToolRegistry } from './tool-registry.ts';

const text = { type: 'string' } as const;
const object = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});
const load = (inputSchema: Record<string, unknown>) => createToolRegistry([connectorManifest({ inputSchema })]).all[0];

describe('a name like an identity', () => {
  it.each([
    'user',
    'User_ID',
    'userId',
    'USER-NAME',
    'tenant',
    'Tenant_Id',
    'role',
    'roles',
    'on_behalf_of',
    'On-Behalf-Of',
    'onBehalfOf',
    'impersonate',
    'as_user',
    'sub',
    'principal',
    'x-ms-client-principal',
    'X-MS-CLIENT-PRINCIPAL-ID',
    'authorization',
    'ｕｓｅｒ',
    'run_as',
  ])('%s', (name) => {
    expect(isIdentityLike(name)).toBe(true);
  });

  it.each(['subject', 'text', 'customer', 'owner', 'userAgent', 'submit', 'account', 'roleplay'])('not %s', (name) => {
    expect(isIdentityLike(name)).toBe(false);
  });
});

describe('an input schema', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['at the top', object({ user_id: text }), 'properties/user_id'],
    ['inside a member', object({ a: object({ tenant: text }) }), 'properties/a/properties/tenant'],
    [
      'in a list',
      object({ a: { type: 'array', items: object({ role: text }) } }),
      'properties/a/items/properties/role',
    ],
    [
      'in an alternative',
      object({ a: { anyOf: [text, object({ sub: text })] } }),
      'properties/a/anyOf/1/properties/sub',
    ],
    [
      'in a definition',
      object({ a: { $ref: '#/$defs/b' } }, { $defs: { b: object({ asUser: text }) } }),
      '$defs/b/properties/asUser',
    ],
    [
      'in a condition',
      { type: 'object', allOf: [{ properties: { principal: text } }], unevaluatedProperties: false },
      'allOf/0/properties/principal',
    ],
    ['by a pattern', object({}, { patternProperties: { '^u': text } }), 'patternProperties'],
  ])('with one %s does not load, and is named', (_where, schema, path) => {
    expect(identityPlace(schema)?.path.join('/')).toBe(path);
    expect(() => load(schema)).toThrow(path);
  });

  it('with a marked one loads; the mark and the kind of text are not shown to agents', () => {
    const schema = object({
      user: { ...text, 'x-sallyport-identity': 'data', 'x-sallyport-text': 'name' },
      folder: { ...text, 'x-sallyport-text': 'path' },
    });
    const tool = load(schema);
    expect(tool?.manifest.inputSchema).toEqual(object({ user: text, folder: text }));
    expect(tool?.checkArguments({ user: 'bob', folder: 'a/b' })).toBeNull();
    expect(tool?.checkArguments({ folder: 'a/../b' })).toMatch(/^"folder" has a "\." or "\.\." segment/);
    expect(tool?.checkArguments({ user: 'b\u200Bob' })).toMatch(/^"user" has a control/);
  });

  it('knows no other mark', () => {
    expect(() => load(object({ user: { ...text, 'x-sallyport-identity': 'caller' } }))).toThrow('named like');
    expect(() => load(object({ a: { ...text, 'x-sallyport-text': 'url' } }))).toThrow('x-sallyport-text');
  });
});
