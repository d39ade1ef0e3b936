/**
 * The whole product on the lab's S3 with a policy that permits everything to everybody, and a connector that checks nothing: the storage
 * alone refuses what is another person's, and no credential that the lab issued is in anything that came out.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent, type CallResult } from '../process/agents.ts';
import { makeFolder, ownGround, startProduct, type Product } from '../process/harness.ts';
import { signInAs } from './sign-in.ts';

const permitAll = '@id("everything") @approval("none") @exposure("sensitive") permit (principal, action, resource);';
const source = path.join(import.meta.dirname, 'unchecked-storage');

let folder: string;
let lab: RunningLab;
let product: Product;
let agent: Agent;
const came: CallResult[] = [];

beforeAll(async () => {
  folder = makeFolder(ownGround);
  lab = await startLab({ storage: true, needles: path.join(folder, 'needles') });
  product = await startProduct({ folder, args: ['--config', await configure(), '--consent', 'allow'] });
  agent = await connectAgent(product, 'v2', 'socket');
}, 60_000);
afterAll(async () => {
  await agent.close();
  await product.stop();
  await lab.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function configure(): Promise<string> {
  for (const name of ['policies', 'unchecked-storage']) mkdirSync(path.join(folder, name));
  const into = path.join(folder, 'unchecked-storage');
  await build({
    entryPoints: [path.join(source, 'connector.ts')],
    outfile: path.join(into, 'connector.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
  copyFileSync(path.join(source, 'manifest.json'), path.join(into, 'manifest.json'));
  writeFileSync(path.join(folder, 'policies/all.cedar'), permitAll);
  const { limits: _limits, ...given } = lab.config;
  const storage = given.connectors.find(({ name }) => name === 'storage');
  const unchecked = { name: 'unchecked-storage', path: into, destinations: storage?.destinations };
  const connectors = [...given.connectors.filter(({ name }) => name === 'storage'), unchecked];
  const { postgres: _labels, ...classification } = given.classification;
  const config = { ...given, connectors, classification, policy: { folder: 'policies' } };
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const signIn = (user: string): Promise<void> => signInAs(user, { product, lab });

async function call(tool: string, given: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const result = await agent.call(tool, given);
  came.push(result);
  const told = result.structuredContent ?? {};
  if (told['code'] !== 'rate_limited') return told;
  await delay(Number(told['retryAfterMs']));
  return call(tool, given);
}
const ask = (target: string, headers: readonly (readonly [string, string])[] = []) =>
  call('unchecked-storage_ask', { path: target, headers });
const own = (user: string): string => `/lab/people/${user}/notes.txt`;

describe.each([
  { user: 'alice', others: ['bob', 'carol'], shared: 200 },
  { user: 'bob', others: ['alice', 'carol'], shared: 403 },
])('$user, permitted everything', ({ user, others, shared }) => {
  beforeAll(() => signIn(user), 30_000);

  test('the control: own objects come', async () => {
    expect(await ask(own(user))).toMatchObject({ status: 200, text: expect.stringContaining(`Notes of ${user}`) });
    expect(await ask('/lab/shared/read%20me%20%26%20more%20%28%C3%BC%29.txt')).toMatchObject({ status: shared });
  });

  test('others’ objects, lists of them, what names somebody else, what writes: 403 by the storage itself', async () => {
    for (const other of others) {
      const tried: [string, (readonly [string, string])[]][] = [
        [own(other), []],
        [own(other), [['range', 'bytes=0-9']]],
        [`${own(other)}?versionId=1`, []],
        [`${own(other)}?acl`, []],
        [`/lab/?list-type=2&prefix=people%2F${other}%2F`, []],
        ['/lab/?list-type=2', []],
        ['/lab/?list-type=2&prefix=people%2F&delimiter=%2F', []],
        ['/lab/?acl', []],
        ['/lab/?prefix=shared%2F', []],
        ['/', []],
        ['/other/x', []],
        [own(other), [['x-amz-user', other]]],
      ];
      for (const [target, headers] of tried) {
        const { status, text, ...refused } = await ask(target, headers);
        expect([target, headers, status, refused]).toEqual([target, headers, 403, {}]);
        expect(text).not.toContain(`Notes of ${other}`);
      }
    }
  });

  test('the connector that ships gets no further, and says so', async () => {
    expect(await call('storage_list', { prefix: '/', delimiter: '/' })).toMatchObject({ rowCount: 2 });
    expect(await call('storage_list', { prefix: '/' })).toMatchObject({ code: 'not_permitted' });
    expect(await call('storage_read', { key: `people/${user}/notes.txt` })).toMatchObject({
      text: expect.stringContaining(`Notes of ${user}`),
    });
    for (const other of others) {
      expect(await call('storage_read', { key: `people/${other}/notes.txt` })).toMatchObject({ code: 'not_permitted' });
      expect(await call('storage_list', { prefix: `people/${other}/` })).toMatchObject({ code: 'not_permitted' });
    }
  });
});

describe('alice', () => {
  beforeAll(() => signIn('alice'), 30_000);

  test('gets exact summaries, within the caps', async () => {
    const measures = [{ function: 'count' }, { function: 'sum', column: 'amount' }];
    const given = { key: 'shared/orders.csv', groupBy: ['region'], measures };
    expect(await call('storage_aggregate', given)).toMatchObject({
      rowCount: 4,
      counted: 2000,
      columns: [{ name: 'region' }, { name: 'count' }, { name: 'sum_amount' }],
    });
    expect(await call('storage_summarize', { key: 'shared/events.jsonl' })).toMatchObject({
      records: 500,
      rowCount: 4,
    });
    const all = await call('storage_records', { key: 'shared/orders.csv' });
    expect(all).toMatchObject({ rowCount: 2000, summary: expect.anything(), reference: expect.anything() });
    expect((all['rows'] as unknown[]).length).toBeLessThanOrEqual(50);
  });

  test('and nobody else got a key or a token of the lab’s STS', async () => {
    const needles = readFileSync(path.join(folder, 'needles'), 'utf8').split('\n');
    const issued = needles.filter((line) => line.startsWith('aws-')).map((line) => line.split('\t')[1] ?? '');
    expect(issued.length).toBeGreaterThanOrEqual(4);
    const log = readFileSync((await product.status()).auditFile, 'utf8');
    const out = JSON.stringify(came) + log;
    expect(
      issued.filter((secret) => out.includes(secret) || out.includes(JSON.stringify(secret).slice(1, -1))),
    ).toEqual([]);
  });
});
