#!/usr/bin/env node
// node build/on-node24.mjs [--for tray|tests] [SCRIPT [ARGS…]]: sets up, which builds; then runs SCRIPT on Node 24 as
// the right user. What a script needs of the machine is said by package.json: a build needs no browser.
import { runInForeground } from './programs.mjs';
import { main, Problem } from './report.mjs';
import { setUp } from './set-up.mjs';

const purposes = /** @type {const} */ (['headless', 'tray', 'tests']);

await main(async () => {
  const given = process.argv.slice(2);
  const purpose = given[0] === '--for' ? purposes.find((each) => each === given[1]) : 'headless';
  if (purpose === undefined) throw new Problem('usage: node build/on-node24.mjs [--for tray|tests] [SCRIPT [ARGS…]]');
  const [script, ...args] = given[0] === '--for' ? given.slice(2) : given;
  const { node, tree, env, as } = await setUp(purpose);
  if (script === undefined) return 0;
  return runInForeground(node, [script, ...args], { cwd: tree, env, as });
});
