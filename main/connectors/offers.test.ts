import { describe, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import type { ConnectorManifest, ToolManifest } from '../contract/manifest.ts';
import { createCallNotes } from './call-notes.ts';
import { createOffers } from './offers.ts';
import { createToolRegistry } from './tool-registry.ts';
import { matchUri } from './uri-template.ts';

describe('an address of a template', () => {
  it.each<[string, string, Record<string, string> | null]>([
    ['t://{id}/data', 't://a%20b/data', { id: 'a b' }],
    ['t://{id}/{part}', 't://1/2', { id: '1', part: '2' }],
    ['t://{id}', 't://x/y', null],
    ['t://{id}/data', 't:///data', null],
    ['t://{id}/data', 't://1/data/more', null],
    ['t://{id}', 't://%zz', null],
    ['t://{id}/data', 'u://1/data', null],
  ])('%s, %s', (template, uri, variables) => {
    expect(matchUri(template, uri)).toEqual(variables);
  });
});

const contents = { type: 'object', properties: { contents: { type: 'array', items: { type: 'string' } } } };
const read: Partial<ToolManifest> = {
  name: 'read',
  offer: 'resource',
  outputSchema: { ...contents, required: ['contents'], additionalProperties: false },
};
const load = (more: Partial<ConnectorManifest>, tool = read) => {
  const manifest = { ...connectorManifest({ name: 'echo' }, tool), ...more };
  return createOffers([manifest], createToolRegistry([manifest]));
};

describe('offers', () => {
  it('find the hidden tool of an address', () => {
    const offers = load({
      resources: [
        { uri: 'p://one', name: 'One', tool: 'read' },
        { uriTemplate: 'p://of/{id}', name: 'Of', tool: 'read' },
      ],
    });
    expect(offers.resource('p://one')).toMatchObject({ tool: { name: 'probe_read' }, arguments: { uri: 'p://one' } });
    expect(offers.resource('p://of/7')?.arguments).toEqual({ uri: 'p://of/7', id: '7' });
    expect(offers.resource('p://two')).toBeNull();
  });

  it.each<[string, Partial<ConnectorManifest>, Partial<ToolManifest>, RegExp]>([
    ['a tool that is none', { resources: [{ uri: 'p://1', name: 'n', tool: 'none' }] }, read, /no tool "none"/],
    ['a tool of tools/list', { resources: [{ uri: 'p://1', name: 'n', tool: 'echo' }] }, read, /offer "resource"/],
    ['a tool of another kind', { prompts: [{ name: 'n', tool: 'read' }] }, read, /offer "prompt"/],
    ['no address', { resources: [{ name: 'n', tool: 'read' }] }, read, /either "uri" or "uriTemplate"/],
    [
      'an address twice',
      { resources: [1, 2].map(() => ({ uri: 'p://1', name: 'n', tool: 'read' })) },
      read,
      /p:\/\/1 is declared twice/,
    ],
    [
      'a result that may lack its member',
      {},
      { ...read, outputSchema: { ...contents, additionalProperties: false } },
      /"contents" in "required"/,
    ],
    [
      'a result that names what is the protocol’s',
      {},
      {
        ...read,
        outputSchema: {
          type: 'object',
          properties: { ...contents.properties, resultType: { type: 'string' } },
          required: ['contents'],
          additionalProperties: false,
        },
      },
      /no members but contents/,
    ],
  ])('refuse %s', (...[, more, tool, words]) => {
    expect(() => load(more, tool)).toThrow(words);
  });
});

it('notes reach a call of the same connector, while it runs, as often and as much as is allowed', () => {
  let passes = 3;
  const notes = createCallNotes(
    () => ({ passes: () => (passes -= 1) >= 0 }),
    (text) => text.replaceAll('hunter2', '***'),
  );
  const heard: string[] = [];
  const message = (note: { readonly data: string }): void => void heard.push(note.data);
  const stop = notes.follow({ callId: 'c', connector: 'own' }, { message });
  const say = (connector: string, data: string): void => notes.message(connector, { callId: 'c', level: 'info', data });
  say('other', 'forged');
  say('own', 'hunter2 one');
  say('own', 'x'.repeat(16 * 1024));
  say('own', 'three');
  say('own', 'four');
  expect(heard).toEqual(['*** one']);
  stop();
  passes = 9;
  say('own', 'late');
  expect(heard).toEqual(['*** one']);
});
