// The connector SDK as a package: one module, its declarations, and what a registry wants to know.
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';
import { Problem } from './report.mjs';

const root = path.dirname(import.meta.dirname);
const from = path.join(root, 'connector-host', 'sdk');

/** @param {string} into @param {import('esbuild').BuildOptions} common */
export async function buildSdk(into, common) {
  fs.mkdirSync(into, { recursive: true });
  await build({
    ...common,
    banner: {},
    sourcemap: false,
    outExtension: {},
    entryPoints: { sdk: path.join(from, 'sdk.ts') },
    outdir: into,
  });
  for (const name of fs.readdirSync(from).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')))
    fs.writeFileSync(path.join(into, name.replace(/\.ts$/, '.d.ts')), declarations(name));
  fs.writeFileSync(path.join(into, 'package.json'), `${JSON.stringify(described(), null, 2)}\n`);
  fs.copyFileSync(path.join(root, 'docs', 'connector-sdk.md'), path.join(into, 'README.md'));
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(into, 'LICENSE'));
}

/** @param {string} name */
function declarations(name) {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(fs.readFileSync(path.join(from, name), 'utf8'), {
    fileName: name,
    compilerOptions: { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.NodeNext, isolatedDeclarations: true },
  });
  const [wrong] = diagnostics;
  if (wrong) throw new Problem(`${name}: ${ts.flattenDiagnosticMessageText(wrong.messageText, '\n')}`);
  const text = outputText.replaceAll(/(from '\.\/[^']+)\.ts'/g, "$1.js'");
  // Duplex and AbortSignal, wherever the package is linked from.
  return text.includes("'node:") || text.includes('AbortSignal') ? `/// <reference types="node" />\n${text}` : text;
}

function described() {
  const { version, license } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  return {
    name: '@sallyport/connector-sdk',
    version,
    description: 'What a connector of Sallyport is written with: typed handlers that never see a credential.',
    license,
    type: 'module',
    exports: { '.': { types: './sdk.d.ts', default: './sdk.js' }, './package.json': './package.json' },
    files: ['*.js', '*.d.ts'],
    sideEffects: false,
    engines: { node: '>=24' },
    dependencies: { '@types/node': devDependencies['@types/node'] },
  };
}
