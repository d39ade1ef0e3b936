import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectorConfigSchema, wayOf } from './config.ts';
import { credentialSchema } from './credentials.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/credentials.md'), 'utf8');
const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']): unknown => JSON.parse(text));

describe('the examples of docs/credentials.md', () => {
  it.each(examples.map((example, index) => [index, example] as const))('number %d is a destination', (_, example) => {
    const connector = connectorConfigSchema.parse({ name: 'one', destinations: { there: example } });
    expect(connector.destinations['there'] && wayOf(connector.destinations['there'])).toBeDefined();
  });

  it('show every kind', () => {
    const kinds = credentialSchema.options.map((option) => option.shape.kind.value);
    const shown = examples.map((example) => (example as { credential: { kind: string } }).credential.kind);
    expect([...new Set(shown)].sort()).toEqual([...kinds].sort());
  });
});
