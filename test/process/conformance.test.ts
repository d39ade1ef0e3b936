/**
 * The official conformance suite, both revisions, against the gateway with a real connector in its sandbox, over HTTP on
 * the socket behind a loopback port. Every scenario that a revision requires of a server must pass.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox } from '../../main/connectors/sandbox.ts';
import { manifest } from '../conformance/manifest.ts';
import { beyond, required, runSuite } from './stand/conformance-suite.ts';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { forwardTo, type Forwarder } from './stand/loopback-forwarder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

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

describe.each(['2025-11-25', '2026-07-28'] as const)('%s', (revision) => {
  it(
    'passes every scenario that the revision requires of a server, and as many beside them as before',
    { timeout: 240_000 },
    async () => {
      const { passed, failed } = await runSuite(revision, { url: forwarder.url, folder });
      const wanted = required(revision);
      expect(wanted.length).toBeGreaterThanOrEqual(30);
      expect(failed.filter((line) => wanted.some((name) => line.startsWith(`${name}: `)))).toEqual([]);
      expect(passed).toEqual([...wanted, ...beyond[revision]].sort());
    },
  );
});
