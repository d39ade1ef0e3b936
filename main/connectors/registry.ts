/**
 * What runs, decided before anything runs: configuration, managed settings, manifests and policy files, all read
 * and checked once. Guarantees: nothing half-configured starts; managed settings win key by key; consent for all
 * programs comes from managed settings alone. Trusts: the owner of the managed file (root). Does not protect
 * against: a person's own files changed by another program of the same person, beyond what managed settings fix.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import {
  configSchema,
  type ConnectorConfig,
  type DestinationConfig,
  type SallyportConfig,
} from '../contract/config.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import { Fault } from '../contract/errors.ts';
import { isAbove } from '../contract/labels.ts';
import { manifestSchema, type ConnectorManifest } from '../contract/manifest.ts';
import { withLab } from '../contract/with-lab.ts';
import { destinationProblem } from './egress-destinations.ts';
import { identityPlace } from './identity-like.ts';
import { locateJson, parseWith, readLocatedJson, type LocatedJson } from './located-json.ts';
import { narrowedLimits } from './narrowed-limits.ts';
import { folderHash } from './packed.ts';
import { interceptedProblem } from './wrapped/intercepted.ts';
import { readRegisteredServer } from './wrapped/registered.ts';
import type { ServerProgram } from './wrapped/server-program.ts';

export interface RegisteredConnector {
  readonly manifest: ConnectorManifest;
  /** Folder with the manifest and the bundled code. */
  readonly folder: string;
  /** The bundled code, a file in `folder`; of a wrapped server its manifest, which is all there is. */
  readonly entry: string;
  /** The wrapped server, where the connector is one. */
  readonly server?: ServerProgram;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}

export interface Registry {
  readonly config: SallyportConfig;
  readonly connectors: readonly RegisteredConnector[];
  /** Cedar files: the posture's, then the folder's in order of their names. */
  readonly policies: readonly { readonly name: string; readonly text: string }[];
  /** PEM texts. */
  readonly authorities: readonly string[];
  /** The text of `egress.pac`. */
  readonly proxyScript: string | undefined;
  /** By connector: what managed settings let its wrapped server say of its tools. */
  readonly managedDefinitions: Readonly<Record<string, string>>;
  /** What managed settings say about unknown programs; `undefined` where they are silent. */
  readonly managedConsent: 'ask' | 'allow' | undefined;
}

export interface RegistrySources {
  /** The person's file; absent where only managed settings or the lab configure. */
  readonly configFile?: string;
  /** Made by the lab, in place of a file. */
  readonly labConfig?: unknown;
  readonly managedFile: string;
  /** Folder of the connectors that ship with Sallyport, one folder each. */
  readonly builtInFolder: string;
  /** Whether a text looks like a credential: none may stand in a manifest. Absent: nothing is looked for. */
  readonly looksSecret?: (text: string) => boolean;
  /** Folder of the policies that ship with Sallyport, one file a posture. */
  readonly posturesFolder: string;
}

/** Throws a `Fault` (`malformed`) whose text is `file:line: reason`. */
export function loadRegistry(sources: RegistrySources): Registry {
  const managed = existsSync(sources.managedFile) ? readLocatedJson(sources.managedFile) : undefined;
  const own = ownSettings(sources);
  if (!managed && !own) {
    throw new Fault(
      'malformed',
      `there is no configuration: name one with --config FILE${withLab ? ', or try --lab' : ''}`,
    );
  }
  const layers = [managed, own].filter((layer) => layer !== undefined);
  const parsed = parseLayers(layers);
  refuseOwnConsent(managed, own);
  refuseOwnPolicies(managed, own);
  if (sources.labConfig === undefined) refuseOwnLock(managed, own);
  if (own?.has(['stopped'])) throw own.refuse(['stopped'], 'it counts only in managed settings: leave it out');
  refuseOwnAccounts(managed, own);
  refuseOwnDefinitions(own);
  // The lab is no person's file.
  const isPersons = own !== undefined && sources.labConfig === undefined;
  const config = isPersons ? { ...parsed, limits: narrowedLimits(parsed.limits, managed, own) } : parsed;
  const { builtInFolder, looksSecret = () => false } = sources;
  const reading = { config, layers, builtInFolder, looksSecret };
  if (config.egress.proxy !== undefined && !URL.canParse(config.egress.proxy.url))
    throw blamed(layers, ['egress', 'proxy', 'url']).refuse(['egress', 'proxy', 'url'], 'it is no address');
  refuseUnknownConnectors(config, layers);
  const connectors = config.connectors.map((settings, index) => registerConnector(reading, settings, index));
  return {
    config,
    connectors,
    policies: [...readPosture(config, sources.posturesFolder), ...readPolicies(config, layers)],
    authorities: config.egress.authorities.map((file, index) => readAuthority(layers, file, index)),
    proxyScript: config.egress.pac === undefined ? undefined : readProxyScript(layers, config.egress.pac),
    managedDefinitions: definitionsOf(config),
    managedConsent: managed?.has(['agents', 'consent']) ? config.agents.consent : undefined,
  };
}

