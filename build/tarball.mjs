// Reads chosen files out of an npm tarball, in memory: nothing is written before its hash was checked.
import { gunzipSync } from 'node:zlib';
import { Problem } from './report.mjs';

const block = 512;

/**
 * @param {Uint8Array} tarball gzip over POSIX ustar
 * @param {readonly string[]} wanted exact names of regular files
 * @returns {Map<string, Buffer>} every wanted file
 */
export function readTarball(tarball, wanted) {
  const tar = gunzipSync(tarball, { maxOutputLength: 512 * 1024 * 1024 });
  /** @type {Map<string, Buffer>} */
  const found = new Map();
  for (let at = 0; at + block <= tar.length;) {
    const name = field(tar, at, 100);
    if (name === '') break;
    const size = Number.parseInt(field(tar, at + 124, 12), 8);
    if (!Number.isSafeInteger(size) || at + block + size > tar.length)
      throw new Problem('the package is damaged: run again');
    const type = field(tar, at + 156, 1);
    if (wanted.includes(name) && (type === '0' || type === ''))
      found.set(name, tar.subarray(at + block, at + block + size));
    at += block + Math.ceil(size / block) * block;
  }
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length > 0) throw new Problem(`the package does not contain ${missing.join(', ')}`);
  return found;
}

/** @param {Buffer} tar @param {number} from @param {number} length */
function field(tar, from, length) {
  const end = tar.indexOf(0, from);
  return tar.toString('utf8', from, end < 0 || end > from + length ? from + length : end).trim();
}
