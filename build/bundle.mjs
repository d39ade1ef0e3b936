#!/usr/bin/env node
// Bundles every process into one file each under dist/. Native modules and Cedar's wasm stay in node_modules.
// Usage: node build/bundle.mjs [--watch]
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)));

const trusted = present({
  headless: at('main/headless.ts'),
  gateway: at('main/gateway.ts'),
  vault: at('main/vault.ts'),
  egress: at('main/egress.ts'),
  exchange: at('main/exchange.ts'),
  sallyport: at('main/cli/sallyport.ts'),
  bridge: at('main/cli/bridge.ts'),
});
const connectorNames = existsSync(at('connector-host/connectors')) ? readdirSync(at('connector-host/connectors')) : [];
const lab = present({
  lab: at('test/lab/lab.ts'),
  'identity-provider': at('test/lab/identity-provider.ts'),
  issuer: at('test/lab/issuer.ts'),
  'sign-in-driver': at('test/lab/sign-in-driver.ts'),
  demonstration: at('test/lab/demonstration.ts'),
});

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  outExtension: { '.js': '.mjs' },
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS dependencies inside an ES module bundle still call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};
const native = ['koffi', 'sodium-native', '@cedar-policy/cedar-wasm', '@cedar-policy/cedar-wasm/nodejs', 'pg-native'];

rmSync(at('dist'), { recursive: true, force: true });
await build({ ...common, entryPoints: trusted, outdir: at('dist/main'), external: native });
await build({ ...common, entryPoints: lab, outdir: at('dist/lab'), packages: 'external' });
for (const name of connectorNames) {
  const from = at('connector-host/connectors', name);
  const to = at('dist/connectors', name);
  if (!existsSync(path.join(from, 'connector.ts'))) continue;
  mkdirSync(to, { recursive: true });
  await build({ ...common, entryPoints: { connector: path.join(from, 'connector.ts') }, outdir: to, external: native });
  cpSync(path.join(from, 'manifest.json'), path.join(to, 'manifest.json'));
  if (name === 'postgres')
    cpSync(at('node_modules/libpg-query/wasm/libpg-query.wasm'), path.join(to, 'libpg-query.wasm'));
}
