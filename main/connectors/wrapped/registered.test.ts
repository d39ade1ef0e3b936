import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSecretFinder } from '../../pipeline/secrets-in-text/secret-finder.ts';
import { loadRegistry } from '../registry.ts';

let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);
const secrets = createSecretFinder();
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'registered-')));
  mkdirSync(at('notes'));
  writeFileSync(at('server.mjs'), '// a server');
  const identity = { kind: 'oidc', authority: 'https://localhost:1', clientId: 'x', scopes: ['openid'] };
  writeFileSync(at('sallyport.json'), JSON.stringify({ identity, connectors: [{ name: 'notes', path: 'notes' }] }));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function load(wrap: Record<string, unknown>) {
  const named = { name: 'notes', version: '1.0.0', title: 'Notes', description: 'Wrapped.' };
  const given = { ...named, wrap: { command: process.execPath, args: [at('server.mjs')], ...wrap } };
  writeFileSync(at('notes', 'manifest.json'), JSON.stringify(given, null, 2));
  const { connectors } = loadRegistry({
    configFile: at('sallyport.json'),
    managedFile: at('none.json'),
    builtInFolder: at('none'),
    posturesFolder: at('none'),
    looksSecret: (text) => secrets.find(text).length > 0,
  });
  return connectors[0];
}

/** As the refused start prints it. */
function printedHash(): string {
  try {
    load({});
  } catch (error) {
    return /"sha256": "([0-9a-f]{64})"/.exec((error as Error).message)?.[1] ?? '';
  }
  return '';
}

it('a start without the hash of the program, or with another, is refused with file, line and the hash', () => {
  expect(() => load({})).toThrow(
    /notes\/manifest\.json:\d+: its program has no hash yet: write "sha256": "[0-9a-f]{64}"/,
  );
  expect(() => load({ sha256: 'a'.repeat(64) })).toThrow(/manifest\.json:\d+: its program has another hash/);
  const sha256 = printedHash();
  expect(load({ sha256 })).toMatchObject({ entry: at('notes', 'manifest.json'), server: { sha256, program: null } });
  writeFileSync(at('server.mjs'), '// another server');
  expect(() => load({ sha256 })).toThrow('its program has another hash');
});

it('what looks like a credential stands neither in the environment nor on the command line', () => {
  const sha256 = printedHash();
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`;
  expect(load({ sha256, environment: { TOKEN: 'placeholder-for-the-token' } })?.server?.environment).toEqual({
    TOKEN: 'placeholder-for-the-token',
  });
  expect(() => load({ sha256, environment: { TOKEN: token } })).toThrow(
    /manifest\.json:\d+: .*looks like a credential/,
  );
  expect(() => load({ sha256, args: [at('server.mjs'), `--token=${token}`] })).toThrow('looks like a credential');
});
