/**
 * The whole product on the real lab with a policy that permits everything to everybody, and a connector that checks nothing:
 * policy and connector only narrow, so the backend alone must refuse what the person may not do.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askControl } from '../../main/cli/control-client.ts';
import { controlSocketBeside } from '../../main/cli/paths.ts';
import { labDatabase } from '../lab/person.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent } from '../process/agents.ts';
import { startProduct, type Product } from '../process/harness.ts';
import { leftFile, refusedStatements } from './refused-statements.ts';
import { signInAs } from './sign-in.ts';

const permitAll = '@id("everything") @approval("none") @exposure("sensitive") permit (principal, action, resource);';
const source = path.join(import.meta.dirname, 'unchecked-connector');

let folder: string;
let lab: RunningLab;
let product: Product;
let agent: Agent;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-permit-all-'));
  lab = await startLab();
  product = await startProduct({ args: ['--config', await configure(), '--consent', 'allow'] });
  agent = await connectAgent(product, 'v2', 'socket');
}, 60_000);
afterAll(async () => {
  await agent.close();
  await product.stop();
  await lab.stop();
  rmSync(folder, { recursive: true });
});

async function configure(): Promise<string> {
  for (const name of ['policies', 'unchecked']) mkdirSync(path.join(folder, name));
  const outfile = path.join(folder, 'unchecked/connector.mjs');
  const banner = {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  };
  await build({
    entryPoints: [path.join(source, 'connector.ts')],
    outfile,
    banner,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['pg-native'],
    logLevel: 'silent',
  });
  copyFileSync(path.join(source, 'manifest.json'), path.join(folder, 'unchecked/manifest.json'));
  writeFileSync(path.join(folder, 'policies/all.cedar'), permitAll);
  const unchecked = { name: 'unchecked', path: 'unchecked', destinations: { database: labDatabase(lab) } };
  // The lab's limits are wider than a file of the person's own may set.
  const { limits: _limits, ...given } = lab.config;
  const config = { ...given, connectors: [...given.connectors, unchecked], policy: { folder: 'policies' } };
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const signIn = (user: string): Promise<void> => signInAs(user, { product, lab });

interface Outcome {
  readonly code: string;
  readonly rows: string;
}

/** Writing is tried as well: the session's default is only a default. */
async function run(...statements: readonly string[]): Promise<readonly Outcome[]> {
  const all = ['SET default_transaction_read_only = off', ...statements];
  const { isError, structuredContent, content } = await agent.call('unchecked_run', { statements: all });
  expect([isError ?? false, isError === true ? content : '']).toEqual([false, '']);
  return (structuredContent?.['outcomes'] as readonly Outcome[]).slice(1);
}

const rowsOf = async (sql: string): Promise<unknown> => {
  const [outcome] = await run(sql);
  return outcome?.code === 'done' ? JSON.parse(outcome.rows) : outcome?.code;
};

describe.each([
  { user: 'alice', own: "owner = 'alice'", orders: 2155, ungranted: ['phone', 'birth_date', 'card_last4'] },
  { user: 'bob', own: 'region = $region', orders: null, ungranted: ['full_name', 'email', 'phone', 'card_last4'] },
])('$user, permitted everything', ({ user, own, orders, ungranted }) => {
  let region: string;
  beforeAll(async () => {
    await signIn(user);
    const [first] = (await rowsOf('SELECT region FROM shop.orders LIMIT 1')) as { region: string }[];
    region = first?.region ?? '';
  }, 30_000);

  test('the control: the policy decides for it, the person is the database’s user, own rows come', async () => {
    const [who] = (await rowsOf('SELECT session_user AS name')) as { name: string }[];
    expect(who?.name).toMatch(/^jit_[0-9a-f]{32}$/);
    const [seen] = (await rowsOf('SELECT count(*)::integer AS n FROM shop.orders')) as { n: number }[];
    expect(seen?.n).toBeGreaterThan(100);
    if (orders !== null) expect(seen?.n).toBe(orders);
    const { auditFile } = await product.status();
    const outcomes = readFileSync(auditFile, 'utf8').match(/"event":"call-outcome".*"tool":"unchecked_run".*/g) ?? [];
    expect(outcomes.at(-1)).toMatch(/"decision":"released".*"policy":"everything"/);
  });

  test.each(['shop.orders', 'shop.people'])('rows of others in %s', async (table) => {
    const mine = own.replace('$region', `'${region}'`);
    expect(await rowsOf(`SELECT count(*)::integer AS n FROM ${table} WHERE NOT (${mine})`)).toEqual([{ n: 0 }]);
    expect(await rowsOf(`SELECT count(*)::integer AS n FROM ${table} WHERE owner = 'carol' AND NOT (${mine})`)).toEqual(
      [{ n: 0 }],
    );
  });

  test('columns that are not granted', async () => {
    const outcomes = await run(...ungranted.map((column) => `SELECT ${column} FROM shop.people`));
    expect(outcomes.map(({ code }) => code)).toEqual(ungranted.map(() => '42501'));
  });

  test('writes, COPY, code, files, other sessions, becoming somebody: each statement by the database’s own word', async () => {
    const outcomes = await run(...refusedStatements);
    const got = refusedStatements.map((sql, at) => [sql, outcomes[at]?.code]);
    expect(got.filter(([, code]) => code !== '42501')).toEqual([]);
    expect(existsSync(leftFile)).toBe(false);
  });

  test('the connector that ships gets no further', async () => {
    const sql = 'SELECT card_last4 FROM shop.people';
    const { structuredContent } = await agent.call('postgres_query', { sql });
    expect(structuredContent).toMatchObject({ code: 'not_permitted' });
  });

  test('policy explain knows who is signed in, and doctor says what such a policy is', async () => {
    const { stdout } = await product.cli('policy', 'explain', '--person', user, '--tool', 'unchecked_run');
    expect(stdout).toMatch(/^permitted by everything\n/);
    expect(stdout).toContain('as signed in');
    expect(stdout).toMatch(/permit +everything +all\.cedar:1\n/);
    const doctor = await product.cli('doctor');
    expect(doctor.stdout).toMatch(/weaker +policy +all\.cedar:1: it permits everything to everybody/);
    const nobody = await product.cli('policy', 'explain', '--person', 'nobody', '--tool', 'unchecked_run');
    expect(nobody.stderr).toContain('"nobody" is not signed in here');
  });
});

