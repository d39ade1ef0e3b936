/**
 * A wrapped server with a network, on the whole product: its own client library dials the lab's API as it always would, and sees the
 * signed-in person's data by a token that it never has. The policy permits everything; the test approves what it says of its tools.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClosing } from '../../main/cli/closing.ts';
import { productAt } from '../../main/product.ts';
import { startShell, type RunningShell } from '../../main/start-shell.ts';
import { apiAudience, apiScope, issuerScope } from '../lab/contract.ts';
import { encodings } from '../lab/echo-encodings.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent, type CallResult } from './agents.ts';
import { eventually, makeFolder, ownGround, type Product } from './harness.ts';
import { modules, root } from './stand/wrapped-stand.ts';

const run = promisify(execFile);
const command = path.join(root, 'dist/main/sallyport.mjs');
const permitAll =
  '@id("everything") @approval("none") @exposure("sensitive") @flow("approve") permit (principal, action, resource);';
/** Nothing here is to be kept from anybody: it is not the labels that are tried. */
const open = { operation: 'read', classification: 'public' };
const placeholder = 'placeholder-of-the-api';
const script = path.join(root, 'test/process/stand-ins/networked-server.mjs');

let lab: RunningLab;
let folder: string;
let running: RunningShell;
let agent: Agent;
const at = (...parts: string[]): string => path.join(folder, ...parts);
const closing = createClosing({ tell: () => undefined }, () => undefined);
const environment = (): Record<string, string> => ({
  HOME: folder,
  PATH: '/usr/bin:/bin',
  SALLYPORT_SOCKET: at('run/mcp.sock'),
});

