#!/usr/bin/env node
// Bundles every process into one file each, and the window. Native modules and Cedar's wasm stay in node_modules.
// Usage: node build/bundle.mjs [--release] [FOLDER]     default: dist/, replaced in one step so that nobody sees half of it
// A release has no lab and none of its switches.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildSdk } from './sdk-package.mjs';
import { build as buildWindow } from 'vite';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (/** @type {string[]} */ ...parts) => path.join(root, ...parts);
/** @param {Record<string, string>} entries name and source, without those that do not exist */
const present = (entries) =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, file]) => (fs.existsSync(at(file)) ? [[name, at(file)]] : [])),
  );

const trusted = present({
  headless: 'main/headless.ts',
  gateway: 'main/gateway.ts',
  vault: 'main/vault.ts',
  egress: 'main/egress.ts',
  exchange: 'main/exchange.ts',
  launcher: 'main/launcher.ts',
  ...(process.platform === 'win32' ? { 'launcher-windows': 'main/launcher-windows.ts' } : {}),
  'policy-command': 'main/policy-command.ts',
  sallyport: 'main/cli/sallyport.ts',
  bridge: 'main/cli/bridge.ts',
  authoring: 'main/authoring.ts',
});
const host = present({
  host: 'connector-host/host.ts',
  pac: 'connector-host/pac.ts',
  wrap: 'connector-host/wrap.ts',
  intercept: 'connector-host/intercept.ts',
  door: 'connector-host/door.ts',
});
const lab = present({
  lab: 'test/lab/lab.ts',
  'identity-provider': 'test/lab/identity-provider.ts',
  issuer: 'test/lab/issuer.ts',
  'api-server': 'test/lab/api-server.ts',
  storage: 'test/lab/storage.ts',
  'bound-exec': 'test/lab/bound-exec.ts',
  'sign-in-driver': 'test/lab/sign-in-driver.ts',
  demonstration: 'test/lab/demonstration.ts',
});
const connectors = at('connector-host/connectors');
/** What a connector's bundle needs beside it. @type {Readonly<Record<string, readonly string[]>>} */
const beside = { postgres: ['node_modules/libpg-query/wasm/libpg-query.wasm'] };

/** @type {import('esbuild').BuildOptions} */
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
  // Its `main` is a UMD file whose own require() no bundler follows.
  alias: { 'jsonc-parser': at('node_modules/jsonc-parser/lib/esm/main.js') },
  // CommonJS dependencies inside an ES module bundle still call require() for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
};
/** libpg-query's loader looks for its own folder even when it is handed its module. */
const besideItself = { js: `${common.banner?.['js'] ?? ''} const __dirname = import.meta.dirname;` };
/** Electron's own main process and the window's preload: CommonJS, for the Node and Chromium of the oldest Electron. */
const electronMain = {
  format: /** @type {const} */ ('cjs'),
  target: 'node20',
  outExtension: { '.js': '.cjs' },
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
};
/** In a package, native code lies beside the archive, where every process finds it. */
const fromProduct = {
  js: `${electronMain.banner.js}
require = ((own, product) => (name) => (name === 'koffi' || name === 'sodium-native' ? product(name) : own(name)))(
  require,
  require('node:module').createRequire(require('node:path').join(process.resourcesPath, 'product', 'package.json')),
);`,
};
const external = ['koffi', 'sodium-native', '@cedar-policy/cedar-wasm', '@cedar-policy/cedar-wasm/nodejs', 'pg-native'];

/** The lab's connector, as an author makes one: of the API's document alone. @param {string} into */
async function buildTickets(into) {
  const from = (/** @type {string} */ name) => `export * from './main/authoring/openapi/${name}.ts';`;
  const maker = path.join(into, 'openapi.mjs');
  const contents = ['connector', 'content', 'document'].map(from).join('\n');
  await build({ ...common, stdin: { contents, resolveDir: root }, outfile: maker, sourcemap: false });
  const { openApiConnector, openApiContent, readOpenApi } = await import(pathToFileURL(maker).href);
  const document = 'test/lab/tickets.openapi.yaml';
  const choice = { name: 'tickets', operations: [], allReads: true, host: undefined };
  const { manifest, files } = openApiContent(
    openApiConnector(readOpenApi(at(document)), choice),
    path.basename(document),
  );
  const source = path.join(into, 'tickets');
  fs.mkdirSync(path.join(source, 'recordings'), { recursive: true });
  for (const [name, text] of Object.entries({ ...files, 'manifest.json': JSON.stringify(manifest, null, 2) }))
    fs.writeFileSync(path.join(source, name), text);
  const outfile = path.join(into, 'lab', 'tickets', 'connector.mjs');
  const alias = { ...common.alias, '@sallyport/connector-sdk': at('connector-host/sdk/sdk.ts') };
  await build({ ...common, alias, entryPoints: [path.join(source, 'connector.ts')], outfile, outExtension: {} });
  fs.copyFileSync(path.join(source, 'manifest.json'), path.join(path.dirname(outfile), 'manifest.json'));
  for (const made of [maker, source]) fs.rmSync(made, { recursive: true });
}

