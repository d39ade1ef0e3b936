/**
 * A connector that was made of an OpenAPI document, on the whole product, with the lab's API behind it and a policy that permits
 * everything: what the person may not do the API itself refuses, and nothing that a hostile API does gets through egress.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiAudience, apiScope, apiWriteScope, issuerScope } from '../lab/contract.ts';
import { encodings } from '../lab/echo-encodings.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent, type CallResult } from './agents.ts';
import { makeFolder, ownGround, startProduct, type Product } from './harness.ts';
import { root } from './sandboxed.ts';

const run = promisify(execFile);
const permitAll =
  '@id("everything") @approval("none") @exposure("sensitive") @flow("approve") permit (principal, action, resource);';

let lab: RunningLab;
let product: Product;
let agent: Agent;
let folder: string;

beforeAll(async () => {
  lab = await startLab({ api: true });
  folder = makeFolder(ownGround);
  await makeConnectors();
  product = await startProduct({ folder, args: ['--config', configure(), '--consent', 'allow'] });
  await signIn('alice');
  agent = await connectAgent(product, 'v2', 'socket');
});
afterAll(async () => {
  await agent.close();
  await product.stop();
  await lab.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** `tickets`, made by the command of every operation there is, and `web`, whose handler asks for whatever it is told. */
async function makeConnectors(): Promise<void> {
  const source = path.join(folder, 'source/tickets');
  mkdirSync(path.dirname(source));
  const document = path.join(root, 'test/lab/tickets.openapi.yaml');
  const all = ['--openapi', document, '--all-reads', '--operation', 'openTicket', 'changeTicket'];
  await run(process.execPath, [path.join(root, 'dist/main/sallyport.mjs'), 'connector', 'new', source, ...all]);
  for (const name of ['tickets', 'web', 'policies']) mkdirSync(path.join(folder, name));
  await build({
    entryPoints: [path.join(source, 'connector.ts')],
    outfile: path.join(folder, 'tickets/connector.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    alias: { '@sallyport/connector-sdk': path.join(root, 'connector-host/sdk/sdk.ts') },
    logLevel: 'silent',
  });
  // Nobody is there to approve a change, and the API is to refuse it.
  const manifest = readFileSync(path.join(source, 'manifest.json'), 'utf8').replaceAll('"write"', '"read"');
  writeFileSync(path.join(folder, 'tickets/manifest.json'), manifest);
  cpSync(path.join(import.meta.dirname, 'web-connector'), path.join(folder, 'web'), { recursive: true });
  writeFileSync(path.join(folder, 'policies/all.cedar'), permitAll);
}

function configure(): string {
  const { limits: _limits, classification: _ofPostgres, ...given } = lab.config;
  const [database, shipped] = given.connectors;
  if (database === undefined || shipped === undefined) throw new Error('the lab has no API');
  const { host, port, networks } = shipped.destinations['api'] ?? {};
  const credential = {
    kind: 'token-exchange',
    audience: apiAudience,
    scope: `${apiScope} ${apiWriteScope}`,
    subjectScope: issuerScope,
  };
  const destinations = { api: { host, port, networks, credential } };
  const connectors = ['tickets', 'web'].map((name) => ({ name, path: name, destinations }));
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify({ ...given, connectors, policy: { folder: 'policies' } }));
  return file;
}

async function signIn(user: string): Promise<void> {
  const { url, ended } = product.cliWithUrl('signin', '--print-url');
  expect(await lab.signInDriver(await url, user)).toEqual({ done: true });
  expect((await ended).code).toBe(0);
}

/** A new installation has a tenth of its limits, and this asks quickly. */
async function callPatiently(name: string, given: Readonly<Record<string, unknown>>): Promise<CallResult> {
  for (;;) {
    const result = await agent.call(name, given);
    if (result.structuredContent?.['code'] !== 'rate_limited') return result;
    await delay(Number(result.structuredContent['retryAfterMs'] ?? 200));
  }
}

async function ask(tool: string, given: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
  const { isError, structuredContent, content } = await callPatiently(`tickets_${tool}`, given);
  expect(content.length, tool).toBeGreaterThan(0);
  return isError === true ? { refused: structuredContent?.['code'], say: content[0]?.text } : { ...structuredContent };
}

const web = async (at: string): Promise<Record<string, unknown>> => {
  const { isError, structuredContent } = await callPatiently('web_ask', { path: at });
  return isError === true ? { refused: structuredContent?.['code'] } : { ...structuredContent };
};

