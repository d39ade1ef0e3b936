#!/usr/bin/env node
// Whether the SDK's package can be used as one: what publint and "are the types wrong" find in a fresh build of it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkPackage, Package } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { buildSdk } from './sdk-package.mjs';

/** It is for ES modules on Node 24: how older resolutions fail is no finding. */
const older = ['node10', 'node16-cjs'];

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-sdk-'));
try {
  await buildSdk(folder, { bundle: true, format: 'esm', platform: 'node', target: 'node24', logLevel: 'warning' });
  const described = /** @type {{ name: string, version: string }} */ (
    JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
  );
  const files = Object.fromEntries(
    fs
      .readdirSync(folder)
      .map((name) => [`/node_modules/${described.name}/${name}`, fs.readFileSync(path.join(folder, name), 'utf8')]),
  );
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: false });
  const checked = await checkPackage(new Package(files, described.name, described.version));
  const found = [
    ...messages.map((message) => formatMessage(message, described) ?? message.code),
    ...(checked.types === false ? ['there are no types'] : checked.problems.filter(isOurs).map(({ kind }) => kind)),
  ];
  for (const line of found) console.log(line);
  process.exitCode = found.length === 0 ? 0 : 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

/** @param {import('@arethetypeswrong/core').Problem} problem */
function isOurs(problem) {
  return !('resolutionKind' in problem && older.includes(problem.resolutionKind));
}
