#!/usr/bin/env node
// npm run bench -- NAME [ARGS…] runs test/bench/NAME.bench.ts; npm run soak -- NAME runs test/bench/NAME.soak.ts.
import fs from 'node:fs';
import path from 'node:path';
import { runInForeground } from './programs.mjs';
import { main, Problem } from './report.mjs';

const folder = path.join('test', 'bench');

await main(async () => {
  const [kind, name, ...args] = process.argv.slice(2);
  const ending = `.${kind}.ts`;
  const names = (fs.existsSync(folder) ? fs.readdirSync(folder) : [])
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
  if (name === undefined || !names.includes(name)) {
    throw new Problem(
      `usage: npm run ${kind} -- NAME, where NAME is ${names.length > 0 ? `one of ${names.join(', ')}` : 'none yet'}`,
    );
  }
  return runInForeground(process.execPath, [path.join(folder, name + ending), ...args], {});
});
