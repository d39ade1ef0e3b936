/**
 * The acceptance suite of a wrapped server: what it says of its tools can be approved, what the manifest says of them holds, its examples
 * pass every stage; and what no server may do stays impossible behind the same walls with the same grants. Its own code is never changed:
 * the probes are a program of the suite's (`wrapped-probes.ts`) in its place.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admission } from '../connectors/definitions/definitions.ts';
import type { ServerProgram } from '../connectors/wrapped/server-program.ts';
import type { WrappedManifest } from '../connectors/wrapped/wrapped-tool.ts';
import {
  callExamples,
  groupsOf,
  probeCheck,
  reachedFromInside,
  startCheck,
  type Accepted,
  type Check,
} from './acceptance.ts';
import { listenForStrays, type Outcome, type Strays } from './agent.ts';
import { startStand, type Stand } from './stand.ts';
import { probeServer, wrappedProbes, type WrappedProbe } from './wrapped-probes.ts';
import { changedChecks, definitionChecks, offline, toolsOf } from './wrapped-tools.ts';

export interface WrappedAccepted extends Pick<
  Accepted,
  'product' | 'atLeast' | 'requireExamples' | 'scratch' | 'tell'
> {
  readonly manifest: WrappedManifest;
  readonly server: ServerProgram;
}

/** A list that an example changed is told a moment later. */
const toldMs = 500;
const nothingRecorded = { deviations: () => [] };
const probeTimeoutMs = 10_000;

export async function acceptWrapped(wanted: WrappedAccepted): Promise<void> {
  const open = wanted.server.files.find(({ real }) => wanted.scratch === real || wanted.scratch.startsWith(`${real}/`));
  for (const check of open === undefined ? beforehand(wanted) : [tooOpen(open.path)]) wanted.tell(check);
  const tried = open === undefined ? await tryServer(wanted) : null;
  if (tried === null) return;
  const strays = await listenForStrays(path.join(wanted.scratch, 'nobody.sock'));
  try {
    for (const group of groupsOf(wrappedProbes)) await runProbes(wanted, { ...tried, group, strays });
    if (strays.reached() > 0) wanted.tell(reachedFromInside);
  } finally {
    strays.close();
  }
}

function tooOpen(place: string): Check {
  const why = `${place} holds temporary files of other programs, and of this suite`;
  return { level: 'failed', what: 'grants', why, mend: 'grant a folder of its own, or run this with another TMPDIR' };
}

function beforehand({ server, manifest }: WrappedAccepted): Check[] {
  const places = server.files.map(({ path: place, mode }) => `${place} (${mode})`);
  const isChanged = server.files.some(({ mode }) => mode === 'write');
  const work = isChanged ? '; examples work on these themselves' : '';
  const granted = places.length === 0 ? 'nothing' : `${places.join(', ')}${work}`;
  const destinations = Object.keys(manifest.destinations);
  return [
    {
      level: 'ok',
      what: 'program',
      why: `${[server.real, ...server.args].join(' ')}: with the hash that the manifest states`,
    },
    { level: 'ok', what: 'grants', why: granted },
    {
      level: 'skipped',
      what: 'destinations',
      why:
        destinations.length === 0
          ? 'it declares none: there is nothing that a recording could stand for'
          : `a wrapped server has no recordings: nothing answers for ${destinations.join(', ')} here`,
    },
  ];
}

interface Tried {
  readonly admission: Admission;
  /** A call that fits: of a tool with an example, else of one that needs no argument. */
  readonly tool: string;
  readonly given: Readonly<Record<string, unknown>>;
  /** Whether its arguments are named, so that others are refused. */
  readonly isNaming: boolean;
}

/** Null: nothing more can be tried. */
async function tryServer(wanted: WrappedAccepted): Promise<Tried | null> {
  const { manifest, tell, scratch } = wanted;
  let stand: Stand;
  try {
    stand = await standOf(wanted, { folder: madeFolder(scratch, 'wrapped'), manifest, server: wanted.server });
  } catch (error) {
    tell(startCheck(error, mendStart));
    return null;
  }
  try {
    if (stand.wrapped === undefined) return null;
    const { admission, level } = stand.wrapped;
    tell({ level: 'ok', what: 'start', why: `it started behind its walls (${level}) and said what it has` });
    for (const check of definitionChecks(admission)) tell(check);
    if (admission.state !== 'same') return null;
    const { offered, called, checks } = toolsOf(manifest, admission);
    for (const check of checks) tell(check);
    for (const { name } of called.filter(({ examples }) => examples.length === 0))
      tell(withoutExample(name, wanted.requireExamples));
    await callExamples(stand, called, { ...wanted, recordings: nothingRecorded });
    await delay(toldMs);
    for (const check of changedChecks(stand.wrapped.newest())) tell(check);
    const example = called.find(({ examples }) => examples.length > 0);
    const tool = example ?? offered.find(({ checkArguments }) => checkArguments({}) === null)?.manifest;
    if (tool === undefined) tell(nothingToCall);
    if (tool === undefined) return null;
    const isNaming = Object.keys(tool.inputSchema['properties'] ?? {}).length > 0;
    return { admission, tool: tool.name, given: example?.examples[0]?.arguments ?? {}, isNaming };
  } finally {
    await stand.stop();
  }
}

const mendStart =
  'all that it reads must be its "program" or among "files", its settings in "environment"; start it by hand to see the rest';

const nothingToCall: Check = {
  level: 'failed',
  what: 'probes',
  why: 'no tool has an example to call it with, and none can be called without arguments',
  mend: 'give a tool in "wrap", "tools" an entry in "examples"',
};

