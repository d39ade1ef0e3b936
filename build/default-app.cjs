// What the development Electron runs when it carries no application: the folder it is given, as the stock one does.
// `-r MODULE` is for Playwright. A packaged application's app.asar is found first, and packages do not have this file.
'use strict';
const { app } = require('electron/main');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const given = process.argv.slice(1);
const required = [];
let at = 0;
for (; at < given.length && given[at].startsWith('-'); at += 1) {
  if (given[at] === '-r' || given[at] === '--require') required.push(given[(at += 1)]);
  else if (given[at] === '--version') {
    console.log(`v${process.versions.electron}`);
    process.exit(0);
  }
}
const folder = given[at];
if (folder === undefined) {
  console.error('usage: electron [OPTIONS] FOLDER [ARGUMENTS]');
  process.exit(1);
}
const root = path.resolve(folder);
const described = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
process.defaultApp = true;
app.setAppPath(root);
app.setName(described.productName ?? described.name);
app.setVersion(described.version);
if (described.desktopName) app.setDesktopName(described.desktopName);
Module._preloadModules(required);
// At once: what an application does before `ready` must be done before this file ends.
require(path.join(root, described.main));
