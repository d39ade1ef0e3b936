#!/usr/bin/env node
// npm test: sets up, then unit and process tests as the person (for root: the made user), and last the tests that need
// root, as root, beside the static checks. Its last line is always `N passed, N failed, N skipped`, also when a runner breaks.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, runInForeground, wasInterrupted } from './programs.mjs';
import { main, Problem, say } from './report.mjs';
import { root, setUp } from './set-up.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */
/** @typedef {import('./set-up.mjs').Ground} Ground */

const vitest = 'node_modules/vitest/vitest.mjs';

/** @param {Ground} ground @param {string} scratch @returns {Promise<Tally>} */
async function staticChecks(ground, scratch) {
  const file = path.join(scratch, 'checks.json');
  const env = { ...ground.env, SALLYPORT_CHECKS_FILE: file };
  const code = await runInForeground(ground.node, ['build/check.mjs'], { cwd: ground.tree, env, as: ground.as });
  const passed = readJson(file)?.filter((/** @type {{ passed: boolean }} */ check) => check.passed).length;
  const failed = readJson(file)?.length - passed;
  return tallyOf({ passed, failed, skipped: 0 }, code, 'the static checks');
}

/**
 * @param {Ground} ground
 * @param {{ projects: readonly string[], scratch: string }} which
 * @returns {Promise<Tally>}
 */
async function vitestRun(ground, { projects, scratch }) {
  const file = path.join(scratch, `${projects.join('-')}.json`);
  const args = [
    ...projects.flatMap((project) => ['--project', project]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ];
  const code = await runInForeground(ground.node, [vitest, 'run', '--configLoader', 'runner', ...args], {
    cwd: ground.tree,
    env: ground.env,
    as: ground.as,
  });
  const report = readJson(file);
  // A file that could not even be loaded has no tests of its own to fail.
  const unloaded = report?.testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ { status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const tally = {
    passed: report?.numPassedTests,
    failed: report?.numFailedTests + unloaded,
    skipped: report?.numPendingTests + report?.numTodoTests,
  };
  return tallyOf(tally, code, `vitest (${projects.join(', ')})`);
}

/** Root's tests, each by its name, where they cannot run. @param {Ground} ground @param {string} scratch @returns {Promise<Tally>} */
async function nameSkipped(ground, scratch) {
  const file = path.join(scratch, 'skipped.json');
  const args = [vitest, 'list', '--configLoader', 'runner', '--project', 'root', `--json=${file}`];
  const { code, output } = await run(ground.node, args, { cwd: ground.tree, env: ground.env, as: ground.as });
  const tests = readJson(file);
  if (code !== 0 || !Array.isArray(tests)) {
    console.log(output);
    return tallyOf({}, code, 'the list of tests that need root');
  }
  for (const test of tests) console.log(`skipped, needs root: ${path.relative(ground.tree, test.file)} > ${test.name}`);
  return { passed: 0, failed: 0, skipped: tests.length };
}

/**
 * What a runner counted; a runner that failed without saying what, or said nothing, is a failure of its own.
 * @param {Partial<Tally>} counted
 * @param {number} code
 * @param {string} runner
 * @returns {Tally}
 */
function tallyOf({ passed, failed, skipped }, code, runner) {
  const complete = [passed, failed, skipped].every(Number.isSafeInteger);
  const tally = { passed: passed || 0, failed: failed || 0, skipped: skipped || 0 };
  if (complete && (code === 0) === (tally.failed === 0)) return tally;
  console.log(`FAILED: ${runner} ended with code ${code}${complete ? '' : ' and without a full report'}`);
  return { ...tally, failed: tally.failed + 1 };
}

/** @param {string} file @returns {any} */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {Ground} ground @param {string} scratch @param {(tally: Tally) => void} add */
async function runAll(ground, scratch, add) {
  const tests = () => vitestRun(ground, { projects: ['unit', 'process', 'alone'], scratch });
  const asRoot = { node: ground.node, tree: root, env: process.env };
  const testsOfRoot = () =>
    ground.as ? vitestRun(asRoot, { projects: ['root'], scratch }) : nameSkipped(ground, scratch);
  // Root's tests run one after another, and leave the checks a processor.
  for (const step of [() => [tests()], () => [testsOfRoot(), staticChecks(ground, scratch)]]) {
    for (const tally of await Promise.all(step())) add(tally);
    if (wasInterrupted()) throw new Problem('interrupted: not every test ran');
  }
}

await main(async () => {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-test-'));
  try {
    const ground = await setUp('tests');
    if (ground.as) fs.chownSync(scratch, ground.as.uid, ground.as.gid);
    await runAll(ground, scratch, (tally) => {
      total.passed += tally.passed;
      total.failed += tally.failed;
      total.skipped += tally.skipped;
    });
  } catch (error) {
    total.failed += 1;
    say(error instanceof Error ? error.message : String(error));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
});
