// Debian packages that npm cannot bring. The one list; SECURITY.md says what each is for.
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

/** @typedef {'headless' | 'tray' | 'tests'} Purpose each needs what the one before does, and more */
/** @typedef {{ readonly name: string, readonly proof: string }} SystemPackage `proof`: a program, library or file that it brings */

/** @type {Readonly<Record<Purpose, readonly SystemPackage[]>>} */
const added = {
  headless: [{ name: 'bubblewrap', proof: 'bwrap' }],
  tray: [
    { name: 'libgtk-3-0', proof: 'libgtk-3.so.0' },
    { name: 'libnss3', proof: 'libnss3.so' },
    { name: 'libasound2', proof: 'libasound.so.2' },
    { name: 'libgbm1', proof: 'libgbm.so.1' },
    { name: 'fonts-dejavu-core', proof: '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf' },
    // Whether this desktop shows tray icons is asked with gdbus.
    { name: 'libglib2.0-bin', proof: 'gdbus' },
    // The screen of a machine without one.
    { name: 'xvfb', proof: 'Xvfb' },
    // The hands of the person before it.
    { name: 'xdotool', proof: 'xdotool' },
    { name: 'dbus-daemon', proof: 'dbus-daemon' },
    { name: 'dbus-session-bus-common', proof: '/usr/share/dbus-1/session.conf' },
  ],
  tests: [
    { name: 'chromium', proof: 'chromium' },
    { name: 'libnss3-tools', proof: 'certutil' },
    { name: 'openbox', proof: 'openbox' },
    { name: 'lxqt-panel', proof: 'lxqt-panel' },
    { name: 'imagemagick', proof: 'import' },
    { name: 'squid', proof: 'squid' },
    { name: 'mitmproxy', proof: 'mitmdump' },
    { name: 'gdb', proof: 'gdb' },
    { name: 'xclip', proof: 'xclip' },
    // The compilers of the profiles in entitlements/linux.
    { name: 'apparmor', proof: '/usr/sbin/apparmor_parser' },
    { name: 'checkpolicy', proof: 'checkmodule' },
    { name: 'semodule-utils', proof: 'semodule_package' },
  ],
};

/** @param {Purpose} purpose @returns {readonly SystemPackage[]} */
function neededFor(purpose) {
  if (purpose === 'headless') return added.headless;
  const tray = [...added.headless, ...added.tray];
  return purpose === 'tray' ? tray : [...tray, ...added.tests];
}

/**
 * @param {readonly SystemPackage[]} packages
 * @param {readonly string[]} folders where programs and libraries are looked for
 */
export function missingPackages(packages, folders) {
  const present = (/** @type {string} */ proof) =>
    path.isAbsolute(proof) ? fs.existsSync(proof) : folders.some((folder) => fs.existsSync(path.join(folder, proof)));
  return packages.filter(({ proof }) => !present(proof)).map(({ name }) => name);
}

/**
 * Installs what is missing as root; else stops with one line that names it.
 * @param {{ isRoot: boolean, purpose?: Purpose, missing?: readonly string[], runProgram?: typeof run }} machine
 */
export async function ensureSystemPackages({
  isRoot,
  purpose = 'headless',
  missing = missingNow(purpose),
  runProgram = run,
}) {
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

/** @param {Purpose} purpose */
function missingNow(purpose) {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/lib64', '/usr/lib', `/usr/lib/${triplet}`];
  return missingPackages(neededFor(purpose), [...(process.env.PATH ?? '').split(':'), ...folders]);
}
