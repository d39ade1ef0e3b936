#!/usr/bin/env node
// npm run pack: an unpacked application folder, without the lab and its switches.
// Usage: node build/on-node24.mjs build/pack.mjs [--out FOLDER] [--inspectable] [--release]
//   --inspectable  also FOLDER/inspectable: the same with the inspector fuse on, which Playwright needs
//   --release      refuses the registry's Electron, which is out of support
// Guarantees: Electron's own ways in are closed (fuses), nothing of the lab is inside, and every file is of this build.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, Platform } from 'electron-builder';
import { flipFuses, FuseV1Options, FuseVersion } from '@electron/fuses';
import { findElectron } from './electron-runtime.mjs';
import { platform } from './caches.mjs';
import { packStamp } from './pack-stamp.mjs';
import { run } from './programs.mjs';
import { main, Problem, step } from './report.mjs';
import { findRuntime } from './runtime.mjs';
import { thirdParties } from './third-parties.mjs';

const root = path.dirname(import.meta.dirname);
const at = (/** @type {string[]} */ ...parts) => path.join(root, ...parts);

/** What the trusted processes load by themselves, with only this platform's binaries. */
const native = {
  koffi: ['koffi', `@koromix/koffi-${platform()}`],
  others: ['@cedar-policy/cedar-wasm', 'sodium-native', 'bare-assert', 'require-addon', 'which-runtime'],
};
const unwanted = [
  /\.(map|d\.ts|md)$/,
  // Of other platforms, and for Bare.
  new RegExp(`^sodium-native/prebuilds/(?!${platform()}(/|$))|\\.bare$|^@koromix/[^/]+/musl_`),
  // What compiles native code.
  /^koffi\/(vendor|doc|lib|cnoke\.cjs)|^sodium-native\/extensions|CMakeLists\.txt$|\.(cc|cpp|hh|h|c|S|asm|inc|def)$/,
  /^@cedar-policy\/cedar-wasm\/(web|esm)\//,
];

/** The same file again, one a kind of process (main/runtime-links.ts, build/sallyport.sh): AppArmor goes by path. */
const runtimeLinks = ['gateway', 'vault', 'exchange', 'egress', 'connector', 'bridge'].map(
  (name) => `sallyport-${name}`,
);

/** Electron's own ways in, closed. What is not closed by a fuse on Linux is main/desktop's (debugging.ts). */
const fuses = {
  runAsNode: false,
  enableNodeOptionsEnvironmentVariable: false,
  enableNodeCliInspectArguments: false,
  enableEmbeddedAsarIntegrityValidation: true,
  onlyLoadAppFromAsar: true,
  enableCookieEncryption: true,
  loadBrowserProcessSpecificV8Snapshot: false,
  grantFileProtocolExtraPrivileges: false,
};

await main(async () => {
  const values = readFlags();
  const out = path.resolve(values.out ?? at('out', 'pack'));
  const electron = findElectron();
  const node = findRuntime();
  if (!electron || !node) throw new Problem('Electron or Node 24 is not on this machine yet: run "npm run pack"');
  if (values.release && electron.source !== 'official')
    throw new Problem(`a release needs the official Electron; this is ${electron.version} (${electron.source})`);
  const stage = path.join(out, 'stage');
  empty(out);
  await step('bundling without the lab', () => bundle(path.join(stage, 'dist')));
  await step('packing', () => pack({ stage, out, electron, node }));
  if (values.inspectable) await step('copying with the inspector', () => copyInspectable(out));
  for (const left of ['stage', 'builder-debug.yml']) fs.rmSync(path.join(out, left), { recursive: true, force: true });
  // Last, and only of a whole pack: tests do not make the same again.
  fs.writeFileSync(path.join(out, '.sources'), packStamp(root, electron, values));
  console.log(path.join(out, 'linux-unpacked'));
  if (electron.source !== 'official')
    console.log(`for development: with Electron ${electron.version}, which is out of support`);
  return 0;
});
// The builder's exit hooks lose the code otherwise.
if (process.exitCode !== 0) process.exit(1);

function readFlags() {
  const flag = /** @type {const} */ ({ type: 'boolean', default: false });
  try {
    return parseArgs({ options: { out: { type: 'string' }, inspectable: flag, release: flag } }).values;
  } catch {
    throw new Problem('usage: npm run pack -- [--out FOLDER] [--inspectable] [--release]');
  }
}

/** Only what a pack makes: the folder may be anyone's. @param {string} out */
function empty(out) {
  try {
    fs.mkdirSync(out, { recursive: true });
    for (const own of ['.sources', 'linux-unpacked', 'inspectable', 'stage'])
      fs.rmSync(path.join(out, own), { recursive: true, force: true });
  } catch {
    throw new Problem(`${out} cannot be written to by ${os.userInfo().username}: name another folder with --out`);
  }
}

/** @param {string} into */
async function bundle(into) {
  const { code, output } = await run(process.execPath, [at('build/bundle.mjs'), '--release', into], { cwd: root });
  if (code !== 0) throw new Problem(`the build failed:\n${output.trim()}`);
}

