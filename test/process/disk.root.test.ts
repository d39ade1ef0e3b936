/**
 * All that the product's processes write to files in a whole life of it, and every name that they give: no token, database
 * password, authorization code or PKCE verifier, in any encoding. Root watches by fanotify (the product refuses to run
 * under ptrace, so strace is out); the product runs as the made user in a PID namespace of its own, which tells its
 * writes from all others, while the lab stays outside. Needs CAP_SYS_ADMIN and Linux 5.13.
 * Not seen: what is written over in the same file before root read it (a moment), extended attributes, targets of links,
 * memfd_create, pipes and sockets, swap, programs outside that are told to write, the first 25 ms of a sandbox's own file
 * system, and names in it; what is compressed or encrypted. Not part of this run: the tray app, a proxy's password, and
 * AWS sessions, which no destination can have yet.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNeedles } from '../attacks/needles.ts';
import { accessTokenOf, labDatabase, trustLab } from '../lab/person.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { ways, type Way } from './disk-run/careless.ts';
import { longLivedRole, type WatchReport, type WatchSettings } from './disk-run/settings.ts';
import { finished } from './harness.ts';
import { findMadeGround } from './made-ground.ts';

/** All files of the product, in its folder, and the configuration that the person wrote. */
const expectedFiles = [
  /^sallyport\.json$/,
  /^run\/instance\.lock$/,
  /^state\/limits\.json(\.new)?$/,
  /^state\/secret-ages\.json(\.new)?$/,
  /^state\/audit\/audit-\d{4}-\d\d-\d\d(\.\d+)?\.jsonl$/,
  /^state\/logs\/[a-z-]+\.log$/,
  /^state\/references\/[\w-]{22}\.rows$/,
  // The bridge's, at the default place of state.
  /^\.local\/state\/sallyport\/bridge\/[0-9a-f]{16}\.json(\.\d+)?$/,
];
/** Of these files, also before they are renamed, and of folders and sockets. */
const expectedNames = [
  /^(sallyport|limits|secret-ages|[0-9a-f]{16})\.json(\.new|\.\d+)?$/,
  /^(instance\.lock|stay-closed|audit-\d{4}-\d\d-\d\d(\.\d+)?\.jsonl|[a-z-]+\.log|[\w-]{22}\.rows)$/,
  /^(sp-\w{6}|run|state|logs|audit|references|bridge|\.local|sallyport)$/,
  /^(\.[\w-]{6}|control\.sock|mcp\.sock)$/,
];
const careless = /\bsp-careless-/;

const planted = Object.fromEntries(
  Object.keys(ways).map((way) => [way, randomBytes(way === 'a verifier' ? 32 : 75).toString('base64url')]),
) as Record<Way, string>;
let place: string;
let needles: string;
let lab: RunningLab;
let report: WatchReport;

/** CAP_SYS_ADMIN, which root lacks in some containers. */
const mayWatch =
  (BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`) >> 21n) % 2n === 1n;
const watched = (name: string, body: () => unknown): void => {
  test(name, (context) => {
    if (!mayWatch) context.skip('root has no CAP_SYS_ADMIN here');
    return body();
  });
};

beforeAll(async () => {
  if (!mayWatch) return;
  const { tree, as } = await findMadeGround();
  place = mkdtempSync(path.join(os.tmpdir(), 'sp-disk-'));
  needles = path.join(place, 'needles');
  const temporary = path.join(place, 'tmp');
  writeFileSync(needles, '', { mode: 0o600 });
  mkdirSync(temporary, { mode: 0o700 });
  for (const at of [place, needles, temporary]) chownSync(at, as.uid, as.gid);
  lab = await startLab({ needles, tree, as });
  await rotateLongLived();
  report = await watchedRun({ config: lab.config, labFolder: lab.folder, needles, planted, temporary, tree, as });
}, 180_000);

afterAll(async () => {
  if (!mayWatch) return;
  await lab.stop();
  rmSync(place, { recursive: true, force: true });
});

async function rotateLongLived(): Promise<void> {
  trustLab(lab);
  const server = `${new URL(labDatabase(lab).issuer.url).origin}/v1`;
  const post = (at: string, body: object, token = ''): Promise<Response> =>
    fetch(`${server}/${at}`, { method: 'POST', headers: { 'x-vault-token': token }, body: JSON.stringify(body) });
  const login = await post('auth/jwt/login', { role: 'people', jwt: await accessTokenOf(lab, 'alice') });
  const { auth } = (await login.json()) as { auth: { client_token: string } };
  await post(`database/rotate-role/${longLivedRole}`, {}, auth.client_token);
}

async function watchedRun(settings: WatchSettings): Promise<WatchReport> {
  const program = path.join(import.meta.dirname, 'disk-run/watched-run.ts');
  const apart = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { stdout, stderr } = await finished(
    spawn('setpriv', [...apart, process.execPath, program, JSON.stringify(settings)]),
  );
  if (stdout === '') throw new Error(`no report: ${stderr}`);
  const parsed = JSON.parse(stdout) as WatchReport;
  if (parsed.code !== 0) throw new Error(`the run broke off: ${JSON.stringify(parsed.said)} ${stderr}`);
  return parsed;
}

/** Of the product's folder; elsewhere the whole path. */
function files(): string[] {
  const folder = report.said.flatMap((line) => ('folder' in line ? [line.folder] : []))[0] ?? '';
  return report.paths.map((file) => (file.startsWith(`${folder}/`) ? path.relative(folder, file) : file));
}

const isPlanted = ({ needle }: { readonly needle: string }): boolean => needle.startsWith('planted: ');

watched('every file system is watched, and the lab issued what is looked for', () => {
  expect(report.blind).toEqual([]);
  const issued = readNeedles(needles);
  const tokens = ['access-token', 'refresh-token', 'id-token', 'authorization-code', 'vault-token'];
  const kinds = [...tokens, 'postgres-password', 'vault-static-password'];
  expect(issued.map(({ name }) => name)).toEqual(expect.arrayContaining(kinds));
  for (const { name, value } of issued) expect(value.length, name).toBeGreaterThanOrEqual(12);
});

watched('what an unprivileged program writes and removes at once is found, however it does it', () => {
  const found = new Set(report.findings.filter(isPlanted).map(({ needle }) => needle));
  expect(found).toEqual(new Set(Object.keys(ways).map((way) => `planted: ${way}`)));
});

watched('the product wrote no secret to any file and into no name, from the first start to the last', () => {
  const verifier = { needle: 'pkce-verifier', encoding: 'raw', place: expect.stringMatching(careless) as string };
  expect(report.findings.filter((finding) => !isPlanted(finding))).toEqual([verifier]);
});

watched('it wrote no other file than these, and none of the lab', () => {
  const written = files().filter((file) => !careless.test(file));
  expect(written.filter((file) => !expectedFiles.some((known) => known.test(file)))).toEqual([]);
  // There is a log only where a child said something.
  const always = expectedFiles.filter((known) => !known.source.includes('logs'));
  for (const known of always) expect(written, String(known)).toContainEqual(expect.stringMatching(known));
});

watched('it gave no other names', () => {
  const given = report.names.filter((name) => !careless.test(name) && name !== planted['a name']);
  expect(given.filter((name) => !expectedNames.some((known) => known.test(name)))).toEqual([]);
});
