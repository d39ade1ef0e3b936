import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { withPlace } from './manifest-place.ts';
import { createOffers } from './offers.ts';
import { createToolRegistry } from './tool-registry.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-place-'));
const file = path.join(folder, 'manifest.json');
afterAll(() => rmSync(folder, { recursive: true }));

const closed = (properties: object) => ({ type: 'object', properties, additionalProperties: false });
const contents = { ...closed({ contents: { type: 'string' } }), required: ['contents'] };
const base = connectorManifest({ name: 'first' }, { name: 'second' });

/** The line of the file, and the rest of what is said. */
function refusalOf(manifest: ConnectorManifest): [line: string, said: string] {
  const text = JSON.stringify(manifest, null, 2);
  writeFileSync(file, text);
  try {
    createOffers([manifest], createToolRegistry([manifest]));
  } catch (error) {
    const { message } = withPlace(error, [{ manifest, folder }]) as Fault;
    const [, line = '0', said = ''] = /^.*manifest\.json:(\d+): (.*)$/.exec(message) ?? [];
    return [text.split('\n')[Number(line) - 1]?.trim() ?? '', said];
  }
  return ['', 'loads'];
}

const second = (more: object): ConnectorManifest => ({
  ...base,
  tools: base.tools.map((tool) => (tool.name === 'second' ? { ...tool, ...more } : tool)),
});

it.each<[string, ConnectorManifest, [line: string, said: RegExp]]>([
  [
    'an open object',
    second({ inputSchema: closed({ deep: { type: 'object' } }) }),
    ['"deep": {', /second\.inputSchema/],
  ],
  [
    'an open alternative',
    second({ outputSchema: closed({ any: { anyOf: [{ type: 'string' }, { type: 'array' }] } }) }),
    ['{', /second\.outputSchema\/properties\/any\/anyOf\/1: an array needs "items"/],
  ],
  [
    'an unknown keyword',
    second({ inputSchema: closed({ a: { type: 'string', maxLenght: 3 } }) }),
    ['"inputSchema": {', /unknown keyword/],
  ],
  [
    'a resource that a call may leave out',
    second({ resource: '/text', inputSchema: closed({ text: { type: 'string' } }) }),
    ['"resource": "/text"', /second\.resource: "\/text" has to reach a required text: "text" is not in "required"/],
  ],
  ['a name of 64 letters', second({ name: 'n'.repeat(64) }), [`"name": "${'n'.repeat(64)}",`, /too long/]],
  [
    'a resource without a tool',
    { ...base, resources: [{ uri: 'a://b', name: 'r', tool: 'nobody' }] },
    ['{', /no tool "nobody"/],
  ],
  [
    'a resource declared twice',
    {
      ...base,
      tools: base.tools.map((tool) => ({ ...tool, offer: 'resource' as const, outputSchema: contents })),
      resources: ['first', 'second'].map((tool) => ({ uri: 'a://b', name: tool, tool })),
    },
    ['{', /a:\/\/b is declared twice/],
  ],
])('says the line of %s', (_what, manifest, [line, said]) => {
  expect(refusalOf(manifest)).toEqual([line, expect.stringMatching(said)]);
});

it('leaves other errors alone, and a manifest that is gone', () => {
  const other = new Fault('internal', 'the socket is in use');
  expect(withPlace(other, [{ manifest: base, folder }])).toBe(other);
  const gone = new Fault('internal', 'probe_first.inputSchema: an object needs');
  expect(withPlace(gone, [{ manifest: base, folder: '/nowhere' }])).toBe(gone);
});