/** @param {{ stage: string, out: string, electron: import('./electron-runtime.mjs').Electron, node: string }} parts */
async function pack({ stage, out, electron, node }) {
  const described = JSON.parse(fs.readFileSync(at('package.json'), 'utf8'));
  const { name, productName, version, description, license, desktopName } = described;
  const own = { name, productName, version, description, license, desktopName, main: 'dist/main/main.cjs' };
  const app = layOut(path.join(stage, 'app'), own, [
    ...['main.cjs', 'preload.cjs'].map((file) => [path.join(stage, 'dist/main', file), `dist/main/${file}`]),
    ...['renderer', 'icons'].map((folder) => [path.join(stage, 'dist', folder), `dist/${folder}`]),
  ]);
  const processes = fs.readdirSync(path.join(stage, 'dist/main')).filter((file) => file.endsWith('.mjs'));
  const product = layOut(path.join(stage, 'product'), { name, version, type: 'module' }, [
    ...processes.map((file) => [path.join(stage, 'dist/main', file), `dist/main/${file}`]),
    ...['connector-host', 'connectors', 'postures', 'sdk'].map((folder) => [
      path.join(stage, 'dist', folder),
      `dist/${folder}`,
    ]),
    ...[...native.koffi, ...native.others, ...dependenciesOf('require-addon')].map(module),
  ]);
  fs.writeFileSync(path.join(stage, 'THIRD-PARTY.txt'), thirdParties(root));
  fs.copyFileSync(at('LICENSE'), path.join(stage, 'LICENSE.txt'));
  await build({
    targets: Platform.LINUX.createTarget('dir'),
    publish: 'never',
    projectDir: app,
    config: {
      appId: 'org.sallyport.Sallyport',
      productName,
      directories: { app, output: out, buildResources: at('build/icons') },
      electronDist: electron.dist,
      electronVersion: electron.version,
      electronLanguages: ['en-US'],
      asar: true,
      npmRebuild: false,
      nodeGypRebuild: false,
      files: ['**/*', '!**/*.map'],
      extraResources: [
        { from: product, to: 'product' },
        // The builder leaves folders of this name out, unless they are named.
        { from: path.join(product, 'node_modules'), to: 'product/node_modules' },
        { from: node, to: 'runtime/node' },
        { from: path.join(path.dirname(node), '..', 'LICENSE'), to: 'runtime/LICENSE.txt' },
        { from: at('build/sallyport.sh'), to: 'bin/sallyport' },
        { from: at('entitlements/linux'), to: 'profiles' },
        { from: path.join(stage, 'THIRD-PARTY.txt'), to: 'THIRD-PARTY.txt' },
        { from: path.join(stage, 'LICENSE.txt'), to: 'LICENSE.txt' },
      ],
      electronFuses: fuses,
      afterExtract: ({ appOutDir }) => {
        // What a development Electron carries.
        for (const file of ['resources/default_app.asar', 'version', '.manifest.json'])
          fs.rmSync(path.join(appOutDir, file), { force: true });
        return Promise.resolve();
      },
      linux: {
        executableName: 'sallyport',
        icon: at('build/icons/sallyport.png'),
        syncDesktopName: true,
        category: 'Utility',
      },
    },
  });
  fs.chmodSync(path.join(out, 'linux-unpacked/resources/bin/sallyport'), 0o755);
  const runtime = path.join(out, 'linux-unpacked/resources/runtime');
  fs.chmodSync(path.join(runtime, 'node'), 0o755);
  for (const name of runtimeLinks) fs.linkSync(path.join(runtime, 'node'), path.join(runtime, name));
}

/**
 * @param {string} folder @param {object} described its package.json
 * @param {readonly (readonly string[])[]} parts from, and to within the folder
 */
function layOut(folder, described, parts) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(described, null, 2)}\n`);
  for (const [from = '', to = ''] of parts) {
    fs.cpSync(from, path.join(folder, to), { recursive: true, filter: (source) => !isUnwanted(source) });
  }
  return folder;
}

/** @param {string} name */
function module(name) {
  return [at('node_modules', name), `node_modules/${name}`];
}

/** What a package carries and nothing here runs. @param {string} source */
function isUnwanted(source) {
  const within = source.split(`node_modules${path.sep}`).at(-1) ?? '';
  return unwanted.some((pattern) => pattern.test(within));
}

/** With theirs. @param {string} name @returns {string[]} */
function dependenciesOf(name) {
  const described = JSON.parse(fs.readFileSync(at('node_modules', name, 'package.json'), 'utf8'));
  const own = Object.keys(described.dependencies ?? {});
  return [...new Set(own.flatMap((each) => [each, ...dependenciesOf(each)]))];
}

/** Everything is linked but Electron itself, whose fuse differs. @param {string} out */
async function copyInspectable(out) {
  const from = path.join(out, 'linux-unpacked');
  const to = path.join(out, 'inspectable');
  const { code, output } = await run('cp', ['-a', '--link', from, to]);
  if (code !== 0) throw new Problem(`could not copy ${from}: ${output.trim()}`);
  const binary = path.join(to, 'sallyport');
  fs.rmSync(binary);
  fs.copyFileSync(path.join(from, 'sallyport'), binary);
  await flipFuses(binary, { version: FuseVersion.V1, [FuseV1Options.EnableNodeCliInspectArguments]: true });
}
