import { describe, expect, it } from 'vitest';
import type { DefinitionsAnswer, ToolDefinition } from '../../contract/definitions.ts';
import { manifestSchema } from '../../contract/manifest.ts';
import type { WrappedDefinitions } from '../../contract/wrap.ts';
import { createCatalog } from './catalog.ts';
import { wrappedTool, type WrappedManifest } from './wrapped-tool.ts';

const hash = `sha256:${'a'.repeat(64)}`;
const text = { type: 'string' };
const tool = (name: string, more: Partial<ToolDefinition> = {}): ToolDefinition => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: 'object', properties: { text } },
  ...more,
});
const saying = (...tools: ToolDefinition[]): WrappedDefinitions => ({
  ...{ protocol: '2025-11-25', tools, resources: [], templates: [], prompts: [], completes: false },
});

function catalogWith(wrap: Record<string, unknown>, answer: (tools: ToolDefinition[]) => Partial<DefinitionsAnswer>) {
  const manifest = manifestSchema.parse({
    ...{ name: 'notes', version: '1.0.0', title: 'Notes', description: 'Wrapped.', wrap: { command: 'node', ...wrap } },
  });
  const said: string[] = [];
  const asked: string[][] = [];
  const catalog = createCatalog({
    manifests: [manifest],
    labelsOf: () => ({}),
    admit: ({ tools }) => {
      asked.push(tools.map(({ name }) => String(name)));
      return Promise.resolve({
        state: 'same',
        hash,
        serve: tools as ToolDefinition[],
        ...answer(tools as ToolDefinition[]),
      });
    },
    shape: (offers) => offers,
    notOffered: (_, why) => said.push(why),
    onChange: () => undefined,
  });
  return { catalog, said, asked };
}
const approved = () => ({});