/** The walls that configuration demands, also of code that is only tried out. Throws a `Fault` (`malformed`) as above. */
export function demandedIsolation({
  configFile,
  managedFile,
}: Pick<RegistrySources, 'managedFile'> & { readonly configFile: string }): DemandedLevel | undefined {
  const layers = [managedFile, configFile].filter((file) => existsSync(file)).map(readLocatedJson);
  const { isolation } = parseWith(isolationOnly, merged(layers) ?? {}, (where, reason) =>
    blamed(layers, where).refuse(where, reason),
  );
  return isolation?.atLeast;
}

const isolationOnly = z.looseObject({ isolation: configSchema.shape.isolation });

function ownSettings(sources: RegistrySources): LocatedJson | undefined {
  if (sources.labConfig !== undefined) return locateJson('(lab)', JSON.stringify(sources.labConfig, null, 2));
  return sources.configFile === undefined ? undefined : readLocatedJson(sources.configFile);
}

/** `layers`: the strongest first. The layer that said a value is blamed for it. */
function parseLayers(layers: readonly LocatedJson[]): SallyportConfig {
  return parseWith(configSchema, merged(layers), (where, reason) => blamed(layers, where).refuse(where, reason));
}

function merged(layers: readonly LocatedJson[]): unknown {
  return layers.reduceRight<unknown>((weaker, layer) => merge(weaker, layer.value), undefined);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Objects key by key; a list is one value, so that a managed list is never lengthened from below. */
function merge(weaker: unknown, stronger: unknown): unknown {
  if (!isRecord(weaker) || !isRecord(stronger)) return stronger;
  const both = new Map(Object.entries(weaker));
  for (const [key, value] of Object.entries(stronger)) both.set(key, merge(both.get(key), value));
  return Object.fromEntries(both);
}

/** The strongest layer that says anything at this path or the nearest one above it. */
function blamed(layers: readonly LocatedJson[], where: readonly PropertyKey[]): LocatedJson {
  for (let length = where.length; length > 0; length -= 1) {
    const layer = layers.find((one) => one.has(where.slice(0, length)));
    if (layer) return layer;
  }
  const last = layers.at(-1);
  if (!last) throw new Fault('internal', 'no configuration was read');
  return last;
}

function refuseOwnConsent(managed: LocatedJson | undefined, own: LocatedJson | undefined): void {
  if (!own || !isRecord(own.value)) return;
  const agents = own.value['agents'];
  if (isRecord(agents) && agents['consent'] === 'allow' && !managed?.has(['agents', 'consent'])) {
    throw own.refuse(['agents', 'consent'], '"allow" counts only in managed settings: write "ask", or leave it out');
  }
}

/** Whoever can write the person's file could approve a server's tools by it. */
function refuseOwnDefinitions(own: LocatedJson | undefined): void {
  const connectors = own !== undefined && isRecord(own.value) ? own.value['connectors'] : undefined;
  const at = Array.isArray(connectors)
    ? connectors.findIndex((each: unknown) => isRecord(each) && each['definitions'] !== undefined)
    : -1;
  if (own !== undefined && at !== -1)
    throw own.refuse(['connectors', at, 'definitions'], 'it counts only in managed settings: approve in the window');
}

/** A managed list of connectors replaces the person's, whose own has none. */
function definitionsOf({ connectors }: SallyportConfig): Registry['managedDefinitions'] {
  return Object.fromEntries(
    connectors.flatMap(({ name, definitions }) => (definitions === undefined ? [] : [[name, definitions] as const])),
  );
}

/** A permit in a folder of the person's, which every program of theirs can write to, would widen what IT decided. */
function refuseOwnPolicies(managed: LocatedJson | undefined, own: LocatedJson | undefined): void {
  const folder = ['policy', 'folder'];
  if (managed?.has(['policy']) && own?.has(folder))
    throw own.refuse(folder, 'managed settings decide about policy: leave it out');
}

/** A screen that anybody may come to: only the organization says that this does not matter. */
function refuseOwnLock(managed: LocatedJson | undefined, own: LocatedJson | undefined): void {
  const where = ['identity', 'onLock'];
  if (!own?.has(where) || managed?.has(where)) return;
  const { identity } = own.value as { readonly identity?: { readonly onLock?: unknown } };
  if (identity?.onLock === 'nothing')
    throw own.refuse(where, '"nothing" counts only in managed settings: write "pause" or "sign-out", or leave it out');
}

/** An account at a provider of the person's choice could claim any role. */
function refuseOwnAccounts(managed: LocatedJson | undefined, own: LocatedJson | undefined): void {
  const accounts = ['identity', 'accounts'];
  if (managed?.has(['identity']) && own?.has(accounts))
    throw own.refuse(accounts, 'managed settings decide who may sign in, and where: leave it out');
}

/** A label that nobody would follow is a mistake. */
function refuseUnknownConnectors(config: SallyportConfig, layers: readonly LocatedJson[]): void {
  for (const key of ['classification', 'receives', 'allow'] as const) {
    const unknown = Object.keys(config[key]).find((name) => !config.connectors.some((each) => each.name === name));
    if (unknown === undefined) continue;
    throw blamed(layers, [key, unknown]).refuse([key, unknown], `there is no connector "${unknown}"`);
  }
}

/** What a destination may be given: the configuration can say less than the manifest. */
function narrowed({ config, layers }: Reading, manifest: ConnectorManifest): ConnectorManifest {
  for (const name of Object.keys(config.allow[manifest.name] ?? {})) {
    const where = ['allow', manifest.name, name];
    if (manifest.destinations[name]?.protocol !== 'https')
      throw blamed(layers, where).refuse(where, `${manifest.name} declares no HTTPS destination "${name}"`);
  }
  const destinations = { ...manifest.destinations };
  for (const [name, label] of Object.entries(config.receives[manifest.name] ?? {})) {
    const where = ['receives', manifest.name, name];
    const declared = destinations[name];
    if (declared === undefined)
      throw blamed(layers, where).refuse(where, `${manifest.name} declares no destination "${name}"`);
    const most = declared.receives ?? 'public';
    if (isAbove(label, most))
      throw blamed(layers, where).refuse(where, `"${name}" receives at most "${most}", as its manifest says`);
    destinations[name] = { ...declared, receives: label };
  }
  return { ...manifest, destinations };
}

/** A relative path is relative to the file that says it. */
function resolved(layers: readonly LocatedJson[], where: readonly PropertyKey[], file: string): string {
  return path.resolve(path.dirname(path.resolve(blamed(layers, where).file)), file);
}

interface Reading {
  readonly config: SallyportConfig;
  readonly layers: readonly LocatedJson[];
  readonly builtInFolder: string;
  readonly looksSecret: (text: string) => boolean;
}

function registerConnector(reading: Reading, settings: ConnectorConfig, index: number): RegisteredConnector {
  const { layers } = reading;
  const where = ['connectors', index] as const;
  const refuse = (key: readonly PropertyKey[], reason: string): Fault =>
    blamed(layers, [...where, ...key]).refuse([...where, ...key], reason);
  if (reading.config.connectors.findIndex((other) => other.name === settings.name) !== index) {
    throw refuse(['name'], `two connectors are named "${settings.name}"`);
  }
  const folder =
    settings.path === undefined
      ? path.join(reading.builtInFolder, settings.name)
      : resolved(layers, [...where, 'path'], settings.path);
  if (!existsSync(path.join(folder, 'manifest.json'))) {
    throw refuse(['name'], `no connector "${settings.name}": ${folder} has no manifest.json`);
  }
  if (settings.sha256 !== undefined) refuseOtherContent(folder, settings.sha256, (why) => refuse(['sha256'], why));
  const { manifest: declared, json } = readManifest(folder);
  if (declared.name !== settings.name)
    throw json.refuse(['name'], `the folder's connector is "${declared.name}", "${settings.name}" was configured`);
  const manifest = narrowed(reading, declared);
  const { looksSecret } = reading;
  const server = readRegisteredServer(folder, { manifest, json, ours: ownPlaces(reading), looksSecret });
  const entry = (server === undefined ? ['connector.mjs', 'connector.js'] : ['manifest.json'])
    .map((name) => path.join(folder, name))
    .find((file) => existsSync(file));
  if (entry === undefined) throw refuse(['name'], `${folder} has no connector.mjs`);
  for (const name of Object.keys(manifest.destinations)) {
    if (!settings.destinations[name])
      throw refuse(['destinations'], `destination "${name}" of ${settings.name} is not configured`);
  }
  for (const name of Object.keys(settings.destinations)) {
    if (!manifest.destinations[name])
      throw refuse(['destinations', name], `${settings.name} declares no destination "${name}"`);
  }
  for (const [name, declared] of Object.entries(manifest.destinations)) {
    const destination = settings.destinations[name];
    if ('placeholder' in declared && reading.looksSecret(declared.placeholder ?? ''))
      throw json.refuse(['destinations', name, 'placeholder'], 'it looks like a credential: write another word');
    const problem =
      destination &&
      (destinationProblem(destination, declared) ?? (server && interceptedProblem(name, settings.destinations)));
    if (problem !== undefined) throw refuse(['destinations', name, ...problem.key], problem.reason);
  }
  const { destinations } = settings;
  return { manifest, folder, entry, settings: settings.settings, destinations, ...(server && { server }) };
}

/** Files that say what is permitted. */
function ownPlaces({ config, layers }: Reading): string[] {
  const folders = config.connectors.flatMap(({ path: folder }, index) =>
    folder === undefined ? [] : [resolved(layers, ['connectors', index, 'path'], folder)],
  );
  const policies = config.policy.folder;
  const policy = policies === undefined ? [] : [resolved(layers, ['policy', 'folder'], policies)];
  return [...layers.map(({ file }) => path.resolve(file)), ...folders, ...policy];
}

/** Before anything of it is read as a manifest. */
function refuseOtherContent(folder: string, sha256: string, refuse: (why: string) => Fault): void {
  let found: string;
  try {
    found = folderHash(folder);
  } catch (error) {
    throw refuse(error instanceof Fault ? error.message : `${folder} cannot be read`);
  }
  if (found !== sha256)
    throw refuse(
      `the content of ${folder} has the hash ${found}: unpack the file that was allowed there, and nothing else, or allow this one`,
    );
}

/** Its schemas are not compiled here: they become code. */
export function readManifest(folder: string): { readonly manifest: ConnectorManifest; readonly json: LocatedJson } {
  const json = readLocatedJson(path.join(folder, 'manifest.json'));
  const manifest = parseWith(manifestSchema, json.value, (where, reason) => json.refuse(where, reason));
  const seen = new Set<string>();
  manifest.tools.forEach((tool, index) => {
    if (seen.has(tool.name)) throw json.refuse(['tools', index, 'name'], `two tools are named "${tool.name}"`);
    seen.add(tool.name);
    const unknown = tool.destinations.find((destination) => !manifest.destinations[destination]);
    if (unknown !== undefined)
      throw json.refuse(['tools', index, 'destinations'], `"${unknown}" is not a declared destination`);
    const identity = identityPlace(tool.inputSchema);
    if (identity !== null) throw json.refuse(['tools', index, 'inputSchema', ...identity.path], identity.reason);
  });
  return { manifest, json };
}

function readPosture({ policy: { posture } }: SallyportConfig, folder: string): Registry['policies'] {
  if (posture === undefined) return [];
  const name = `${posture}.cedar`;
  return [{ name: `posture/${name}`, text: readFileSync(path.join(folder, name), 'utf8') }];
}

function readPolicies(config: SallyportConfig, layers: readonly LocatedJson[]): Registry['policies'] {
  const { folder } = config.policy;
  if (folder === undefined) return [];
  const where = ['policy', 'folder'];
  const at = resolved(layers, where, folder);
  try {
    return readdirSync(at)
      .filter((name) => name.endsWith('.cedar'))
      .sort()
      .map((name) => ({ name, text: readFileSync(path.join(at, name), 'utf8') }));
  } catch {
    throw blamed(layers, where).refuse(where, `the policies in ${at} cannot be read`);
  }
}

function readProxyScript(layers: readonly LocatedJson[], file: string): string {
  const where = ['egress', 'pac'];
  const at = resolved(layers, where, file);
  try {
    return readFileSync(at, 'utf8');
  } catch {
    throw blamed(layers, where).refuse(where, `the proxy script ${at} cannot be read`);
  }
}

function readAuthority(layers: readonly LocatedJson[], file: string, index: number): string {
  const where = ['egress', 'authorities', index];
  const at = resolved(layers, where, file);
  let text: string;
  try {
    text = readFileSync(at, 'utf8');
  } catch {
    throw blamed(layers, where).refuse(where, `the authority ${at} cannot be read`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw blamed(layers, where).refuse(where, `${at} holds no certificate in PEM form`);
  return text;
}
