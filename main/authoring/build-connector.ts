/**
 * From a connector's folder to what runs: one bundle, its manifest, and what lies beside a bundle. Guarantees the same
 * bytes for the same sources and the same bundler. Runs the author's bundler, never the connector's code.
 */
import { copyFileSync, existsSync, lstatSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault } from '../contract/errors.ts';
import { sdkName } from './scaffold.ts';

export interface Built {
  /** Files by name, sorted: manifest.json, connector.mjs and what the connector reads beside them. */
  readonly files: readonly string[];
  readonly entry: string;
}

export interface Tools {
  /** The product's root: its packages stand in where the author has none of their own. */
  readonly productRoot: string;
  /** The folder of the SDK's package. */
  readonly sdk: string;
}

/** What is used of esbuild: it is the author's, and a release has none. */
interface Bundler {
  build(options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

const source = 'connector.ts';
const built = ['connector.mjs', 'connector.js'];

/** Writes into `target`, which exists and is empty. @throws Fault `malformed` with what is wrong in the sources */
export async function buildConnector(folder: string, target: string, tools: Tools): Promise<Built> {
  const beside = isSource(folder) ? ['manifest.json'] : shippedFiles(folder);
  for (const file of beside) copyFileSync(path.join(folder, file), path.join(target, file));
  if (isSource(folder)) await bundle(folder, path.join(target, 'connector.mjs'), tools);
  const files = readdirSync(target).sort();
  const entry = built.find((name) => files.includes(name));
  if (entry === undefined)
    throw new Fault('malformed', `${folder} has no ${source} and no connector.mjs: export one "connector" from it`);
  return { files, entry: path.join(target, entry) };
}

export function isSource(folder: string): boolean {
  return existsSync(path.join(folder, source));
}

/** Of a folder that is built already: its own files, without maps and folders. */
function shippedFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => lstatSync(path.join(folder, name)).isFile() && !name.endsWith('.map'));
}

async function bundle(folder: string, outfile: string, tools: Tools): Promise<void> {
  const bundler = await findBundler(folder, tools);
  const ownSdk = resolveFrom(folder, sdkName);
  try {
    await bundler.build({
      absWorkingDir: folder,
      entryPoints: [source],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      legalComments: 'none',
      logLevel: 'silent',
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      ...(ownSdk === undefined ? { alias: { [sdkName]: path.join(tools.sdk, 'sdk.js') } } : {}),
    });
  } catch (error) {
    throw new Fault('malformed', inWords(error, folder));
  }
}

/** The bundler's errors as `file:line: reason`. */
function inWords(error: unknown, folder: string): string {
  const { errors = [] } = error as { readonly errors?: readonly BundlerError[] };
  if (errors.length === 0) return `${folder}: ${error instanceof Error ? error.message : 'it cannot be bundled'}`;
  return errors
    .map(({ text, location }) =>
      location ? `${path.join(folder, location.file)}:${location.line}: ${text}` : `${folder}: ${text}`,
    )
    .join('\n');
}

interface BundlerError {
  readonly text: string;
  readonly location?: { readonly file: string; readonly line: number } | null;
}

async function findBundler(folder: string, { productRoot }: Tools): Promise<Bundler> {
  const found = resolveFrom(folder, 'esbuild') ?? resolveFrom(productRoot, 'esbuild');
  if (found === undefined)
    throw new Fault('malformed', `there is no bundler: run "npm install --save-dev esbuild" in ${folder}`);
  const module = (await import(pathToFileURL(found).href)) as { readonly default?: Bundler } & Bundler;
  return module.default ?? module;
}

/** Undefined where it is not installed. */
export function resolveFrom(folder: string, name: string): string | undefined {
  try {
    return createRequire(path.join(folder, 'package.json')).resolve(name);
  } catch {
    return undefined;
  }
}
