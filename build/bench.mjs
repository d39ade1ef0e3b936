#!/usr/bin/env node
// npm run bench -- NAME [ARGS…] runs test/bench/NAME.bench.ts; npm run soak -- NAME runs test/bench/NAME.soak.ts. What is
// called NAME.root.bench.ts looks into the processes of the made user: it runs as root.
import fs from 'node:fs';
import path from 'node:path';
import { runInForeground } from './programs.mjs';
import { main, Problem } from './report.mjs';
import { root, setUp } from './set-up.mjs';

const folder = path.join('test', 'bench');

await main(async () => {
  const [kind, name, ...args] = process.argv.slice(2);
  const ending = new RegExp(`(\\.root)?\\.${kind}\\.ts$`);
  const files = fs.readdirSync(path.join(root, folder)).filter((file) => ending.test(file));
  const file = files.find((each) => each.replace(ending, '') === name);
  if (file === undefined) {
    const names = files.map((each) => each.replace(ending, ''));
    throw new Problem(
      `usage: npm run ${kind} -- NAME, where NAME is ${names.length > 0 ? `one of ${names.join(', ')}` : 'none yet'}`,
    );
  }
  const { node, tree, env, as } = await setUp('tests');
  const command = [path.join(folder, file), ...args];
  if (!file.includes('.root.')) return runInForeground(node, command, { cwd: tree, env, as });
  if (!as) throw new Problem(`"${name}" reads the memory of other processes: run it as root`);
  return runInForeground(node, command, { cwd: root });
});
