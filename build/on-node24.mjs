#!/usr/bin/env node
// node build/on-node24.mjs SCRIPT [ARGS…]: sets up, then runs SCRIPT on Node 24 as the right user.
import { runInForeground } from './programs.mjs';
import { main, Problem } from './report.mjs';
import { setUp } from './set-up.mjs';

await main(async () => {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new Problem('usage: node build/on-node24.mjs SCRIPT [ARGS…]');
  const { node, tree, env, as } = await setUp();
  return runInForeground(node, [script, ...args], { cwd: tree, env, as });
});
