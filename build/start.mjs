#!/usr/bin/env node
// npm start: sets up, then shows the product at work, with the lab, until Ctrl-C.
import { runInForeground } from './programs.mjs';
import { main } from './report.mjs';
import { setUp } from './set-up.mjs';

await main(async () => {
  const { node, tree, env, as } = await setUp('tray');
  return runInForeground(node, ['dist/lab/demonstration.mjs', ...process.argv.slice(2)], { cwd: tree, env, as });
});