function withoutExample(name: string, isRequired: boolean): Check {
  return {
    level: isRequired ? 'failed' : 'skipped',
    what: `example ${name}`,
    why: 'it has none: nobody has seen it work',
    mend: `add "examples": [{ "title": "…", "arguments": {} }] to ${name} in "wrap", "tools"`,
  };
}

interface Standing {
  readonly folder: string;
  readonly manifest: WrappedManifest;
  readonly server: ServerProgram;
}

function standOf({ product, atLeast }: WrappedAccepted, { folder, manifest: whole, server }: Standing): Promise<Stand> {
  const manifest = offline(whole);
  const entry = path.join(folder, 'manifest.json');
  writeFileSync(entry, JSON.stringify(manifest));
  return startStand({ product, atLeast, manifest, server, entry, settings: {}, backend: () => Promise.resolve(null) });
}

const untouched = 'nobody is granted this';
const canaryIn = ({ scratch }: Pick<WrappedAccepted, 'scratch'>): string => path.join(scratch, 'not-granted.txt');

const changedFromInside: Check = {
  level: 'failed',
  what: 'files',
  why: 'a file that was not granted was changed from inside the walls',
  mend: 'run "sallyport doctor"',
};

interface ProbeRun extends Tried {
  readonly group: readonly WrappedProbe[];
  readonly strays: Strays;
}

async function runProbes(wanted: WrappedAccepted, run: ProbeRun): Promise<void> {
  const { group, tool, given } = run;
  const folder = madeFolder(wanted.scratch, (group[0]?.name ?? '').replaceAll(' ', '-'));
  const manifest = hastier(wanted.manifest, tool, group[0]?.timeoutMs ?? probeTimeoutMs);
  const stand = await standOf(wanted, { folder, manifest, server: probeProgram(wanted, run, folder) });
  try {
    if (group[0]?.lethal !== true) wanted.tell(await hostileArguments(stand, run));
    for (const probe of group) {
      const outcome = await stand.call(tool, given);
      const shown = probe.showsLater === true ? await later(probe, () => stand.call(tool, given)) : outcome;
      wanted.tell(probeCheck(probe, shown, stand));
    }
    if (readFileSync(canaryIn(wanted), 'utf8') !== untouched) wanted.tell(changedFromInside);
  } finally {
    await stand.stop();
  }
}

function hastier(manifest: WrappedManifest, tool: string, timeoutMs: number): WrappedManifest {
  const { wrap } = manifest;
  const said = Object.hasOwn(wrap.tools, tool) ? wrap.tools[tool] : {};
  return { ...manifest, wrap: { ...wrap, tools: { ...wrap.tools, [tool]: { ...said, timeoutMs } } } };
}

/** The same walls and grants, another program. */
function probeProgram(
  { server, product, manifest, scratch }: WrappedAccepted,
  run: ProbeRun,
  folder: string,
): ServerProgram {
  const program = madeFolder(folder, 'program');
  const script = path.join(program, 'server.mjs');
  const canary = canaryIn({ scratch });
  writeFileSync(canary, untouched);
  const isChanged = (place: string): boolean =>
    server.files.some(
      ({ mode, path: other }) => mode === 'write' && (place === other || place.startsWith(`${other}/`)),
    );
  const given = {
    ...{ port: run.strays.port, socket: run.strays.socket, abstract: run.strays.abstract, canary },
    ...{ pid: process.pid, startedAt: startedAt() },
    sealed: server.files
      .filter(({ mode, path: place }) => mode === 'read' && !isChanged(place))
      .map((file) => file.path),
    environment: [...Object.keys(manifest.wrap.environment), 'PATH', 'LANG', 'HOME', 'PWD', 'TMPDIR'],
    tools: run.admission.pin.tools.map(({ definition }) => definition),
  };
  writeFileSync(script, probeServer(run.group, given));
  const { runtime } = product;
  return { ...server, command: runtime, real: runtime, args: [script], program };
}

/** In the kernel's ticks (proc_pid_stat(5), field 22). */
function startedAt(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

const againMs = 100;
const lookAgain = 100;

/** Until it shows, or for ten seconds. */
async function later({ right }: WrappedProbe, call: () => Promise<Outcome>): Promise<Outcome> {
  let outcome = await call();
  for (let look = 0; look < lookAgain; look += 1) {
    if (!outcome.released && right.includes(outcome.code)) break;
    await delay(againMs);
    outcome = await call();
  }
  return outcome;
}

/** Before a server sees them. */
async function hostileArguments(stand: Stand, { tool, given, isNaming }: ProbeRun): Promise<Check> {
  const what = 'hostile arguments';
  const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) as unknown;
  const tries = {
    ...(isNaming ? { 'one that its schema does not name': { ...given, notDeclared: true } } : {}),
    'a member "__proto__"': { ...given, ...(JSON.parse('{"__proto__": {"x": 1}}') as object) },
    'half a character': { ...given, notDeclared: '\uD800' },
    'more levels than 16': { ...given, notDeclared: deep },
  };
  for (const [how, hostile] of Object.entries(tries)) {
    const outcome = await stand.call(tool, hostile);
    const isRefused = !outcome.released && ['invalid_arguments', 'malformed'].includes(outcome.code);
    const got = outcome.released ? 'released' : `${outcome.code}: ${outcome.say}`;
    if (!isRefused) return { level: 'failed', what, why: `${how}: ${got}`, mend: 'please report it' };
  }
  return { level: 'ok', what, why: `${Object.keys(tries).join(', ')}: refused before a server sees them` };
}

function madeFolder(folder: string, name: string): string {
  const at = path.join(folder, name);
  mkdirSync(at);
  return at;
}
