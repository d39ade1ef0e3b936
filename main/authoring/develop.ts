/**
 * `connector dev`: after each change of the folder, the connector anew in its sandbox, behind a gateway and its recordings,
 * and its examples through every stage. Guarantees that a mistake ends a round and never the watching, and that nothing of
 * a round is left once it is over. Trusts the folder as its author does; the connector not more than anywhere.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Classification } from '../contract/labels.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import type { ServerProgram } from '../connectors/wrapped/server-program.ts';
import type { WrappedManifest } from '../connectors/wrapped/wrapped-tool.ts';
import type { ConnectorManifest, ToolManifest } from '../contract/manifest.ts';
import type { Product } from '../product.ts';
import { exampleCheck, isCallable, typesCheck, type Check } from './acceptance.ts';
import { buildConnector, isSource, type Tools } from './build-connector.ts';
import { checkCode } from './check-code.ts';
import { manifestTypes } from './manifest-types.ts';
import { openRecordings, type Recordings } from './recording.ts';
import { typesFile } from './scaffold.ts';
import { approval, startStand, type Stand } from './stand.ts';
import { traceOf, traceText, type Trace } from './trace.ts';
import { watchFolder } from './watch-folder.ts';
import { definitionChecks, isWrapped, offline, toolsOf } from './wrapped-tools.ts';

export interface Development {
  readonly product: Product;
  readonly atLeast: DemandedLevel | undefined;
  readonly tools: Tools;
  readonly folder: string;
  readonly checkedManifest: (folder: string) => ConnectorManifest;
  /** Of a wrapped server. */
  readonly checkedServer: (folder: string) => ServerProgram;
  readonly settings: () => Readonly<Record<string, unknown>>;
  readonly exposure: Classification;
  /** Empty, for what is built. */
  readonly scratch: string;
  readonly show: (shown: Shown) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export type Shown =
  | { readonly event: 'round'; readonly changed: string | null }
  | ({ readonly event: 'check' } & Check)
  | { readonly event: 'example'; readonly tool: string; readonly title: string; readonly trace: Trace }
  | { readonly event: 'watching' };

const noBackend = { backend: () => Promise.resolve(null), requests: () => null };

export async function develop(wanted: Development): Promise<void> {
  const { folder, show, signal } = wanted;
  let changed: string | null = null;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    // Before anything is read: what changes meanwhile makes the next round.
    const watched = watchFolder(folder, typesFile, signal);
    try {
      show({ event: 'round', changed });
      await runRound(wanted);
      if (!isOver()) show({ event: 'watching' });
      changed = await watched.changed;
    } finally {
      watched.close();
    }
  }
}

async function runRound(wanted: Development): Promise<void> {
  const { folder, scratch, tools, signal } = wanted;
  const add = (check: Check): void => {
    if (!signal.aborted) wanted.show({ event: 'check', ...check });
  };
  const target = path.join(scratch, 'built');
  let code: Promise<Check> | undefined;
  try {
    mkdirSync(target);
    const manifest = wanted.checkedManifest(folder);
    if (isWrapped(manifest)) {
      await runWrapped(wanted, { manifest, target, add });
      return;
    }
    const recordings = openRecordings(folder, manifest);
    if (isSource(folder)) {
      add(writeTypes(folder, manifestTypes(manifest)));
      code = checkCode(folder, tools.productRoot, signal);
    }
    const { entry } = await buildConnector(folder, target, tools);
    if (!signal.aborted) await runExamples(wanted, { manifest, entry, recordings, add });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    add({ level: 'failed', what: 'source', why: error.message, mend: 'mend it, and save' });
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
  if (code !== undefined) add(await code);
}

/** Writes only what differs, and where this may write. */
function writeTypes(folder: string, types: string): Check {
  const file = path.join(folder, typesFile);
  try {
    if (readFileSync(file, 'utf8') !== types) writeFileSync(file, types);
  } catch {
    // Absent or not ours to write: the check says which command makes it.
  }
  return typesCheck(folder, typesFile, types);
}

/** All that its examples need: there is nothing to build. */
async function runWrapped(
  wanted: Development,
  { manifest: whole, target, add }: { manifest: WrappedManifest; target: string; add: Round['add'] },
): Promise<void> {
  const manifest = offline(whole);
  const server = wanted.checkedServer(wanted.folder);
  const entry = path.join(target, 'manifest.json');
  writeFileSync(entry, JSON.stringify(manifest));
  const recordings = { ...noBackend, deviations: () => [] };
  if (!wanted.signal.aborted) await runExamples(wanted, { manifest, entry, recordings, server, add });
}

/** A connector's own; of a wrapped server those that it was approved to have, which are shown first. */
function toolsIn({ wrapped }: Stand, { manifest, add }: Round): readonly ToolManifest[] {
  if (wrapped === undefined || !isWrapped(manifest)) return manifest.tools;
  for (const check of definitionChecks(wrapped.admission)) add(check);
  if (wrapped.admission.state !== 'same') return [];
  const { called, checks } = toolsOf(manifest, wrapped.admission);
  for (const check of checks) add(check);
  return called;
}

interface Round {
  readonly manifest: ConnectorManifest;
  readonly entry: string;
  readonly recordings: Recordings;
  readonly server?: ServerProgram;
  readonly add: (check: Check) => void;
}

async function runExamples(wanted: Development, round: Round): Promise<void> {
  const { product, atLeast, exposure, signal } = wanted;
  const { manifest, entry, recordings, server } = round;
  const settings = wanted.settings();
  const started = { product, atLeast, manifest, entry, settings, exposure, ...(server && { server }) };
  const stand = await startStand({ ...recordings, ...started });
  const end = (): void => {
    // Calls that run fail, and with them the round ends.
    stand.stop().catch(() => undefined);
  };
  signal.addEventListener('abort', end);
  try {
    const stages = await stand.stages();
    for (const tool of toolsIn(stand, round).filter(({ offer }) => isCallable(offer)))
      for (const example of tool.examples) {
        if (signal.aborted) return;
        await runExample({ ...round, wanted, stand, stages, tool, example });
      }
  } finally {
    signal.removeEventListener('abort', end);
    await stand.stop();
  }
}

interface OneExample extends Round {
  readonly wanted: Development;
  readonly stand: Stand;
  readonly stages: readonly string[];
  readonly tool: ToolManifest;
  readonly example: ToolManifest['examples'][number];
}

async function runExample(one: OneExample): Promise<void> {
  const { wanted, stand, stages, manifest, tool, example } = one;
  const outcome = await stand.call(tool.name, example.arguments);
  if (wanted.signal.aborted) return;
  const audited = await stand.audited();
  const terms = { exposure: wanted.exposure, approval };
  const whole = isWrapped(manifest) ? tool.classification : undefined;
  const trace = traceOf({ manifest, tool: tool.name, whole, stages, audited, outcome, terms });
  const what = `example ${tool.name}: ${example.title}`;
  one.add(exampleCheck({ tool, what, outcome, deviations: one.recordings.deviations() }));
  wanted.show({ event: 'example', tool: tool.name, title: example.title, trace });
}

export function shownText(shown: Shown): string {
  switch (shown.event) {
    case 'round':
      return shown.changed === null ? '' : `\nchanged: ${shown.changed}\n`;
    case 'check': {
      const mend = shown.mend === undefined ? '' : `\n         mend: ${shown.mend}`;
      return `${shown.level.padEnd(8)} ${shown.what}: ${shown.why}${mend}\n`;
    }
    case 'example':
      return traceText(shown.trace);
    case 'watching':
      return 'watching: save a file to run it again, Ctrl-C ends\n';
  }
}
