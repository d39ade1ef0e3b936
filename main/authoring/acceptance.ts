/**
 * The acceptance suite of one connector: what it says of itself holds (manifest, types, examples), and what no connector
 * may do stays impossible with its manifest. Its own code runs as it will run: in the sandbox, behind every stage.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import type { ConnectorManifest, ToolManifest } from '../contract/manifest.ts';
import type { Product } from '../product.ts';
import { listenForStrays, type Outcome } from './agent.ts';
import type { Built } from './build-connector.ts';
import { probeEntry, probes, type Given, type Probe } from './probes.ts';
import type { Recordings } from './recording.ts';
import { startStand, type Stand } from './stand.ts';

export interface Check {
  readonly level: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly what: string;
  readonly why: string;
  readonly mend?: string;
}

export interface Accepted {
  readonly product: Product;
  readonly atLeast: DemandedLevel | undefined;
  readonly manifest: ConnectorManifest;
  readonly built: Built;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly recordings: Recordings;
  /** A skipped example fails the suite. */
  readonly requireExamples: boolean;
  /** Empty, for connectors made of probes. */
  readonly scratch: string;
  readonly tell: (check: Check) => void;
}

/** Longest that a probe runs. */
const probeTimeoutMs = 2000;

export async function accept(wanted: Accepted): Promise<void> {
  const values = await runExamples(wanted);
  const callable = wanted.manifest.tools.filter(({ offer, examples }) => isCallable(offer) && examples.length > 0);
  const tool = callable.find(({ name }) => values.has(name)) ?? callable[0];
  if (tool === undefined) {
    wanted.tell({
      level: 'failed',
      what: 'probes',
      why: 'no tool has an example to call it with',
      mend: 'give each tool of manifest.json an entry in "examples"',
    });
    return;
  }
  const strays = await listenForStrays();
  try {
    const { name, result, limits } = tool;
    const isRows = result === 'rows';
    const given = { port: strays.port, limit: limits.maxResultBytes, isRows, value: values.get(name) ?? {} };
    for (const group of groupsOf(probes)) await runProbes(wanted, { group, tool, given });
    if (strays.reached() > 0) wanted.tell(reachedFromInside);
  } finally {
    strays.close();
  }
}

export const reachedFromInside: Check = {
  level: 'failed',
  what: 'network',
  why: 'a port of this machine was reached from inside the sandbox',
  mend: 'run "sallyport doctor"',
};

export const isCallable = (offer: ToolManifest['offer']): boolean => (offer ?? 'tool') === 'tool';

/** What fits its schema, for the probes: of each tool a result of its own, where one was released. */
async function runExamples(wanted: Accepted): Promise<ReadonlyMap<string, unknown>> {
  const { manifest, tell, recordings } = wanted;
  let stand: Stand;
  try {
    stand = await startStand({ ...wanted, ...recordings, entry: wanted.built.entry });
  } catch (error) {
    tell(startCheck(error, 'export one "connector" with a handler for each tool'));
    return new Map();
  }
  tell({ level: 'ok', what: 'start', why: 'it started in its sandbox and took its settings' });
  try {
    for (const tool of manifest.tools.filter(({ examples }) => examples.length === 0)) tell(withoutExample(tool));
    return await callExamples(stand, manifest.tools, wanted);
  } finally {
    await stand.stop();
  }
}

/** Why it did not start. */
export function startCheck(error: unknown, mend: string): Check {
  if (!(error instanceof Fault)) throw error;
  const isOurs = error.code === 'protection_missing';
  return { level: 'failed', what: 'start', why: error.message, mend: isOurs ? 'run "sallyport doctor"' : mend };
}

interface ExampleTerms extends Pick<Accepted, 'tell' | 'requireExamples'> {
  readonly recordings: Pick<Recordings, 'deviations'>;
}

/** Of each tool the last result that was released. */
export async function callExamples(
  stand: Stand,
  tools: readonly ToolManifest[],
  { tell, recordings, requireExamples }: ExampleTerms,
): Promise<ReadonlyMap<string, unknown>> {
  const values = new Map<string, unknown>();
  let skipped = 0;
  for (const tool of tools)
    for (const { title, arguments: given } of tool.examples) {
      const what = `example ${tool.name}: ${title}`;
      if (!isCallable(tool.offer)) {
        tell({ level: 'skipped', what, why: 'only tools that agents call by name are called here' });
        continue;
      }
      const outcome = await stand.call(tool.name, given);
      if (outcome.released) values.set(tool.name, outcome.value);
      const check = exampleCheck({ tool, what, outcome, deviations: recordings.deviations() });
      if (check.level === 'skipped') skipped += 1;
      tell(check);
    }
  if (skipped > 0) tell(skippedCheck(skipped, requireExamples));
  return values;
}