describe('tools of a wrapped server', () => {
  it('are not listed before they are approved, nor after they changed; calls of them say so', async () => {
    const answers: Partial<DefinitionsAnswer>[] = [{ state: 'new', serve: [] }, {}, { state: 'changed', serve: [] }];
    const { catalog } = catalogWith({}, () => answers.shift() ?? {});
    await catalog.announce('notes', saying(tool('add')));
    expect(catalog.tools.all).toEqual([]);
    expect(catalog.tools.find('notes_add', 'tool')?.pending?.code).toBe('definition_changed');
    expect(catalog.wrapped()).toEqual({ notes: [] });
    await catalog.decided('notes');
    expect(catalog.tools.all.map(({ name }) => name)).toEqual(['notes_add']);
    expect(catalog.wrapped()).toEqual({ notes: ['notes_add'] });
    expect(catalog.tools.find('notes_add', 'tool')?.pending).toBeUndefined();
    await catalog.announce('notes', saying(tool('add', { description: 'Mails it as well.' })));
    expect(catalog.tools.all).toEqual([]);
    expect(catalog.tools.find('notes_add', 'tool')?.pending?.say).toContain('not those that were approved');
  });

  it('are what was approved, not what the server says now', async () => {
    const pinned = tool('add', { description: 'Adds a note.' });
    const { catalog } = catalogWith({}, () => ({ state: 'harmless', serve: [pinned] }));
    await catalog.announce('notes', saying(tool('add', { description: 'Adds  a note.' })));
    expect(catalog.tools.all[0]?.manifest.description).toBe('Adds a note.');
  });

  it('write, are sensitive, ask nothing and carry nothing out, unless the manifest or the approved hint says otherwise', async () => {
    const own = { listed: { operation: 'read', classification: 'public', receives: 'internal', asks: ['roots'] } };
    const { catalog } = catalogWith({ tools: own }, approved);
    await catalog.announce(
      'notes',
      saying(tool('add'), tool('show', { annotations: { readOnlyHint: true } }), tool('listed')),
    );
    const shown = catalog.tools.all.map(({ manifest: { name, operation, classification, asks }, receives, labels }) => [
      ...[name, operation, classification, labels.highest, receives, asks],
    ]);
    expect(shown).toEqual([
      ['add', 'write', 'sensitive', 'sensitive', 'public', undefined],
      ['show', 'read', 'sensitive', 'sensitive', 'public', undefined],
      ['listed', 'read', 'public', 'public', 'internal', ['roots']],
    ]);
  });

  it('are not offered with an argument that is named like the caller, unless that is marked as data', async () => {
    const impostor = tool('act', { inputSchema: { type: 'object', properties: { user: text } } });
    const { catalog, said } = catalogWith({}, approved);
    await catalog.announce('notes', saying(impostor, tool('add')));
    expect(catalog.tools.all.map(({ name }) => name)).toEqual(['notes_add']);
    expect(said[0]).toContain('identityData');
    const marked = catalogWith({ tools: { act: { identityData: ['user'] } } }, approved);
    await marked.catalog.announce('notes', saying(impostor));
    expect(marked.catalog.tools.all.map(({ name }) => name)).toEqual(['notes_act']);
  });

  it('take declared arguments alone, in either dialect; a pattern of the server’s does not run in the gateway', async () => {
    const slow = { type: 'object', properties: { text: { ...text, pattern: '^(a+)+$' }, map: { type: 'object' } } };
    const older = { ...slow, $schema: 'http://json-schema.org/draft-07/schema#' };
    const { catalog } = catalogWith({}, approved);
    await catalog.announce('notes', saying(tool('new', { inputSchema: slow }), tool('old', { inputSchema: older })));
    for (const { checkArguments, manifest } of catalog.tools.all) {
      expect(checkArguments({ text: `${'a'.repeat(40)}!`, map: { any: 1 } })).toBeNull();
      expect(checkArguments({ text: 'a', other: 1 })).toContain('"other" is not a member');
      expect(checkArguments({ text: 1 })).not.toBeNull();
      // Agents see what was approved.
      expect(manifest.inputSchema).not.toHaveProperty('additionalProperties');
    }
  });

  it('give content blocks, and data only as declared', async () => {
    const outputSchema = { type: 'object', properties: { count: { type: 'integer' } }, required: ['count'] };
    const { catalog } = catalogWith({}, approved);
    await catalog.announce('notes', saying(tool('add'), tool('count', { outputSchema })));
    const [add, count] = catalog.tools.all;
    const content = [{ type: 'text', text: 'x' }];
    expect(add?.checkOutput({ content })).toBeNull();
    expect(add?.checkOutput({ content: [{ type: 'resource_link', uri: 'a:b', name: 'a' }], isError: true })).toBeNull();
    for (const wrong of [
      {},
      { content: [{ type: 'script', text: 'x' }] },
      { content, more: 1 },
      { content, structuredContent: {} },
    ])
      expect(add?.checkOutput(wrong)).not.toBeNull();
    expect(count?.checkOutput({ content, structuredContent: { count: 1 } })).toBeNull();
    expect(count?.checkOutput({ content, isError: true })).toBeNull();
    for (const wrong of [{ content }, { content, structuredContent: { count: 'many' } }])
      expect(count?.checkOutput(wrong)).not.toBeNull();
  });

  it('take declared arguments alone where the root says otherwise, or is composed: an identity has no way in', async () => {
    const properties = { text };
    const roots = [
      { properties, additionalProperties: true },
      { properties, additionalProperties: {} },
      { properties, anyOf: [{ required: ['text'] }] },
      { properties, allOf: [{ required: ['text'] }], $schema: 'http://json-schema.org/draft-07/schema#' },
    ];
    const { catalog } = catalogWith({}, approved);
    await catalog.announce(
      'notes',
      saying(...roots.map((root, index) => tool(`t${index}`, { inputSchema: { type: 'object', ...root } }))),
    );
    expect(catalog.tools.all).toHaveLength(roots.length);
    for (const { checkArguments } of catalog.tools.all) {
      expect(checkArguments({ text: 'a' })).toBeNull();
      expect(checkArguments({ text: 'a', user: 'bob' })).not.toBeNull();
    }
    const older = { type: 'object', properties, definitions: { x: { properties: { user: text } } } };
    const hidden = catalogWith({}, approved);
    await hidden.catalog.announce('notes', saying(tool('t', { inputSchema: older })));
    expect(hidden.catalog.tools.all).toEqual([]);
  });

  it('whose schema doubles its work at each reference are refused their calls, at once', async () => {
    const steps = Array.from({ length: 40 }, (_, at) => `d${at}`);
    const next = (at: number): object =>
      at < 39 ? { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] } : {};
    const $defs = Object.fromEntries(steps.map((name, at) => [name, next(at)]));
    const named = { const: { allOf: [{ $ref: '#' }, { $ref: '#' }] } };
    const { catalog, said } = catalogWith({}, approved);
    await catalog.announce(
      'notes',
      saying(
        tool('doubling', { inputSchema: { type: 'object', $defs, allOf: [{ $ref: '#/$defs/d0' }] } }),
        tool('turning', { inputSchema: { type: 'object', allOf: [{ $ref: '#' }] } }),
        tool('named', { inputSchema: { type: 'object', properties: named } }),
        tool('hidden', { inputSchema: { type: 'object', const: {}, allOf: [{ $ref: '#/%63onst' }] } }),
        tool('tree', {
          inputSchema: { type: 'object', properties: { name: text, inside: { type: 'array', items: { $ref: '#' } } } },
        }),
      ),
    );
    const check = (name: string, value: Readonly<Record<string, unknown>>) =>
      catalog.tools.find(`notes_${name}`, 'tool')?.checkArguments(value);
    expect(check('doubling', {})).toContain('too much work');
    expect(check('turning', {})).toContain('too much work');
    let deep: Readonly<Record<string, unknown>> = {};
    for (let level = 0; level < 30; level += 1) deep = { const: deep };
    expect(check('named', deep)).toContain('too much work');
    expect(said[0]).toContain('is not followed');
    expect(check('tree', { name: 'a', inside: [{ name: 'b', inside: [] }] })).toBeNull();
  });

  it('said again they are the same tools, so that a call that waits goes on; another list makes others', async () => {
    const { catalog } = catalogWith({}, approved);
    await catalog.announce('notes', saying(tool('add')));
    const [before] = catalog.tools.all;
    await catalog.announce('notes', saying(tool('add')));
    expect(catalog.tools.all[0]).toBe(before);
    await catalog.announce('notes', saying(tool('add'), tool('more')));
    expect(catalog.tools.all[0]).not.toBe(before);
  });

  it('cannot be named like what is ours, and a list that nobody can read offers nothing', async () => {
    const { catalog, asked } = catalogWith({}, approved);
    await catalog.announce('notes', saying(tool('offer-resources'), tool('add')));
    expect(asked).toEqual([['add']]);
    expect(catalog.tools.all.map(({ name }) => name)).toEqual(['notes_add']);
    const failing = catalogWith({}, () => {
      throw new Error('cannot be read');
    });
    await failing.catalog.announce('notes', saying(tool('add')));
    expect(failing.catalog.tools.all).toEqual([]);
    expect(failing.catalog.tools.find('notes_add', 'tool')?.pending?.code).toBe('definition_changed');
  });
});

