/** The official conformance suite against a wrapped server of each era: the scenarios that pass are those of the connector itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest } from '../conformance/manifest.ts';
import { beyond, required, runSuite } from './stand/conformance-suite.ts';
import { forwardTo, type Forwarder } from './stand/loopback-forwarder.ts';
import { root, startWrapped, type WrappedStand } from './stand/wrapped-stand.ts';

const harmless = { operation: 'read', classification: 'public' };
const tools = {
  ...Object.fromEntries(
    manifest.tools
      .filter(({ offer }) => offer === undefined)
      .map(({ name, asks }) => [name, { ...harmless, ...(asks && { asks }) }]),
  ),
  'prompts/get:test_input_required_result_prompt': { asks: ['elicitation'] },
};

describe.each([
  ['2025-11-25', 'handshake'],
  ['2026-07-28', 'stateless'],
] as const)('%s, a server of the %s era', (revision, era) => {
  let folder: string;
  let stand: WrappedStand;
  let forwarder: Forwarder;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-conformance-'));
    const script = path.join(folder, 'server', 'server.mjs');
    const source = path.join(root, 'test/conformance/server.ts');
    await build({
      entryPoints: [source],
      outfile: script,
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'silent',
    });
    stand = await startWrapped({
      args: [script],
      unprefixed: true,
      wrap: {
        program: path.dirname(script),
        environment: { WRAPPED_ERA: era },
        tools,
        offers: ['resources', 'prompts', 'completions'],
        offersClassification: 'public',
      },
    });
    await stand.admitted();
    forwarder = await forwardTo(stand.socketPath);
  }, 60_000);
  afterAll(async () => {
    await forwarder.close();
    await stand.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives the same results', { timeout: 240_000 }, async () => {
    const { passed, failed } = await runSuite(revision, { url: forwarder.url, folder });
    const wanted = required(revision);
    expect(failed.filter((line) => wanted.some((name) => line.startsWith(`${name}: `)))).toEqual([]);
    expect(passed).toEqual([...wanted, ...beyond[revision]].sort());
  });
});
