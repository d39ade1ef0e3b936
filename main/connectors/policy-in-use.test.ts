import { expect, it } from 'vitest';
import { manifestSchema } from '../contract/manifest.ts';
import { policyInUse, type SaidBy } from './policy-in-use.ts';

const manifest = manifestSchema.parse({
  ...{ name: 'notes', version: '1.0.0', title: 'Notes', description: 'Wrapped.' },
  wrap: { command: 'node', tools: { read: { classification: 'internal' }, 'prompts/get:x': { asks: ['roots'] } } },
});
const connector = { manifest, folder: '', entry: '', settings: {}, destinations: {} };
const inputSchema = { type: 'object' };
const tools = [
  { name: 'read', inputSchema, annotations: { readOnlyHint: true } },
  { name: 'remove', inputSchema },
  { name: 'offer-prompt-x', inputSchema },
];
const inUse = (saidBy: SaidBy) => policyInUse({ policies: [], connectors: [connector] }, saidBy);

it.each(['approved', 'waiting', 'remembered'] as const)(
  'a wrapped server’s tools are those that it says: %s',
  (known) => {
    expect(inUse(() => ({ known, tools }))).toEqual({
      policies: [],
      tools: [
        {
          ...{
            name: 'notes_read',
            connector: 'notes',
            operation: 'read',
            classification: 'internal',
            destinations: [],
          },
          definition: known,
        },
        {
          ...{ name: 'notes_remove', connector: 'notes', operation: 'write', classification: 'sensitive' },
          destinations: [],
          definition: known,
        },
      ],
      unheard: [],
    });
  },
);

it('of one that nobody heard they are those that the manifest names, at their safest, and it is said that there may be others', () => {
  expect(inUse(() => null)).toMatchObject({
    tools: [{ name: 'notes_read', operation: 'write', classification: 'internal', definition: 'named' }],
    unheard: [{ connector: 'notes', prefix: 'notes_', destinations: [] }],
  });
});
