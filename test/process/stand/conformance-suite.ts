/** The official conformance suite against a server behind a loopback port. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const suite = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

interface Outcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** Of each scenario. */
  readonly checks: Checks;
}

type Checks = Readonly<Record<string, readonly Check[]>>;

export interface Against {
  readonly url: string;
  /** For what the suite writes. */
  readonly folder: string;
}

/** Each scenario leaves a folder with its checks. */
export async function runSuite(revision: string, { url, folder }: Against): Promise<Outcome> {
  const results = path.join(folder, revision);
  const args = [suite, 'server', '--url', url, '--requirements', revision, '--output-dir', results];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  await new Promise((resolve) => child.once('exit', resolve));
  const passed: string[] = [];
  const failed: string[] = [];
  const all: Record<string, Check[]> = {};
  for (const name of readdirSync(results)) {
    const checks = JSON.parse(readFileSync(path.join(results, name, 'checks.json'), 'utf8')) as Check[];
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T.*$/, '');
    all[scenario] = checks;
    const wrong = checks.filter(({ status }) => status === 'FAILURE');
    const isExercised = checks.some(({ status }) => status === 'SUCCESS');
    if (wrong.length === 0 && isExercised) passed.push(scenario);
    else failed.push(`${scenario}: ${wrong.map(({ id, errorMessage }) => `${id} (${errorMessage ?? ''})`).join('; ')}`);
  }
  if (passed.length + failed.length === 0) throw new Error(said);
  return { passed: passed.sort(), failed: failed.sort(), checks: all };
}

/** Every check of every scenario, one by one: whether it passed, and what the client got. */
export function differences(bare: Checks, wrapped: Checks): string[] {
  return [...new Set([...Object.keys(bare), ...Object.keys(wrapped)])].sort().flatMap((scenario) => {
    const [here, there] = [bare[scenario] ?? [], wrapped[scenario] ?? []];
    if (!isDeepStrictEqual(here.map(idOf), there.map(idOf))) return [`${scenario}: other checks`];
    return here.flatMap((check, at) => {
      const other = there[at] ?? check;
      if (check.status !== other.status) return [`${scenario}, ${check.id}: ${check.status}, wrapped ${other.status}`];
      return isDeepStrictEqual(gotten(check), gotten(other)) ? [] : [`${scenario}, ${check.id}: another answer`];
    });
  });
}

const idOf = ({ id }: Check): string => id;

/** Of what the suite keeps of an answer, all that is the server's and not of the moment. */
const kept = [
  ...['result', 'response', 'content', 'contents', 'logs', 'logCount', 'progressNotifications', 'progressCount'],
  ...['prompts', 'promptCount', 'resources', 'resourceCount', 'availableTools', 'tools', 'toolCount', 'messages'],
  ...['schemaValue', 'defsValue', 'anchorValue', 'statusCode', 'responseStatus', 'statuses', 'mimeType', 'uri'],
  ...['hasBlob', 'hasText', 'eventCount', 'violations', 'error', 'tamperedResponse'],
];
/** Who answers, what only its maker can read, and how long a list may be kept. */
const apart = ['_meta', 'requestState', 'logger', 'ttlMs'];

const gotten = ({ details = {} }: Check): unknown =>
  Object.fromEntries(kept.map((name) => [name, plain(details[name])]));

/** Errors by their number, since their words are their maker's; lists of what has a name in the order of names. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain).sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
  if (typeof value !== 'object' || value === null) return value;
  if ('code' in value && 'message' in value) return { code: value.code };
  const members = Object.entries(value).filter(([name]) => !apart.includes(name));
  return Object.fromEntries(members.map(([name, each]) => [name, plain(each)]));
}

function nameOf(item: unknown): string {
  if (typeof item === 'string') return item;
  return typeof item === 'object' && item !== null && 'name' in item ? String(item.name) : '';
}

export function required(revision: string): string[] {
  const file = readFileSync(path.join(path.dirname(suite), '..', 'requirements', `${revision}.yaml`), 'utf8');
  const server = /^server:\n((?: {2}- .+\n)+)/m.exec(file)?.[1] ?? '';
  return [...server.matchAll(/- (\S+)/g)].map(([, name]) => name ?? '').sort();
}

/** What the suite runs and does not score, and we pass; the rest of it, with reasons, is in docs/conformance.md. */
export const beyond = {
  '2025-11-25': ['json-schema-2020-12', 'server-session-lifecycle', 'server-sse-polling'],
  '2026-07-28': ['http-header-validation', 'json-schema-2020-12'],
} as const;
