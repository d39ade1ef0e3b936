/** `run SETTINGS`: a whole life of the product, as a person and their agent lead it; says each step on stdout. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { signIn } from '../../lab/browser.ts';
import { connectAgent, type Agent } from '../agents.ts';
import { eventually, makeFolder, ownGround, startProduct, type Product } from '../harness.ts';
import { longLivedRole, type RunLine, type RunSettings } from './settings.ts';

/** Of the first life: short enough for refreshes in it. */
const policyWindowMinutes = 0.1;
const few = { sql: 'SELECT count(*) AS orders FROM shop.orders' };
const many = { sql: 'SELECT * FROM shop.orders' };

const { config, labFolder, needles, planted } = JSON.parse(process.argv[2] ?? '') as RunSettings;
const say = (line: RunLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const step = async (done: string, work: () => Promise<unknown>): Promise<void> => {
  await work();
  say({ done });
};
const folder = makeFolder(ownGround);
say({ folder });
const configFile = path.join(folder, 'sallyport.json');

type From = 'issuer' | 'vault-database' | 'vault-secret';

function credentialFrom(from: From, { url, scope }: Database['issuer']): object {
  const server = { url: new URL(url).origin, login: { role: 'people' }, scope };
  const ways = {
    issuer: { kind: 'postgres-issuer', url, scope },
    'vault-database': { kind: 'vault-database', ...server, role: 'reader' },
    // The database does not know this login; it is fetched, tried and written down all the same.
    'vault-secret': { kind: 'vault-secret', ...server, from: { engine: 'database-static', role: longLivedRole } },
  };
  return ways[from];
}

async function start(from: From): Promise<Product> {
  const { limits: _, connectors, ...rest } = config;
  const { issuer, ...database } = connectors[0]?.destinations['database'] as Database;
  const destinations = { database: { ...database, credential: credentialFrom(from, issuer) } };
  const identity = from === 'issuer' ? { ...config.identity, policyWindowMinutes } : config.identity;
  writeFileSync(configFile, JSON.stringify({ ...rest, identity, connectors: [{ name: 'postgres', destinations }] }));
  return startProduct({ folder, args: ['--config', configFile, '--consent', 'allow'] });
}
interface Database {
  readonly issuer: { readonly url: string; readonly scope: string };
}

async function signInAs(user: string): Promise<void> {
  const signing = product.cliWithUrl('signin', '--print-url');
  const url = await signing.url;
  say({ challenge: new URL(url).searchParams.get('code_challenge') ?? '' });
  const result = await signIn({ folder: labFolder, user, url });
  const { code, stderr } = await signing.ended;
  if (!('done' in result) || code !== 0) throw new Error(`${user}: ${JSON.stringify(result)} ${stderr}`);
}

async function released(args = few): Promise<Readonly<Record<string, unknown>>> {
  let content: Readonly<Record<string, unknown>> = {};
  await eventually(async () => {
    const result = await agent.call('postgres_query', args);
    content = result.structuredContent ?? {};
    return result.isError !== true;
  }, 30_000);
  return content;
}

async function keepRows(): Promise<void> {
  await agent.listTools();
  const { reference } = (await released(many)) as { reference?: { uri: string } };
  if (reference === undefined) throw new Error('no rows were kept');
  await agent.read(reference.uri);
}

const issued = (name: string): number => readFileSync(needles, 'utf8').split(`${name}\t`).length;
async function refreshed(): Promise<void> {
  const before = issued('refresh-token');
  await eventually(() => issued('refresh-token') > before, 30_000);
}

async function killed(kind: 'vault' | 'egress'): Promise<void> {
  const restarts = (): number =>
    product.events.filter((event) => event['event'] === 'process-restarted' && event['kind'] === kind).length;
  const before = restarts();
  const found = (await product.status()).processes.find((entry) => entry.kind === kind);
  process.kill(found!.pid, 'SIGKILL');
  await eventually(() => restarts() > before, 30_000);
}

let product = await start('issuer');
let agent: Agent = await connectAgent(product, 'v2', 'bridge');
await step('alice signs in', () => signInAs('alice'));
await step('rows are kept and read', keepRows);
await step('the vault refreshes', refreshed);
await step('a call after it', () => released());
for (const kind of ['vault', 'egress'] as const) {
  await step(`the ${kind} is killed`, () => killed(kind));
  await step('alice signs in again', () => signInAs('alice'));
  await step('rows are kept and read', keepRows);
}
await step('everything is killed', async () => {
  process.kill(product.pids.shell, 'SIGKILL');
  await product.ended;
  await agent.close();
});
await step('it starts again in its place', async () => {
  product = await start('vault-database');
  agent = await connectAgent(product, 'v1', 'socket');
});
await step('bob signs in', () => signInAs('bob'));
await step('rows are kept and read', keepRows);
await step('bob signs out', async () => {
  const { code, stderr } = await product.cli('signout');
  if (code !== 0) throw new Error(stderr);
});
await agent.close();
await step('it ends', async () => {
  product.process.stdin?.end();
  await product.ended;
});
await step('it starts a third time', async () => {
  product = await start('vault-secret');
  agent = await connectAgent(product, 'v2', 'socket');
});
await step('alice signs in', () => signInAs('alice'));
await step('a long-lived secret is fetched', async () => {
  const ledger = path.join(folder, 'state/secret-ages.json');
  await eventually(async () => {
    await agent.call('postgres_query', few);
    return existsSync(ledger);
  }, 30_000);
});
await agent.close();
await step('it ends', () => product.stop());
say({ challenge: createHash('sha256').update(planted['a verifier']).digest('base64url') });
const careless = path.join(import.meta.dirname, 'careless.ts');
const { status } = spawnSync(process.execPath, [careless, JSON.stringify(planted)], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (status !== 0) throw new Error('the careless program did not end well');