beforeAll(async () => {
  folder = realpathSync(makeFolder(ownGround));
  lab = await startLab({ api: true, needles: at('needles') });
  await configure();
  running = await startShell({
    options: {
      ...{ lab: false, json: true, consent: 'allow', runtime: process.execPath, endWithInput: false },
      ...{ configFile: at('sallyport.json'), stateFolder: at('state'), socket: at('run/mcp.sock') },
    },
    product: productAt(root, process.execPath, { entries: path.join(root, 'dist/main'), extension: '.mjs' }),
    runtimeName: 'a test',
    ownHardening: {
      notDumpable: false,
      noCoreDumps: false,
      noNewPrivileges: false,
      dieWithParent: false,
      lockedMemory: false,
    },
    reporter: { tell: () => undefined },
    closing,
    startedAtMs: performance.now(),
    onChange: () => undefined,
  });
  await signIn('alice');
  await approved();
  agent = await connectAgent(
    { socket: at('run/mcp.sock'), bridgeCommand: () => ({}) } as unknown as Product,
    'v2',
    'socket',
  );
}, 120_000);
afterAll(async () => {
  await agent.close();
  await closing.close(0);
  await lab.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function configure(): Promise<void> {
  const { limits: _limits, classification: _ofPostgres, ...given } = lab.config;
  const { host = '', port = 0, networks } = given.connectors[1]?.destinations['api'] ?? {};
  for (const each of ['policies', 'desk']) mkdirSync(at(each));
  writeFileSync(at('policies/all.cedar'), permitAll);
  const tools = Object.fromEntries(['ask', 'elsewhere', 'start', 'lookup', 'contains'].map((name) => [name, open]));
  const wrap = {
    tools,
    command: process.execPath,
    args: [script],
    environment: { API_URL: `https://${host}:${port}`, API_TOKEN: placeholder },
  };
  const api = {
    ...{ protocol: 'https', authentication: 'bearer', description: 'The ticket desk.', receives: 'internal' },
    ...{
      hosts: [host],
      allow: [
        { methods: ['GET'], path: '/v1/tickets' },
        { methods: ['GET'], path: '/v1/hostile' },
      ],
      placeholder,
    },
  };
  const manifest = {
    ...{
      name: 'desk',
      version: '1.0.0',
      title: 'Desk',
      description: 'A server that talks to an API.',
      destinations: { api },
    },
    ...{ wrap, files: [modules, script].map((each) => ({ path: each, mode: 'read' })) },
  };
  const credential = { kind: 'token-exchange', audience: apiAudience, scope: apiScope, subjectScope: issuerScope };
  const connectors = [{ name: 'desk', path: 'desk', destinations: { api: { host, port, networks, credential } } }];
  writeFileSync(at('desk/manifest.json'), JSON.stringify(manifest));
  writeFileSync(at('sallyport.json'), JSON.stringify({ ...given, connectors, policy: { folder: 'policies' } }));
  // The hash is what a first start says that it is.
  const { stderr } = await run(
    process.execPath,
    [command, 'up', '--headless', '--config', at('sallyport.json'), '--state', at('state')],
    { env: environment() },
  ).catch((error: unknown) => error as { stderr: string });
  const sha256 = /"sha256": "([0-9a-f]{64})"/.exec(stderr)?.[1];
  writeFileSync(at('desk/manifest.json'), JSON.stringify({ ...manifest, wrap: { ...wrap, sha256 } }));
}

async function signIn(user: string): Promise<void> {
  const url = Promise.withResolvers<string>();
  const asker = {
    signal: AbortSignal.timeout(60_000),
    event: (body: object) => url.resolve((body as { url: string }).url),
  };
  const { ended } = running.shell.signIn.begin({ open: false, forceLogin: false }, asker);
  expect(await lab.signInDriver(await url.promise, user)).toEqual({ done: true });
  expect((await ended).principal.username).toContain(user);
}

/** What the person does in the window; the gateway hears of it a moment later. */
async function approved(): Promise<void> {
  await eventually(() => {
    try {
      running.definitions.approve('desk', running.definitions.read('desk').hash, 'test');
      return true;
    } catch {
      return false;
    }
  });
  await eventually(isServed);
}

async function isServed(): Promise<boolean> {
  const { connectors } = await running.shell.status();
  const desk = connectors.find(({ name }) => name === 'desk');
  return desk?.state === 'ready' && desk.tools.length > 0;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A new installation has a tenth of its limits, and this asks quickly. */
async function patiently(tool: string, given: Record<string, unknown>): Promise<CallResult> {
  for (;;) {
    const result = await agent.call(`desk_${tool}`, given);
    if (result.structuredContent?.['code'] !== 'rate_limited') return result;
    await delay(Number(result.structuredContent['retryAfterMs'] ?? 200));
  }
}

async function call<T = Answer>(tool: string, given: Record<string, unknown> = {}): Promise<T> {
  const { content, isError } = await patiently(tool, given);
  expect([tool, isError ?? false, content[0]?.text?.slice(0, 300)]).toEqual([tool, false, expect.any(String)]);
  return JSON.parse(content[0]?.text ?? '') as T;
}
const ask = (at: string, token?: string): Promise<Answer> =>
  call('ask', { path: at, ...(token === undefined ? {} : { token }) });

describe('a wrapped server with a network', () => {
  it('sees the person’s data, with a placeholder in its environment', async () => {
    const { status, text } = await ask('/v1/tickets/1');
    expect([status, JSON.parse(text)]).toEqual([
      200,
      expect.objectContaining({ requester: { name: 'alice', email: 'alice@lab.example' } }),
    ]);
  });

  it('gets what the API itself says where the person has no right', async () => {
    const { status, text } = await ask('/v1/tickets/2');
    expect(status).toBe(403);
    // Its own words: it refuses, whatever the policy here permits.
    expect(JSON.parse(text)).toMatchObject({ title: 'forbidden', status: 403 });
  });

  it.each(Object.keys(encodings))('gets no byte of the token that the API writes back as %s', async (name) => {
    const { structuredContent } = await patiently('ask', {
      path: `/v1/hostile/echo-body?as=${encodeURIComponent(name)}`,
    });
    expect(structuredContent?.['code']).toBe('output_not_allowed');
  });

  it('never received a secret of the lab, in any answer', async () => {
    for (const trick of ['echo-header?as=plain', 'echo-status', 'mirror'])
      await patiently('ask', { path: `/v1/hostile/${trick}` });
    const lines = readFileSync(at('needles'), 'utf8').trim().split('\n');
    const tokens = lines.map((line) => line.split('\t')[1] ?? '').filter((value) => value.startsWith('eyJ'));
    expect(tokens.length).toBeGreaterThan(1);
    // Of each the signature: its other parts say who somebody is, and are no secret.
    const needles = tokens.map((token) => token.split('.').at(-1)?.slice(0, 40) ?? '');
    expect(await call<number>('contains', { texts: needles.slice(-20) })).toBe(0);
    expect(await call<number>('contains', { texts: ['alice@lab.example'] })).toBe(1);
  });

  it('has no other way: another token, path, host or name', async () => {
    expect(await ask('/v1/tickets/1', 'Bearer of-its-own-and-no-placeholder')).toMatchObject({ status: 403 });
    // Told to the server, which goes on: it is no end of the call.
    expect(await ask('/v1/people/alice/tickets')).toMatchObject({ status: 403 });
    for (const url of ['https://example.org/', 'http://169.254.169.254/latest/', 'https://127.0.0.1:1/'])
      expect([url, (await call('elsewhere', { url })).status]).toEqual([url, 0]);
    expect(await call<string>('lookup', { name: 'example.org' })).toMatch(/^E(NOTFOUND|AI_AGAIN)$/);
  });

  it('got nothing before a call ran', async () => {
    expect(await call('start')).toMatchObject({ status: 503 });
  });

  it('leaves each connection in the log, under the call that it was made in', async () => {
    const { auditFile } = await running.shell.status();
    const records = readFileSync(auditFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { record: Record<string, unknown> }).record);
    const calls = records.filter(({ event }) => event === 'call-intent').map(({ callId }) => callId);
    const connections = records.filter(({ event, connector }) => event === 'connection' && connector === 'desk');
    expect(connections.length).toBeGreaterThan(3);
    for (const { callId } of connections) expect(calls).toContain(callId);
  });
});

/** Of the pair, by kind. */
async function pids(): Promise<Record<string, number>> {
  const { processes } = await running.shell.doctor();
  return Object.fromEntries(processes.filter(({ name }) => name === 'desk').map(({ kind, pid }) => [kind, pid]));
}

/** All four are others, and the tools are offered again. */
async function renewed(before: Record<string, number>): Promise<void> {
  await eventually(async () => {
    const now = await pids();
    return Object.keys(before).every((kind) => now[kind] !== undefined && now[kind] !== before[kind]);
  }, 30_000);
  await eventually(isServed, 30_000);
}

describe('bob, signed in after she signed out', () => {
  beforeAll(async () => {
    expect(await call<number>('contains', { texts: ['alice@lab.example'] })).toBe(1);
    const before = await pids();
    expect(Object.keys(before).sort()).toEqual(['connector', 'egress', 'interceptor', 'server']);
    await running.shell.signIn.signOut();
    await renewed(before);
    await signIn('bob');
  }, 120_000);

  it('sees his own, by a server that knows nothing of her', async () => {
    expect(await call<number>('contains', { texts: ['alice@lab.example'] })).toBe(0);
    expect(await ask('/v1/tickets/1')).toMatchObject({ status: 403 });
    expect((await ask('/v1/tickets/2')).text).toContain('bob@lab.example');
  });
});

it('lives and dies as one: without its interceptor everything is anew, and asks for a new sign-in', async () => {
  const before = await pids();
  const { interceptor = Number.NaN } = before;
  process.kill(interceptor, 'SIGKILL');
  await renewed(before);
  const { structuredContent } = await patiently('ask', { path: '/v1/tickets/2' });
  expect(structuredContent?.['code']).toBe('reauthentication_required');
  await signIn('bob');
  expect((await ask('/v1/tickets/2')).text).toContain('bob@lab.example');
});
