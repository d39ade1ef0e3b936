import { expect, it } from 'vitest';
import { manifestSchema } from '../contract/manifest.ts';
import { flowChecks } from './flow-check.ts';

const schema = { type: 'object', properties: {}, additionalProperties: false };

function warned(operation: string, classification: string, receives?: string): number {
  const tool = { name: 'put', title: 'Put', description: 'Puts.', operation, classification, destinations: ['store'] };
  const limits = { timeoutMs: 1000, maxBackendBytes: 1024, maxResultBytes: 1024 };
  const store = { protocol: 'postgres', authentication: 'postgres-issuer', description: 'A store', receives };
  const manifest = {
    ...{ name: 'x', version: '0.1.0', title: 'x', description: 'x', destinations: { store } },
    tools: [{ ...tool, inputSchema: schema, outputSchema: schema, limits, examples: [] }],
  };
  return flowChecks(manifestSchema.parse(manifest)).length;
}

it.each([
  ['write', 'internal', undefined, 1],
  ['admin', 'sensitive', 'internal', 1],
  ['write', 'internal', 'internal', 0],
  ['write', 'public', undefined, 0],
  ['read', 'sensitive', undefined, 0],
])('%s of %s to where %s may go: %d', (...[operation, classification, receives, count]) => {
  expect(warned(operation, classification, receives)).toBe(count);
});
