/**
 * The shell without Electron: builds, wires, nothing else. It holds no secret, but authority; it hardens itself before
 * it reads anything, and everything it starts ends with it.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClosing, explainFailure } from './cli/closing.ts';
import { createReporter } from './cli/reporter.ts';
import { upOptionsSchema, type UpOptions } from './cli/up-options.ts';
import type { HardeningReport } from './contract/hardening.ts';
import { productAt, type Product } from './product.ts';
import { harden } from './secrets/harden.ts';
import { startShell } from './start-shell.ts';

async function main(): Promise<void> {
  const startedAtMs = performance.now();
  const ownHardening = hardened();
  const options = readOptions();
  const reporter = createReporter(options.json);
  const closing = createClosing(reporter);
  closing.onSignals(options.endWithInput);
  try {
    await startShell({
      options,
      product: ownProduct(),
      runtimeName: `Node.js ${process.version}`,
      ownHardening,
      reporter,
      closing,
      startedAtMs,
      onChange: () => undefined,
    });
  } catch (error) {
    closing.fail(error);
  }
}

/** Nothing else is opened yet: what fails here ends at once, with one line. */
function hardened(): HardeningReport {
  try {
    return { ...harden({ dieWithParent: false }), lockedMemory: false };
  } catch (error) {
    process.stderr.write(`${explainFailure(error)}\n`);
    process.exit(1);
  }
}

/** Wrong usage: this program is started by ours. */
function readOptions(): UpOptions {
  try {
    return upOptionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
  } catch {
    process.stderr.write(
      'sallyport: start it with "sallyport up --headless" (sallyport up --help lists what there is)\n',
    );
    process.exit(2);
  }
}

/** Entries lie beside this one: bundled in a build, sources in development. */
function ownProduct(): Product {
  const here = fileURLToPath(import.meta.url);
  const extension = here.endsWith('.ts') ? '.ts' : '.mjs';
  const entries = path.dirname(here);
  const root = path.resolve(entries, extension === '.ts' ? '..' : '../..');
  return productAt(root, process.execPath, { entries, extension });
}

void main();