describe('the tools of a document', () => {
  it('list page after page as rows, with a summary of all of them', async () => {
    const found = await ask('list_tickets', { status: 'open', priority: ['low', 'high'] });
    expect((found['columns'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'id',
      'title',
      'status',
      'priority',
      'openedOn',
    ]);
    expect(found).toMatchObject({ truncated: false });
    const all = await ask('list_tickets');
    expect(all['rowCount'] ?? (all['rows'] as unknown[]).length).toBe(250);
    expect(await ask('list_tickets', { maxItems: 120 })).toMatchObject({ truncated: true });
  });

  it('read one, with what the document declares and nothing that the API sends beside it', async () => {
    const found = await ask('get_ticket', { id: 1 });
    expect(found).toMatchObject({ id: 1, requester: { name: 'alice', email: 'alice@lab.example' }, etag: '"1-1"' });
    expect(JSON.stringify(found)).not.toContain('internalNote');
  });

  it('follow a cursor to the end, through schemas that contain themselves', async () => {
    const { items, truncated } = await ask('list_comments', { id: 1 });
    expect([(items as unknown[]).length, truncated]).toEqual([5, false]);
    expect((items as unknown[])[0]).toMatchObject({ replies: [{ text: 'Thank you.' }] });
  });

  it('change what is as it was read, and nothing else', async () => {
    const { etag } = await ask('get_ticket', { id: 5 });
    const change = { id: 5, 'If-Match': etag, body: { status: 'waiting' } };
    expect(await ask('change_ticket', change)).toEqual({ done: true });
    expect(await ask('change_ticket', change)).toMatchObject({
      refused: 'invalid_arguments',
      say: expect.stringContaining('etag'),
    });
    expect(await ask('get_ticket', { id: 5 })).toMatchObject({ status: 'waiting' });
    expect(await ask('open_ticket', { body: { title: 'A new one' } })).toEqual({ id: 1001 });
  });

  it.each([
    ['an argument of its own sign-in', { id: 1, authorization: 'Bearer mine' }],
    ['a body that is not declared', { id: 1, 'If-Match': '"1-1"', body: { owner: 'alice' } }],
  ])('take no %s', async (_, given) => {
    expect(await ask('change_ticket', given)).toMatchObject({ refused: 'invalid_arguments' });
  });
});

describe('alice, permitted everything', () => {
  it('gets 403 of the API itself for what is bob’s, and no word of it', async () => {
    for (const [tool, given] of [
      ['get_ticket', { id: 2 }],
      ['list_comments', { id: 2 }],
      ['change_ticket', { id: 2, 'If-Match': '"2-1"', body: { status: 'closed' } }],
      ['count_tickets_of', { user: 'bob' }],
    ] as const) {
      const found = await ask(tool, given);
      expect([tool, found['refused']]).toEqual([tool, 'backend_refused']);
      expect(String(found['say'])).not.toMatch(/bob|Printer|Badge|Screen/);
    }
  });

  it('gets no further by a handler that checks nothing', async () => {
    expect(await web('/v1/tickets/1')).toMatchObject({ status: 200 });
    for (const at of ['/v1/tickets/2', '/v1/tickets/2/comments', '/v1/people/bob/tickets'])
      expect([at, (await web(at))['status']]).toEqual([at, 403]);
    expect(String((await web('/v1/tickets?limit=100'))['text'])).not.toContain('bob');
  });

  it('leaves a connection of each request in the log, without the token', async () => {
    const log = readFileSync((await product.status()).auditFile, 'utf8');
    expect(log).toContain('"connector":"tickets"');
    expect(log).not.toMatch(/eyJ[\w-]{10,}\./);
  });
});

describe('a hostile API', () => {
  it.each(Object.keys(encodings))('that writes the token back as %s: no byte comes through', async (name) => {
    const as = encodeURIComponent(name);
    expect(await web(`/v1/hostile/echo-body?as=${as}`)).toEqual({ refused: 'output_not_allowed' });
  });

  it.each([13, 14, 20, 100, 400])('that cuts it at byte %d: no byte comes through', async (split) => {
    expect(await web(`/v1/hostile/echo-body?as=base64&split=${split}`)).toEqual({ refused: 'output_not_allowed' });
  });

  it.each([
    ['writes it into a header', 'echo-header?as=hex', 'output_not_allowed'],
    ['writes it beside the status', 'echo-status', 'output_not_allowed'],
    ['gives the whole request back', 'mirror', 'output_not_allowed'],
    ['answers with a gzip bomb', 'gzip-bomb', 'output_not_allowed'],
    ['answers without an end', 'endless', 'output_not_allowed'],
    ['sends to another host', 'redirect-cross', 'destination_not_allowed'],
    ['sends to plain HTTP', 'redirect-plain', 'destination_not_allowed'],
    ['sends round and round', 'redirect-loop', 'backend_refused'],
  ])('that %s is refused', async (_, trick, refused) => {
    expect(await web(`/v1/hostile/${trick}`)).toEqual({ refused });
  });

  it('that sends elsewhere on itself is followed, as the person', async () => {
    expect(await web('/v1/hostile/redirect-same')).toMatchObject({
      status: 200,
      text: expect.stringContaining('"id"'),
    });
  });

  it('lives on: the control', async () => {
    expect(await web('/v1/tickets/1')).toMatchObject({ status: 200 });
  });
});

describe('bob, signed in after her', () => {
  beforeAll(() => signIn('bob'));
  it('sees his own, and not hers', async () => {
    expect(await ask('get_ticket', { id: 2 })).toMatchObject({ requester: { name: 'bob' } });
    expect(await ask('get_ticket', { id: 1 })).toMatchObject({ refused: 'backend_refused' });
  });
});
