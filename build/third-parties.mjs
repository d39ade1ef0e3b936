// Names every package whose code a package of ours carries, with its licence's text where it ships one.
import fs from 'node:fs';
import path from 'node:path';

/** @param {string} root @returns {string} */
export function thirdParties(root) {
  const { packages } = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const entries = Object.entries(packages)
    .filter(([at, { dev, optional }]) => at !== '' && !dev && (!optional || fs.existsSync(path.join(root, at))))
    .map(([at]) => describe(path.join(root, at)))
    .sort();
  return `Sallyport carries code of these packages. Electron and Chromium name theirs in LICENSES.chromium.html.\n\n${entries.join('\n')}`;
}

/** @param {string} folder */
function describe(folder) {
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = fs
    .readdirSync(folder)
    .find((each) => /^licen[cs]e/i.test(each) && fs.statSync(path.join(folder, each)).isFile());
  const text = file === undefined ? '' : fs.readFileSync(path.join(folder, file), 'utf8').trim();
  return `${'='.repeat(80)}\n${name} ${version} (${license ?? 'licence in its own files'})\n\n${text}\n`;
}
