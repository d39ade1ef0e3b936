/**
 * `sallyport connector …`: builds, wires, nothing else. It runs no connector code itself: that happens in the sandbox. It
 * holds nothing of a running Sallyport, and talks to none.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { acceptWrapped } from './authoring/accept-wrapped.ts';
import { accept, typesCheck, type Check } from './authoring/acceptance.ts';
import { buildConnector, isSource, resolveFrom } from './authoring/build-connector.ts';
import { checkCode } from './authoring/check-code.ts';
import { develop, shownText } from './authoring/develop.ts';
import { flowChecks } from './authoring/flow-check.ts';
import { manifestTypes } from './authoring/manifest-types.ts';
import { openApiConnector } from './authoring/openapi/connector.ts';
import { openApiContent } from './authoring/openapi/content.ts';
import { readOpenApi } from './authoring/openapi/document.ts';
import { pack } from './authoring/pack.ts';
import { record } from './authoring/record.ts';
import { openRecordings } from './authoring/recording.ts';
import { createReport } from './authoring/report.ts';
import { scaffoldWrap } from './authoring/scaffold-wrap.ts';
import { scaffold, typesFile } from './authoring/scaffold.ts';
import { isWrapped } from './authoring/wrapped-tools.ts';
import { authoringOptionsSchema, type AuthoringOptions } from './cli/authoring-options.ts';
import { explainFailure } from './cli/closing.ts';
import { findPaths } from './cli/paths.ts';
import { withPlace } from './connectors/manifest-place.ts';
import { createOffers } from './connectors/offers.ts';
import { demandedIsolation, readManifest } from './connectors/registry.ts';
import { createToolRegistry } from './connectors/tool-registry.ts';
import { readRegisteredServer } from './connectors/wrapped/registered.ts';
import type { ServerProgram } from './connectors/wrapped/server-program.ts';
import type { DemandedLevel } from './contract/connector-process.ts';
import { Fault } from './contract/errors.ts';
import type { ConnectorManifest } from './contract/manifest.ts';
import { createSecretFinder } from './pipeline/secrets-in-text/secret-finder.ts';
import { productAt, type Product } from './product.ts';

const product = ownProduct();
/** As a start of Sallyport would demand it here. */
const atLeast = (): DemandedLevel | undefined => demandedIsolation(findPaths());
const tools = { productRoot: product.root, sdk: path.join(product.root, 'dist', 'sdk') };

async function main(options: AuthoringOptions): Promise<void> {
  const folder = path.resolve(options.path);
  switch (options.task) {
    case 'new':
      if (isWrapping(options)) {
        tell([`${folder}: manifest.json`, ...newWrapped(folder, options), ''].join('\n'));
        tell(`now: sallyport connector test ${options.path}\n`);
        return;
      }
      newConnector(folder, options);
      // A release has no bundler and no compiler: the connector's own are installed.
      if (resolveFrom(product.root, 'esbuild') === undefined) tell(`first: npm install, in ${options.path}\n`);
      tell(`now: sallyport connector test ${options.path}\n`);
      return;
    case 'types':
      writeFileSync(path.join(folder, typesFile), manifestTypes(withHandlers(checkedManifest(folder))));
      tell(`${path.join(folder, typesFile)}\n`);
      return;
    case 'pack':
      return packConnector(folder);
    case 'dev':
      return options.record.length > 0 ? recordConnector(folder, options) : developConnector(folder, options);
    case 'test':
      return testConnector(folder, options);
  }
}

/** @throws Fault `malformed`: what belongs to a wrapped server without one, or beside a document */
function isWrapping({ wrap, words, program, read, write, openapi }: AuthoringOptions): boolean {
  const isSaid = words.length + read.length + write.length > 0 || program !== undefined;
  if (wrap === undefined && isSaid)
    throw new Fault(
      'malformed',
      'arguments, --program, --read and --write are of a server: name its command by --wrap',
    );
  if (wrap !== undefined && openapi !== undefined)
    throw new Fault('malformed', '--wrap is of a server, --openapi of a document: choose one');
  return wrap !== undefined;
}

function newWrapped(
  folder: string,
  { wrap = '', words: args, program, read, write }: AuthoringOptions,
): readonly string[] {
  return scaffoldWrap(folder, { command: wrap, args, program, read, write, looksSecret: secretFinder() });
}

function secretFinder(): (text: string) => boolean {
  const finder = createSecretFinder();
  return (text) => finder.find(text).length > 0;
}

function newConnector(folder: string, { openapi, operation: operations, allReads, host }: AuthoringOptions): void {
  if (openapi === undefined && (operations.length > 0 || allReads || host !== undefined))
    throw new Fault('malformed', '--operation, --all-reads and --host choose from a document: name it by --openapi');
  let report: readonly string[] = [];
  const files = scaffold(
    folder,
    tools.sdk,
    openapi === undefined
      ? undefined
      : (name) => {
          const made = openApiConnector(readOpenApi(openapi), { name, operations, allReads, host });
          ({ report } = made);
          return openApiContent(made, path.basename(openapi));
        },
  );
  tell([`${folder}: ${files.join(', ')}`, ...report, ''].join('\n'));
}

/** Also with its schemas compiled. @throws Fault `malformed`: file, line and reason */
function checkedManifest(folder: string): ConnectorManifest {
  const { manifest } = readManifest(folder);
  try {
    createOffers([manifest], createToolRegistry([manifest]));
  } catch (error) {
    throw withPlace(error, [{ manifest, folder }]);
  }
  return manifest;
}

