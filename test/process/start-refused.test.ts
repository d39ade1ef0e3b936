/** Nothing half-configured runs: what is wrong in a policy, a manifest or a schema ends the start with file, line and reason. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProduct } from './harness.ts';

const shipped = path.join(import.meta.dirname, '../../dist/connectors/postgres');
const identity = { kind: 'oidc', authority: 'https://localhost:1', clientId: 'desktop', scopes: ['openid'] };
const database = { host: 'localhost', port: 1, database: 'd', issuer: { url: 'https://localhost:1', scope: 's' } };
const goodPolicy = '@id("a") permit (principal, action, resource) when { principal.roles.contains("analyst") };';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-refused-'));
  cpSync(shipped, path.join(folder, 'postgres'), { recursive: true });
  mkdirSync(path.join(folder, 'policies'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Wrong {
  readonly policy?: string;
  /** Changes the shipped manifest's text. */
  readonly manifest?: (text: string) => string;
}

async function refusal({ policy = goodPolicy, manifest = (text) => text }: Wrong): Promise<string> {
  const manifestFile = path.join(folder, 'postgres/manifest.json');
  writeFileSync(manifestFile, manifest(readFileSync(manifestFile, 'utf8')));
  writeFileSync(path.join(folder, 'policies/own.cedar'), policy);
  const connectors = [{ name: 'postgres', path: 'postgres', destinations: { database } }];
  const config = path.join(folder, 'sallyport.json');
  writeFileSync(config, JSON.stringify({ identity, connectors, policy: { folder: 'policies' } }));
  const started = startProduct({ args: ['--config', config] });
  return started.then(
    async (product) => {
      await product.stop();
      return 'it started';
    },
    (error: unknown) => (error as Error).message.replaceAll(`${folder}/`, ''),
  );
}

/** The line on which `text` stands for the first time. */
const lineOf = (text: string): number =>
  readFileSync(path.join(shipped, 'manifest.json'), 'utf8').split(text)[0]!.split('\n').length;

test.each<[string, Wrong, () => RegExp]>([
  ['a policy', { policy: `${goodPolicy}\npermit (prin` }, () => /own\.cedar:2: /],
  [
    'a manifest',
    { manifest: (text) => text.replace('"operation": "read"', '"operation": "reed"') },
    () => new RegExp(`postgres/manifest\\.json:${lineOf('"operation"')}: "tools\\.0\\.operation": `),
  ],
  [
    'a schema: a type that is none',
    { manifest: (text) => text.replace('"inputSchema": {', '"inputSchema": {\n"minLength": "one",') },
    () => new RegExp(`postgres/manifest\\.json:${lineOf('"inputSchema"')}: .*list_tables\\.inputSchema`),
  ],
])('%s that is wrong', async (_what, wrong, why) => {
  expect(await refusal(wrong)).toMatch(why());
});

test('the control: as it ships, it starts', async () => {
  expect(await refusal({})).toBe('it started');
});
