#!/usr/bin/env node
/** The `sallyport` command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
import { CommanderError } from 'commander';
import { explainFailure } from './closing.ts';
import { createProgram } from './program.ts';

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what was wrong; --help and --version end here too.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`${explainFailure(error)}\n`);
    process.exitCode = 1;
  }
}

process.stdout.on('error', () => process.exit(0));
await main();
