import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demandedIsolation } from './registry.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-isolation-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function demanded(own?: object, managed?: object): string | undefined {
  const at = (name: string, content: object | undefined): string => {
    const file = path.join(folder, content === undefined ? 'none.json' : name);
    if (content !== undefined) writeFileSync(file, JSON.stringify(content));
    return file;
  };
  return demandedIsolation({ configFile: at('own.json', own), managedFile: at('managed.json', managed) });
}

test('the walls that are demanded: of the managed file before the person’s, without the rest of either', () => {
  const [strong, weak] = (['namespaces', 'launcher'] as const).map((atLeast) => ({ isolation: { atLeast } }));
  expect(demanded()).toBeUndefined();
  expect(demanded({ connectors: [] })).toBeUndefined();
  expect(demanded(strong)).toBe('namespaces');
  expect(demanded(undefined, strong)).toBe('namespaces');
  expect(demanded(weak, strong)).toBe('namespaces');
  expect(() => demanded({ isolation: { atLeast: 'none' } })).toThrow(/own\.json:\d+: /);
});
