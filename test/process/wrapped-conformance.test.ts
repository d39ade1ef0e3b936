/** The official conformance suite against one server, bare over HTTP and wrapped: every check of every scenario, one by one. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest } from '../conformance/manifest.ts';
import { serveBare } from '../conformance/http.ts';
import { beyond, differences, required, runSuite } from './stand/conformance-suite.ts';
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

/** All that is different, and why. */
const introduces = 'Sallyport introduces itself: all its revisions, its instructions, what all of its connectors offer';
const differs: Readonly<Record<keyof typeof beyond, Readonly<Record<string, string>>>> = {
  '2025-11-25': {
    'server-session-lifecycle, server-session-delete-accepted: another answer':
      '204 where this server says 200; the protocol names neither',
    'server-sse-multiple-streams, server-sse-streams-functional: SUCCESS, wrapped INFO':
      'one answer is sent as JSON, where this server streams each; the protocol leaves it to the server',
  },
  '2026-07-28': {
    'input-required-result-validate-input, sep-2322-error-on-protocol-error: another answer':
      '"inputResponses": null is refused as malformed, where this server asks again; either is right',
    'server-stateless, sep-2575-request-meta-client-info-optional: another answer': introduces,
    'server-stateless, sep-2575-server-implements-discover: another answer': introduces,
    'server-stateless, sep-2575-discover-capabilities-match-handlers: another answer':
      'tools are listed with annotations, which say what the manifest says',
  },
};

describe.each([
  ['2025-11-25', 'handshake'],
  ['2026-07-28', 'stateless'],
] as const)('%s, a server of the %s era', (revision, era) => {
  let folder: string;
  let bareFolder: string;
  let stand: WrappedStand;
  let forwarder: Forwarder;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-conformance-'));
    bareFolder = path.join(folder, 'bare');
    mkdirSync(bareFolder);
    const script = path.join(folder, 'server', 'server.mjs');
    const source = path.join(root, 'test/conformance/stdio.ts');
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

  it('is for a client what the same server is without Sallyport', { timeout: 240_000 }, async () => {
    const bare = await serveBare();
    const direct = await runSuite(revision, { url: bare.url, folder: bareFolder }).finally(() => bare.close());
    const wrapped = await runSuite(revision, { url: forwarder.url, folder });
    const passes = [...required(revision), ...beyond[revision]].sort();
    expect(direct.passed).toEqual(passes);
    expect(wrapped.passed).toEqual(passes);
    expect(differences(direct.checks, wrapped.checks)).toEqual(Object.keys(differs[revision]));
  });
});
