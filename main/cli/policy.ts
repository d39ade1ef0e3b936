/**
 * `sallyport policy check` and `policy explain`: gathers files, claims and policies, and lets a process of its own ask
 * Cedar. Both only read: neither changes what anyone may do.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { policyInUseSchema, statusSchema } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { askControl } from './control-client.ts';
import { socketProblem } from './own-folder.ts';
import { findPaths, isPipe, type Paths } from './paths.ts';
import type { PolicyRequest } from './policy-request.ts';

type Files = Extract<PolicyRequest, { do: 'check' }>['files'];
type Explain = Extract<PolicyRequest, { do: 'explain' }>;

export interface ExplainOptions {
  readonly person: string;
  readonly tool: string;
  readonly args?: string;
  readonly roles?: readonly string[];
  readonly groups?: readonly string[];
  readonly methods?: readonly string[];
  readonly program?: string;
  readonly config?: string;
  readonly policy?: string;
  readonly posture?: string;
  readonly socket?: string;
  readonly json?: boolean;
}

export async function checkPolicy(named: string, { json }: { json?: boolean }): Promise<void> {
  await ask({ do: 'check', files: readPolicyFiles(named), json: json === true });
}

export async function explainPolicy(options: ExplainOptions): Promise<void> {
  const paths = findPaths({ socket: options.socket, configFile: options.config });
  const source = await sourceOf(options, paths);
  const described = describedPerson(options);
  const signedIn = described ? null : await signedInPerson(options.person, paths);
  const person = described ?? signedIn;
  if (person === null) throw new Fault('malformed', nobody(options.person));
  await ask({
    do: 'explain',
    source,
    person,
    claims: described ? 'described' : 'signed-in',
    program: options.program ?? 'sallyport policy explain',
    tool: options.tool,
    arguments: readArguments(options.args),
    json: options.json === true,
  });
}

function nobody(person: string): string {
  return `"${person}" is not signed in here: describe them with --roles a,b (and --groups, --methods)`;
}

/** A folder stands for its Cedar files. Names are as given, so that what is said of them can be found. */
function readPolicyFiles(named: string): Files {
  const at = (name: string): Files[number] => ({ name, text: readText(name) });
  if (!existsSync(named)) throw new Fault('malformed', `${named}: there is no such file or folder`);
  if (!statSync(named).isDirectory()) return [at(named)];
  const names = readdirSync(named).filter((name) => name.endsWith('.cedar'));
  if (names.length === 0) throw new Fault('malformed', `${named}: the folder has no file that ends in .cedar`);
  return names.sort().map((name) => at(path.join(named, name)));
}

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch {
    throw new Fault('malformed', `${file}: it cannot be read as UTF-8 text`);
  }
}

async function sourceOf({ policy, posture, config }: ExplainOptions, paths: Paths): Promise<Explain['source']> {
  if (policy !== undefined || posture !== undefined) {
    const files = policy === undefined ? [] : readPolicyFiles(policy);
    return { from: 'files', files, ...(posture === undefined ? {} : { posture }) };
  }
  if (config === undefined && runs(paths)) {
    const inUse = policyInUseSchema.parse(await askControl({ controlSocket: paths.controlSocket, method: 'policy' }));
    return { from: 'running', inUse };
  }
  const { configFile, managedFile, stateFolder } = paths;
  if (!existsSync(configFile) && !existsSync(managedFile))
    throw new Fault(
      'malformed',
      'no Sallyport runs here and there is no configuration: name one with --config FILE, or policies with --policy FILE or --posture NAME',
    );
  return { from: 'configuration', managedFile, stateFolder, ...(existsSync(configFile) ? { configFile } : {}) };
}

function runs({ controlSocket }: Paths): boolean {
  return isPipe(controlSocket) || socketProblem(controlSocket, path.dirname(controlSocket)) === undefined;
}

function describedPerson({ person, roles, groups, methods }: ExplainOptions): Explain['person'] | null {
  if (roles === undefined && groups === undefined && methods === undefined) return null;
  return {
    subject: person,
    issuer: '',
    username: person,
    roles: [...(roles ?? [])],
    groups: [...(groups ?? [])],
    authenticationMethods: [...(methods ?? [])],
    authenticatedAt: Date.now(),
  };
}

async function signedInPerson(named: string, paths: Paths): Promise<Explain['person'] | null> {
  if (!runs(paths)) return null;
  const { controlSocket } = paths;
  const { signedIn } = statusSchema.parse(await askControl({ controlSocket, method: 'status' }));
  const principal = signedIn?.principal;
  if (!principal || (principal.username !== named && principal.subject !== named)) return null;
  return claimsOf(principal);
}

function claimsOf({ subject, issuer, tenant, username, ...claims }: Principal): Explain['person'] {
  const { roles, groups, authenticationMethods, authenticatedAt } = claims;
  const who = { subject, issuer, username, ...(tenant === undefined ? {} : { tenant }) };
  const overage = claims.groupsOverage === true ? { groupsOverage: true as const } : {};
  return { ...who, roles, groups, ...overage, authenticationMethods, authenticatedAt };
}

function readArguments(text = '{}'): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Fault('malformed', '--args takes one JSON object, as the agent would send it');
}

/** Policies can be larger than a command line, so they go through a pipe. */
async function ask(request: PolicyRequest): Promise<void> {
  const here = fileURLToPath(import.meta.url);
  const entry = here.endsWith('.mjs') ? 'policy-command.mjs' : '../policy-command.ts';
  const child = spawn(process.execPath, [path.join(path.dirname(here), entry)], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: process.env['SALLYPORT_DEBUG'] === '1' ? { SALLYPORT_DEBUG: '1' } : {},
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
