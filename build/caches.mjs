// Where what set-up fetches is kept, outside every checkout; and how a pinned package comes into it, whole or not at all.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem } from './report.mjs';

/** @typedef {{ readonly spec: string, readonly integrity: string }} PinnedPackage `integrity` of its tarball, as in a lockfile */

/**
 * Where root puts it, all may use it; a person's own cache is used after that one.
 * @param {string} kind
 * @returns {readonly string[]} the last is the one to write to
 */
export function cacheFolders(kind) {
  const system = path.join('/var/cache/sallyport', kind);
  if (process.getuid?.() === 0) return [system];
  return [system, path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'sallyport', kind)];
}

export function platform() {
  return `${process.platform}-${process.arch}`;
}

/** @param {Uint8Array} bytes */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Any write changes the time of status change. Of a link, not of what it names. @param {string} file */
export function fingerprint(file) {
  const { dev, ino, size, mtimeNs, ctimeNs } = fs.lstatSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join('-');
}

/**
 * Builds a folder beside its place and renames it there: nobody ever sees half of it.
 * @param {string} folder
 * @param {(tree: string, scratch: string) => Promise<void>} build fills `tree`
 */
export async function intoPlace(folder, build) {
  const cache = path.dirname(folder);
  fs.mkdirSync(cache, { recursive: true, mode: 0o755 });
  const scratch = fs.mkdtempSync(path.join(cache, '.new-'));
  try {
    const tree = path.join(scratch, 'tree');
    fs.mkdirSync(tree, { mode: 0o755 });
    await build(tree, scratch);
    // Renamed, not deleted in place: a process may be starting from the old one just now.
    if (fs.existsSync(folder)) fs.renameSync(folder, path.join(scratch, 'old'));
    fs.renameSync(tree, folder);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * With the ordinary client, so that the person's registry, proxy and authorities apply.
 * @param {PinnedPackage} pin @param {string} folder
 */
export async function fetchTarball({ spec }, folder) {
  const { code, output } = await run('npm', ['pack', spec, '--silent', '--pack-destination', folder], { cwd: folder });
  const name = fs.readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (code !== 0 || name === undefined) {
    const last = output.trim().split('\n').at(-1) ?? '';
    throw new Problem(`npm could not fetch ${spec}; check the network and the registry. ${last}`);
  }
  return fs.readFileSync(path.join(folder, name));
}

/** @param {PinnedPackage} pin @param {Uint8Array} tarball */
export function checkIntegrity({ spec, integrity }, tarball) {
  const got = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (got !== integrity) throw new Problem(`${spec} is not what was pinned (got ${got}): do not use this registry`);
}