describe('the connector that ships, permitted everything', () => {
  const outcomeOf = async (tool: string, given: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const { isError, structuredContent } = await agent.call(`postgres_${tool}`, given);
    return isError === true ? structuredContent?.['code'] : structuredContent;
  };
  beforeAll(() => signIn('bob'), 30_000);

  test('lists no table and no column that is not granted', async () => {
    const listed = JSON.stringify(await outcomeOf('list_tables', {}));
    expect(listed).toContain('orders');
    expect(listed).not.toMatch(/claims|"access"|pg_catalog/);
    const people = JSON.stringify(await outcomeOf('describe_table', { schema: 'shop', table: 'people' }));
    expect(people).toContain('customer_since');
    expect(people).not.toMatch(/"name":"(full_name|email|phone|card_last4)"/);
  });

  // A table that the person has no right to is one that is not there, to the database's own lists too.
  test.each([
    ['invalid_arguments', 'describe_table', { schema: 'access', table: 'claims' }],
    ['invalid_arguments', 'describe_table', { schema: 'pg_catalog', table: 'pg_authid' }],
    ['not_permitted', 'aggregate', { schema: 'access', table: 'claims', measures: [{ function: 'count' }] }],
    [
      'not_permitted',
      'aggregate',
      { schema: 'shop', table: 'people', measures: [{ function: 'max', column: 'card_last4' }] },
    ],
    [
      'not_permitted',
      'aggregate',
      { schema: 'shop', table: 'people', measures: [{ function: 'count' }], groupBy: ['phone'] },
    ],
    ['not_permitted', 'query', { sql: 'SELECT full_name FROM shop.people' }],
  ])('%s: %s of what is not granted: %o', async (code, tool, given) => {
    expect(await outcomeOf(tool, given)).toBe(code);
  });

  test('counts own rows only', async () => {
    const counted = { table: 'orders', schema: 'shop', measures: [{ function: 'count' }], groupBy: ['region'] };
    const { rows } = (await outcomeOf('aggregate', counted)) as { rows: readonly unknown[] };
    expect(rows).toHaveLength(1);
  });
});

describe('carol, who administers, permitted everything', () => {
  beforeAll(() => signIn('carol'), 30_000);

  test('the control: all rows and all columns of the shop are hers', async () => {
    expect(await rowsOf('SELECT count(DISTINCT owner)::integer > 1 AS n FROM shop.people')).toEqual([{ n: true }]);
    expect(await rowsOf('SELECT count(card_last4)::integer > 0 AS n FROM shop.people')).toEqual([{ n: true }]);
  });

  test('writes, COPY, code, files, other sessions, becoming somebody: no more than anybody', async () => {
    // Reading the shop's tables is hers.
    const others = refusedStatements.filter(
      (sql) => !/^(SELECT|TABLE|WITH|VALUES)\b(?!.*\bFOR \w+).*\bshop\.|^COPY shop\.people TO STDOUT$/is.test(sql),
    );
    expect(others.length).toBeGreaterThanOrEqual(80);
    const outcomes = await run(...others);
    expect(others.filter((_, at) => outcomes[at]?.code !== '42501')).toEqual([]);
  });
});

describe('who may not sign in any more, permitted everything', () => {
  const control = (method: 'sign-in' | 'sign-out', params: Record<string, unknown>, onUrl?: (url: string) => void) =>
    askControl({
      controlSocket: controlSocketBeside(product.socket),
      method,
      params,
      onEvent: ({ url }) => {
        if (typeof url === 'string') onUrl?.(url);
      },
    });

  test.each(['alice', 'mallory'])('%s, disabled, gets no further than the provider’s form', async (user) => {
    if (user === 'alice') {
      await signIn('alice');
      expect(await rowsOf('SELECT 1 AS n')).toEqual([{ n: 1 }]);
      await lab.disable('alice');
      await control('sign-out', {});
    }
    const { promise, resolve } = Promise.withResolvers<string>();
    const ended = control('sign-in', { open: false, forceLogin: true }, resolve).catch((error: unknown) =>
      String(error),
    );
    expect(await lab.signInDriver(await promise, user)).toHaveProperty('refused');
    await control('sign-out', {});
    expect(await ended).not.toHaveProperty('principal');
    const { isError, structuredContent } = await agent.call('unchecked_run', { statements: ['SELECT 1'] });
    expect([isError, structuredContent?.['code']]).toEqual([true, 'not_signed_in']);
  });
});
