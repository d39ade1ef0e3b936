#!/usr/bin/env node
// npm run check: every static check, one line each; what a failed one printed follows it.
// With SALLYPORT_CHECKS_FILE the verdicts also go there, as JSON: [{ "name", "passed" }].
import fs from 'node:fs';
import os from 'node:os';
import { run } from './programs.mjs';
import { main } from './report.mjs';

/** @type {readonly (readonly [name: string, program: string, ...args: string[]])[]} */
const checks = [
  ['types', 'node_modules/typescript/bin/tsc', '-b'],
  // No cache: rules that know types depend on more than the file they report.
  ['eslint', 'node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.'],
  ['prettier', 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  [
    'imports',
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    'main',
    'renderer',
    'connector-host',
    'test',
    'build',
    'bin',
  ],
  ['unused', 'node_modules/knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors'],
  ['sdk', 'build/check-sdk.mjs'],
];

await main(async () => {
  // What is used at the same time, the tests above all, goes before.
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  const only = process.argv.slice(2);
  /** @type {{ name: string, passed: boolean }[]} */
  const verdicts = [];
  const waiting = checks.filter(([name]) => only.length === 0 || only.includes(name)).values();
  const runWaiting = async () => {
    for (const [name, program, ...args] of waiting) {
      const startedAt = performance.now();
      const { code, output } = await run(process.execPath, [program, ...args]);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`check ${name}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
      if (code !== 0) console.log(output.trim());
      verdicts.push({ name, passed: code === 0 });
    }
  };
  // Each keeps one processor busy, and CI has two.
  await Promise.all([runWaiting(), runWaiting()]);
  const file = process.env.SALLYPORT_CHECKS_FILE;
  if (file !== undefined) fs.writeFileSync(file, JSON.stringify(verdicts));
  return verdicts.every(({ passed }) => passed) ? 0 : 1;
});