/** @throws Fault `malformed`: a wrapped server is its manifest alone */
function withHandlers(manifest: ConnectorManifest): ConnectorManifest {
  if (!isWrapped(manifest)) return manifest;
  const why = 'it wraps a server, so its manifest.json is all of it: there is nothing to type, record or pack';
  throw new Fault('malformed', `${manifest.name}: ${why}`);
}

/** As a start reads it. @throws Fault `malformed`: file, line, and the hash to write */
function checkedServer(folder: string): ServerProgram {
  const { manifest, json } = readManifest(folder);
  const server = readRegisteredServer(folder, { manifest, json, ours: [], looksSecret: secretFinder() });
  if (server === undefined) throw new Fault('internal', 'the manifest wraps no server any more');
  return server;
}

async function packConnector(folder: string): Promise<void> {
  const manifest = withHandlers(checkedManifest(folder));
  await inScratch(async (scratch) => {
    const built = await buildConnector(folder, madeFolder(scratch, 'built'), tools);
    const { file, sha256, bytes } = pack(built, process.cwd(), `${manifest.name}-${manifest.version}`);
    tell(`${file}: ${bytes} bytes, ${built.files.join(', ')}\nsha256 ${sha256}\n`);
    tell(`beside "path" in sallyport.json: "sha256": "${sha256}"\n`);
  });
}

async function testConnector(folder: string, { json, settings, requireExamples }: AuthoringOptions): Promise<void> {
  const report = createReport(json, tell);
  await inScratch(async (scratch) => {
    try {
      const manifest = checkedManifest(folder);
      report.add({
        level: 'ok',
        what: 'manifest',
        why: `${manifest.name} ${manifest.version}, ${isWrapped(manifest) ? 'a wrapped server' : `${manifest.tools.length} tools`}`,
      });
      if (isWrapped(manifest)) {
        const server = checkedServer(folder);
        const wrapped = { product, atLeast: atLeast(), manifest, server, requireExamples, scratch };
        await acceptWrapped({ ...wrapped, tell: report.add });
        return;
      }
      for (const check of flowChecks(manifest)) report.add(check);
      if (isSource(folder)) {
        report.add(typesCheck(folder, typesFile, manifestTypes(manifest)));
        report.add(await checkCode(folder, tools.productRoot));
      }
      const built = await buildConnector(folder, madeFolder(scratch, 'built'), tools);
      report.add({ level: 'ok', what: 'bundle', why: built.files.join(', ') });
      await accept({
        product,
        atLeast: atLeast(),
        manifest,
        built,
        settings: readSettings(settings),
        recordings: openRecordings(folder, manifest),
        requireExamples,
        scratch,
        tell: report.add,
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      report.add(failedBy(error));
    }
  });
  if (!report.end()) process.exitCode = 1;
}

/** Until Ctrl-C, or until the command that started this has gone. */
async function developConnector(folder: string, { json, settings, exposure }: AuthoringOptions): Promise<void> {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.once('disconnect', end);
  process.stdout.removeAllListeners('error').on('error', end);
  const demanded = atLeast();
  await inScratch((scratch) =>
    develop({
      product,
      atLeast: demanded,
      tools,
      folder,
      checkedManifest,
      checkedServer,
      settings: () => readSettings(settings),
      exposure,
      scratch,
      show: (shown) => {
        tell(json ? `${JSON.stringify(shown)}\n` : shownText(shown));
      },
      signal: over.signal,
    }),
  );
}

async function recordConnector(folder: string, { settings, record: wanted }: AuthoringOptions): Promise<void> {
  const manifest = withHandlers(checkedManifest(folder));
  await inScratch(async (scratch) => {
    const { entry } = await buildConnector(folder, madeFolder(scratch, 'built'), tools);
    const files = await record({
      product,
      atLeast: atLeast(),
      folder,
      manifest,
      entry,
      settings: readSettings(settings),
      record: wanted,
    });
    tell(`${files.join('\n')}\nread them before you keep them: what a backend answered is in them\n`);
  });
}

function failedBy(error: Fault): Check {
  return {
    level: 'failed',
    what: error.code === 'malformed' ? 'source' : 'suite',
    why: error.message,
    mend: 'mend it, then test again',
  };
}

function readSettings(file: string | undefined): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    throw new Fault('malformed', `${file} cannot be read as the settings: one JSON object is expected`);
  }
}

async function inScratch(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-connector-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function madeFolder(...parts: readonly string[]): string {
  const folder = path.join(...parts);
  mkdirSync(folder);
  return folder;
}

function tell(text: string): void {
  process.stdout.write(text);
}

/** Entries lie beside this one: bundled in a build, sources in development. */
function ownProduct(): Product {
  const here = fileURLToPath(import.meta.url);
  const extension = here.endsWith('.ts') ? '.ts' : '.mjs';
  const entries = path.dirname(here);
  const root = path.resolve(entries, extension === '.ts' ? '..' : '../..');
  return productAt(root, process.execPath, { entries, extension });
}

/** Wrong usage: this program is started by ours. */
function readOptions(): AuthoringOptions {
  try {
    return authoringOptionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
  } catch {
    process.stderr.write('sallyport: start it with "sallyport connector" (--help lists what there is)\n');
    process.exit(2);
  }
}

process.stdout.on('error', () => process.exit(0));
const options = readOptions();
if (options.task !== 'new' && !existsSync(path.join(options.path, 'manifest.json'))) {
  process.stderr.write(
    `sallyport: ${options.path} has no manifest.json that ${userInfo().username} can read: name a connector's folder\n`,
  );
  process.exit(1);
}
main(options).then(
  // Ends of channels that a killed process left behind would keep this one.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${explainFailure(error)}\n`);
    process.exit(1);
  },
);
