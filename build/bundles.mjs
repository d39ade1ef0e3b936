// Builds dist/ on Node 24, and only when something that goes into it changed.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

const sources = [
  'main',
  'renderer',
  'connector-host',
  'test/lab',
  'test/screen',
  'build/bundle.mjs',
  'build/sdk-package.mjs',
  'build/icons',
  'build/pack.mjs',
  'build/pack-stamp.mjs',
  'build/third-parties.mjs',
  'build/sallyport.sh',
  'build/runtime.mjs',
  'build/electron-runtime.mjs',
  'package.json',
  'package-lock.json',
];

/**
 * @param {string} root
 * @param {string} node the Node 24 binary
 */
export async function ensureBundles(root, node) {
  const stamp = path.join(root, 'dist', '.sources');
  const wanted = hashOf(root);
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted) return;
  await step('building', async () => {
    const { code, output } = await run(node, [path.join(root, 'build', 'bundle.mjs')], { cwd: root });
    if (code !== 0) throw new Problem(`the build failed:\n${output.trim()}`);
    fs.writeFileSync(stamp, wanted);
  });
}

/** SHA-256 over the names and contents of files and folders; else of everything that is bundled. @param {string} root @param {readonly string[]} from */
export function hashOf(root, from = sources) {
  const hash = createHash('sha256');
  for (const source of from) {
    for (const file of filesUnder(path.join(root, source))) {
      hash.update(`${path.relative(root, file)}\0`).update(createHash('sha256').update(fs.readFileSync(file)).digest());
    }
  }
  return hash.digest('hex');
}

/** @param {string} at @returns {string[]} sorted, without tests */
function filesUnder(at) {
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isFile()) return /\.(test\.ts|md)$/.test(at) ? [] : [at];
  return fs
    .readdirSync(at)
    .sort()
    .flatMap((name) => filesUnder(path.join(at, name)));
}
