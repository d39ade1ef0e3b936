#!/usr/bin/env node
// node build/on-node24.mjs [SCRIPT [ARGS…]]: sets up, which builds; then runs SCRIPT on Node 24 as the right user.
import { runInForeground } from './programs.mjs';
import { main } from './report.mjs';
import { setUp } from './set-up.mjs';

await main(async () => {
  const [script, ...args] = process.argv.slice(2);
  const { node, tree, env, as } = await setUp('tests');
  if (script === undefined) return 0;
  return runInForeground(node, [script, ...args], { cwd: tree, env, as });
});
