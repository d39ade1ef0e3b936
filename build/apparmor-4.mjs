#!/usr/bin/env node
// Writes entitlements/linux/apparmor-4/sallyport: the profiles of ../apparmor/sallyport in the form of AppArmor 4, which also asks
// who makes user namespaces (`userns`). A line that begins with `#4` is said there only.
// Usage: node build/apparmor-4.mjs     build/apparmor.test.ts sees that it was run
import fs from 'node:fs';
import path from 'node:path';

const folder = path.join(import.meta.dirname, '../entitlements/linux');
const written = path.join(folder, 'apparmor-4/sallyport');

export function profilesOf4() {
  const source = fs.readFileSync(path.join(folder, 'apparmor/sallyport'), 'utf8');
  return [
    '# Made from ../apparmor/sallyport by build/apparmor-4.mjs: change that. NOT COMPILED HERE: no parser of 4.x was at hand.\n',
    source
      .replace('AppArmor 3.x:', 'AppArmor 4.x:')
      .replace('abi <abi/3.0>,', 'abi <abi/4.0>,')
      .replace(/ `#4` marks .*$/m, '')
      .replaceAll(/^( *)#4 /gm, '$1'),
  ].join('');
}

if (process.argv[1] === import.meta.filename) fs.writeFileSync(written, profilesOf4());