/** Otherwise a suite that ran nothing of the connector's ends as one that did. */
export function skippedCheck(count: number, isRequired: boolean): Check {
  return {
    level: isRequired ? 'failed' : 'skipped',
    what: 'examples',
    why: `${count} examples skipped: not accepted without a recording or a backend`,
    mend: 'record their destinations in recordings/',
  };
}

function withoutExample({ name }: ToolManifest): Check {
  const mend = `add to "examples" of ${name} in manifest.json`;
  return { level: 'failed', what: `example ${name}`, why: 'it has none: nobody has seen it work', mend };
}

export interface ExampleRun {
  readonly tool: ToolManifest;
  readonly what: string;
  readonly outcome: Outcome;
  readonly deviations: readonly string[];
}

export function exampleCheck({ tool, what, outcome, deviations: [deviation] }: ExampleRun): Check {
  if (deviation !== undefined)
    return { level: 'failed', what, why: deviation, mend: 'mend the handler, or record what it sends now' };
  if (outcome.released) return { level: 'ok', what, why: 'its result passed every stage' };
  if (outcome.code === 'backend_unreachable' && tool.destinations.length > 0) {
    const mend = `there is no network here: record ${tool.destinations.join(', ')} in recordings/, or test it with "sallyport up"`;
    return { level: 'skipped', what, why: 'its destination is not here', mend };
  }
  return { level: 'failed', what, why: `${outcome.code}: ${outcome.say}`, mend: mendOf(outcome.code) };
}

function mendOf(code: string): string {
  if (code === 'output_not_allowed') return 'return what the output schema declares, or declare what is returned';
  if (code === 'isError') return 'it is the tool’s own error: mend the example, or what the tool works on';
  return 'mend the handler or the example';
}

/** One process for all that leave it in order; one each for the others. */
export function groupsOf<T extends Probe>(all: readonly T[]): readonly (readonly T[])[] {
  return [
    all.filter(({ lethal }) => lethal !== true),
    ...all.filter(({ lethal }) => lethal === true).map((one) => [one]),
  ];
}

interface ProbeRun {
  readonly group: readonly Probe[];
  readonly tool: ToolManifest;
  readonly given: Given;
}

async function runProbes(wanted: Accepted, { group, tool, given }: ProbeRun): Promise<void> {
  const manifest = hastier(wanted.manifest, group[0]?.timeoutMs ?? probeTimeoutMs);
  const folder = path.join(wanted.scratch, (group[0]?.name ?? '').replaceAll(' ', '-'));
  mkdirSync(folder);
  const entry = path.join(folder, 'connector.mjs');
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const names = manifest.tools.map(({ name }) => name);
  writeFileSync(entry, probeEntry(group, names, given));
  const stand = await startStand({ ...wanted, ...wanted.recordings, manifest, entry });
  try {
    for (const probe of group) {
      const outcome = await stand.call(tool.name, tool.examples[0]?.arguments ?? {});
      wanted.tell(probeCheck(probe, outcome, stand));
    }
  } finally {
    await stand.stop();
  }
}

/** A hang need not last as long as the connector's slowest tool. */
function hastier(manifest: ConnectorManifest, timeoutMs: number): ConnectorManifest {
  const tools = manifest.tools.map((tool) => ({
    ...tool,
    limits: { ...tool.limits, timeoutMs: Math.min(timeoutMs, tool.limits.timeoutMs) },
  }));
  return { ...manifest, tools };
}

export function probeCheck({ name, what, right, says, mend }: Probe, outcome: Outcome, stand: Stand): Check {
  const got = outcome.released ? 'released' : outcome.code;
  const isMeant = says === undefined || (!outcome.released && outcome.say === says);
  if (!stand.isAlive())
    return { level: 'failed', what: name, why: 'the gateway ended with it', mend: 'please report it' };
  if (right.includes(got) && !isMeant)
    return { level: 'failed', what: name, why: `${what}: refused, but by another protection`, mend };
  // A server answers so where all that it tried was refused.
  const word = got === 'isError' ? 'refused' : got;
  if (right.includes(got)) return { level: 'ok', what: name, why: `${what}: ${word}` };
  const said = outcome.released || outcome.say === 'probe' ? '' : ` (${outcome.say})`;
  return { level: 'failed', what: name, why: `${what}: ${got}, not ${right.join(' or ')}${said}`, mend };
}

/** Whether the types beside the manifest are of this manifest. */
export function typesCheck(folder: string, file: string, wanted: string): Check {
  const what = 'types';
  let text: string;
  try {
    text = readFileSync(path.join(folder, file), 'utf8');
  } catch {
    return { level: 'skipped', what, why: `there is no ${file}`, mend: `run "sallyport connector types ${folder}"` };
  }
  if (text === wanted) return { level: 'ok', what, why: `${file} is of this manifest` };
  const mend = `run "sallyport connector types ${folder}"`;
  return { level: 'failed', what, why: `${file} is of another manifest`, mend };
}
