// Debian packages that npm cannot bring. The one list; SECURITY.md says what each is for.
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

/** @typedef {{ readonly name: string, readonly program: string }} SystemPackage `program` proves that it is installed */

/** @type {readonly SystemPackage[]} */
const needed = [{ name: 'bubblewrap', program: 'bwrap' }];

/**
 * @param {readonly SystemPackage[]} packages
 * @param {readonly string[]} folders where programs are looked for
 */
export function missingPackages(packages, folders) {
  const present = (/** @type {string} */ program) =>
    folders.some((folder) => fs.existsSync(path.join(folder, program)));
  return packages.filter(({ program }) => !present(program)).map(({ name }) => name);
}

/**
 * Installs what is missing as root; else stops with one line that names it.
 * @param {{ isRoot: boolean, missing?: readonly string[], runProgram?: typeof run }} machine
 */
export async function ensureSystemPackages({ isRoot, missing = missingNow(), runProgram = run }) {
  if (missing.length === 0) return;
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isRoot) throw new Problem(`these packages are missing; install them, then run again: sudo sh -c '${install}'`);
  await step(`installing ${missing.join(', ')} with apt-get`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const apt = async (/** @type {string[]} */ ...args) => {
      const { code, output } = await runProgram('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { env });
      if (code !== 0) throw new Problem(`apt-get failed; run this and see why: ${install}\n${output.trim()}`);
    };
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...missing);
  });
}

function missingNow() {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/bin', '/usr/local/bin'];
  return missingPackages(needed, folders);
}
