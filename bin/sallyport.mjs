#!/usr/bin/env node
// The `sallyport` command in a checkout: runs the built product on Node 24, as the made user when root started it.
// `sallyport mcp` is the bridge that agents start; everything else is the command itself.
import fs from 'node:fs';
import path from 'node:path';
import { runInForeground } from '../build/programs.mjs';
import { main } from '../build/report.mjs';
import { findGround, setUp } from '../build/set-up.mjs';

await main(async () => {
  const args = process.argv.slice(2);
  const program = path.join('dist', 'main', args[0] === 'mcp' ? 'bridge.mjs' : 'sallyport.mjs');
  const ready = findGround();
  const { node, tree, env, as } = ready && fs.existsSync(path.join(ready.tree, program)) ? ready : await setUp();
  // What writes an author's files runs as their author. It runs no connector code.
  const own = args[0] === 'connector' && !['dev', 'test'].includes(args[1] ?? '');
  // The person's own folder: relative paths on the command line are theirs.
  return runInForeground(node, [path.join(tree, program), ...args], own ? { env: process.env } : { env, as });
});