const everything = ['resources', 'prompts', 'completions'];

describe('what a wrapped server offers beside tools', () => {
  const said = {
    ...saying(),
    prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }] }, { name: 'no good name' }],
    resources: [{ uri: 'note://1', name: 'One', mimeType: 'text/plain' }],
    templates: [{ uriTemplate: 'note://{id}/text', name: 'Any' }],
    completes: true,
  };

  it('is pinned with the tools, and offered once approved', async () => {
    const { catalog, asked } = catalogWith({ offersClassification: 'internal', offers: everything }, approved);
    await catalog.announce('notes', said);
    expect(asked[0]).toHaveLength(3);
    const { offers } = catalog;
    expect(offers.prompts.map(({ shown }) => shown)).toEqual([
      { name: 'notes_greet', arguments: [{ name: 'who', required: true }] },
    ]);
    const greet = offers.prompt('notes_greet');
    expect(greet?.manifest).toMatchObject({ name: 'prompts/get:greet', classification: 'internal', operation: 'read' });
    expect(greet?.checkArguments({})).toContain('"who" is missing');
    expect(offers.resource('note://1')?.tool.manifest.name).toBe('resources/read');
    expect(offers.resource('note://7/text')?.arguments).toEqual({ uri: 'note://7/text', id: '7' });
    expect(offers.resource('note://2')).toBeNull();
    expect(offers.completion({ prompt: 'notes_greet' })?.manifest.name).toBe('completion/complete');
  });

  it('is what the manifest wants, whatever the connector passes on', async () => {
    const { catalog, asked } = catalogWith({}, approved);
    await catalog.announce('notes', said);
    expect(asked).toEqual([[]]);
    expect(catalog.offers.prompts).toEqual([]);
    expect(catalog.offers.resource('note://1')).toBeNull();
    const only = catalogWith({ offers: ['prompts'] }, approved);
    await only.catalog.announce('notes', said);
    expect(only.catalog.offers.completion({ prompt: 'notes_greet' })).toBeNull();
  });

  it('ends nothing where a prompt cannot be offered', async () => {
    const twice = {
      name: 'twice',
      arguments: [
        { name: 'a', required: true },
        { name: 'a', required: true },
      ],
    };
    const { catalog, said: why } = catalogWith({ offers: everything }, approved);
    await catalog.announce('notes', { ...saying(tool('add')), prompts: [{ name: 'p'.repeat(48) }, twice] });
    expect(catalog.offers.prompts.map(({ shown }) => shown['name'])).toEqual(['notes_twice']);
    expect(why[0]).toContain('is not offered');
    expect(catalog.tools.all.map(({ name }) => name)).toContain('notes_add');
  });

  it('stays approved through a change that was taken back, and a decision is about what was last asked', async () => {
    const answers: Partial<DefinitionsAnswer>[] = [
      {},
      { state: 'changed', serve: [] },
      { state: 'changed', serve: [] },
    ];
    const { catalog, asked } = catalogWith({ offers: everything }, () => answers.shift() ?? {});
    await catalog.announce('notes', said);
    const two = { ...said, resources: [{ uri: 'note://2', name: 'Two' }] };
    await catalog.announce('notes', { ...two, prompts: [{ name: 'other' }] });
    await catalog.decided('notes');
    expect(asked[2]).toEqual(asked[1]);
    await catalog.announce('notes', two);
    expect(asked[3]?.toSorted()).toEqual(asked[0]?.toSorted());
    expect(catalog.offers.resource('note://1')).not.toBeNull();
  });

  it('keeps the resources that were approved, whatever comes and goes while the server works; a prompt is another thing', async () => {
    const { catalog, asked } = catalogWith({ offers: everything }, approved);
    await catalog.announce('notes', said);
    await catalog.announce('notes', { ...said, resources: [{ uri: 'note://2', name: 'Two' }] });
    expect(asked[1]?.toSorted()).toEqual(asked[0]?.toSorted());
    expect(catalog.offers.resource('note://1')).not.toBeNull();
    expect(catalog.offers.resource('note://2')).toBeNull();
    await catalog.announce('notes', { ...said, prompts: [{ name: 'other' }] });
    expect(asked[2]?.toSorted()).not.toEqual(asked[0]?.toSorted());
  });

  it('is not there before', async () => {
    const { catalog } = catalogWith({ offers: everything }, () => ({ state: 'new', serve: [] }));
    await catalog.announce('notes', said);
    expect([catalog.offers.prompts, catalog.offers.resources, catalog.offers.completes]).toEqual([[], [], false]);
    expect(catalog.offers.resource('note://1')).toBeNull();
  });
});

it('a tool of a server with destinations may use them all, and carry out what the least of them receives', () => {
  const https = { protocol: 'https', authentication: 'none', description: '', hosts: ['a.example.com'] };
  const manifestWith = (...receives: string[]) =>
    manifestSchema.parse({
      ...{ name: 'notes', version: '1.0.0', title: 'Notes', description: 'Wrapped.' },
      wrap: { command: 'node', tools: { add: { receives: 'internal' } } },
      destinations: Object.fromEntries(
        receives.map((label, index) => [
          `d${index}`,
          { ...https, receives: label, allow: [{ methods: ['GET'], path: '/' }] },
        ]),
      ),
    }) as WrappedManifest;
  const made = (...receives: string[]) => wrappedTool(manifestWith(...receives), tool('add'));
  expect(made('sensitive', 'internal').receives).toBe('internal');
  expect(made('sensitive', 'public').receives).toBe('public');
  expect(made().receives).toBe('internal');
  expect(made('internal', 'internal').manifest.destinations).toEqual(['d0', 'd1']);
  expect(made().manifest.destinations).toEqual([]);
});
