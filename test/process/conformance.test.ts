/**
 * The official conformance suite, both revisions, against the gateway with a real connector in its sandbox, over HTTP on
 * the socket behind a loopback port. Every scenario that a revision requires of a server must pass.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../main/connectors/sandbox.ts';
import { manifest } from '../conformance/manifest.ts';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { forwardTo, type Forwarder } from './stand/loopback-forwarder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const suite = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

let folder: string;
let stand: GatewayStand;
let forwarder: Forwarder;
let connector: ChildProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-conformance-'));
  const entry = path.join(folder, 'connector.mjs');
  await build({
    entryPoints: [path.join(root, 'test/conformance/connector.ts')],
    outfile: entry,
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const dist = path.join(root, 'dist');
  const start = createSandbox({
    host: path.join(dist, 'connector-host/host.mjs'),
    launcher: path.join(dist, 'main/launcher.mjs'),
    runtime: process.execPath,
  });
  stand = await startGateway({
    connector: {
      manifest,
      start(ends) {
        connector = start({ entry }, ends).process;
        closeSync(ends.gateway);
        closeSync(ends.egress);
      },
    },
    policies: [{ name: 'all.cedar', text: '@id("all") permit (principal, action, resource);' }],
  });
  forwarder = await forwardTo(stand.socketPath);
});
afterAll(async () => {
  await forwarder.close();
  await stand.stop();
  connector?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

interface Outcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** Each scenario leaves a folder with its checks. */
async function runSuite(revision: string): Promise<Outcome> {
  const results = path.join(folder, revision);
  const args = [suite, 'server', '--url', forwarder.url, '--requirements', revision, '--output-dir', results];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  await new Promise((resolve) => child.once('exit', resolve));
  const passed: string[] = [];
  const failed: string[] = [];
  for (const name of readdirSync(results)) {
    const checks = JSON.parse(readFileSync(path.join(results, name, 'checks.json'), 'utf8')) as Check[];
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d{2}-\d{2}T.*$/, '');
    const wrong = checks.filter(({ status }) => status === 'FAILURE');
    const isExercised = checks.some(({ status }) => status === 'SUCCESS');
    if (wrong.length === 0 && isExercised) passed.push(scenario);
    else failed.push(`${scenario}: ${wrong.map(({ id, errorMessage }) => `${id} (${errorMessage ?? ''})`).join('; ')}`);
  }
  if (passed.length + failed.length === 0) throw new Error(said);
  return { passed: passed.sort(), failed: failed.sort() };
}

function required(revision: string): string[] {
  const file = readFileSync(path.join(path.dirname(suite), '..', 'requirements', `${revision}.yaml`), 'utf8');
  const server = /^server:\n((?: {2}- .+\n)+)/m.exec(file)?.[1] ?? '';
  return [...server.matchAll(/- (\S+)/g)].map(([, name]) => name ?? '').sort();
}

/** What the suite runs and does not score, and we pass; the rest of it, with reasons, is in docs/conformance.md. */
const beyond = {
  '2025-11-25': ['json-schema-2020-12', 'server-session-lifecycle', 'server-sse-polling'],
  '2026-07-28': ['http-header-validation', 'json-schema-2020-12'],
} as const;

describe.each(['2025-11-25', '2026-07-28'] as const)('%s', (revision) => {
  it(
    'passes every scenario that the revision requires of a server, and as many beside them as before',
    { timeout: 240_000 },
    async () => {
      const { passed, failed } = await runSuite(revision);
      const wanted = required(revision);
      expect(wanted.length).toBeGreaterThanOrEqual(30);
      expect(failed.filter((line) => wanted.some((name) => line.startsWith(`${name}: `)))).toEqual([]);
      expect(passed).toEqual([...wanted, ...beyond[revision]].sort());
    },
  );
});