/** The server that the lab wraps, in one file: all of its code counts for its hash. @param {string} into */
async function buildNotesServer(into) {
  const entry = at('node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');
  const outfile = path.join(into, 'lab', 'notes-server', 'server.mjs');
  await build({ ...common, entryPoints: [entry], outfile, outExtension: {}, sourcemap: false });
}

/** @param {string} into @param {boolean} release */
async function bundle(into, release) {
  fs.mkdirSync(into, { recursive: true });
  // Minified syntax lets what a release leaves out fall away; names and lines stay readable.
  const kind = { define: { __LAB__: String(!release) }, minifySyntax: release };
  const outdir = path.join(into, 'main');
  await build({ ...common, ...kind, entryPoints: trusted, outdir, external });
  await build({
    ...common,
    ...electronMain,
    ...(release ? { banner: fromProduct } : {}),
    define: { ...kind.define, 'import.meta.url': '__url' },
    minifySyntax: release,
    entryPoints: { main: at('main/main.ts') },
    outdir,
    external: ['electron', ...external],
  });
  await build({
    ...common,
    ...electronMain,
    banner: {},
    platform: 'browser',
    target: 'chrome130',
    entryPoints: { preload: at('main/desktop/preload.ts') },
    outdir,
    external: ['electron'],
  });
  await buildWindow({
    configFile: false,
    root: at('renderer'),
    // Relative addresses and no inline script or style: the page's policy allows none.
    base: './',
    cacheDir: at('out/vite-window'),
    define: kind.define,
    logLevel: 'warn',
    build: {
      outDir: path.join(into, 'renderer'),
      emptyOutDir: true,
      target: 'chrome130',
      assetsInlineLimit: 0,
      modulePreload: false,
    },
  });
  fs.cpSync(at('main/policy/postures'), path.join(into, 'postures'), {
    recursive: true,
    filter: (file) => !(release && path.basename(file) === 'lab.cedar'),
  });
  fs.cpSync(at('build/icons'), path.join(into, 'icons'), { recursive: true });
  if (!release) await build({ ...common, entryPoints: lab, outdir: path.join(into, 'lab'), packages: 'external' });
  if (!release) await buildTickets(into);
  if (!release) await buildNotesServer(into);
  await build({ ...common, entryPoints: host, outdir: path.join(into, 'connector-host'), external });
  // A folder of its own: it is all of the disk that a proxy script's process sees beside its program.
  fs.mkdirSync(path.join(into, 'pac'));
  fs.copyFileSync(at('node_modules/quickjs-wasi/quickjs.wasm'), path.join(into, 'pac', 'quickjs.wasm'));
  await buildSdk(path.join(into, 'sdk'), common);
  for (const name of fs.existsSync(connectors) ? fs.readdirSync(connectors) : []) {
    const entry = path.join(connectors, name, 'connector.ts');
    if (!fs.existsSync(entry)) continue;
    const outdir = path.join(into, 'connectors', name);
    await build({ ...common, banner: besideItself, entryPoints: { connector: entry }, outdir, external });
    for (const file of [
      path.join(connectors, name, 'manifest.json'),
      ...(beside[name] ?? []).map((each) => at(each)),
    ]) {
      fs.copyFileSync(file, path.join(outdir, path.basename(file)));
    }
    const recordings = path.join(connectors, name, 'recordings');
    if (!release && fs.existsSync(recordings))
      fs.cpSync(recordings, path.join(outdir, 'recordings'), { recursive: true });
  }
}

const given = process.argv.slice(2);
const release = given[0] === '--release';
const [folder, ...more] = release ? given.slice(1) : given;
if (folder?.startsWith('-') || more.length > 0) {
  console.error('usage: node build/bundle.mjs [--release] [FOLDER]');
  process.exit(2);
}
const target = path.resolve(folder ?? at('dist'));
const fresh = `${target}.new-${process.pid}`;
const old = `${target}.old-${process.pid}`;
try {
  await bundle(fresh, release);
  if (fs.existsSync(target)) fs.renameSync(target, old);
  fs.renameSync(fresh, target);
} catch (error) {
  // esbuild has already printed what is wrong in the sources.
  if (!(error instanceof Error && 'errors' in error)) throw error;
  process.exitCode = 1;
} finally {
  for (const folder of [fresh, old]) fs.rmSync(folder, { recursive: true, force: true });
}
