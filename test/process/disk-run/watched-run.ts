/** `watched-run SETTINGS`: as root, first process of a PID namespace of its own. Watches, runs `run.ts` as the person, reports. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { readNeedles } from '../../attacks/needles.ts';
import { watchFiles } from './file-watch.ts';
import { secretsIn } from './secrets-in.ts';
import type { RunLine, WatchReport, WatchSettings } from './settings.ts';

const { as, tree, temporary, ...settings } = JSON.parse(process.argv[2] ?? '') as WatchSettings;
const watch = watchFiles();
const run = spawn(process.execPath, [path.join(tree, 'test/process/disk-run/run.ts'), JSON.stringify(settings)], {
  cwd: '/',
  env: { PATH: '/usr/bin:/bin', TMPDIR: temporary },
  stdio: ['ignore', 'pipe', 'inherit'],
  ...as,
});
// Ahead of whom it watches: what is written over before it was read is not seen.
os.setPriority(-15);
const said: RunLine[] = [];
readline.createInterface({ input: run.stdout }).on('line', (line) => said.push(JSON.parse(line) as RunLine));
const code = await new Promise<number | null>((resolve) => run.once('close', resolve));
await watch.end();

const challenges = said.flatMap((line) => ('challenge' in line ? [line.challenge] : []));
const planted = Object.entries(settings.planted).map(([way, value]) => ({ name: `planted: ${way}`, value }));
const report: WatchReport = {
  said,
  code,
  paths: watch.written.filter(({ contents }) => contents.some(({ length }) => length > 0)).map((file) => file.path),
  names: [...watch.names],
  findings: secretsIn(watch, { needles: [...readNeedles(settings.needles), ...planted], challenges }),
  blind: [...watch.blind],
};
process.stdout.write(JSON.stringify(report));
