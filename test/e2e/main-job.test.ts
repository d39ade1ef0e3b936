/** The main job on real parts: people sign in through the provider, agents call, the database answers each as themselves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAgent, type Agent, type Line, type Way } from '../process/agents.ts';
import { startProduct, type Product } from '../process/harness.ts';

const sql = 'SELECT owner, region, count(*) AS orders FROM shop.orders GROUP BY owner, region ORDER BY owner, region';
const kinds: readonly (readonly [Line, Way])[] = [
  ['v1', 'socket'],
  ['v1', 'bridge'],
  ['v2', 'socket'],
  ['v2', 'bridge'],
];

let product: Product;
beforeAll(async () => {
  product = await startProduct();
});
afterAll(async () => {
  await product.stop();
});

async function asAgent<T>(work: (agent: Agent) => Promise<T>, line: Line = 'v2', way: Way = 'socket'): Promise<T> {
  const agent = await connectAgent(product, line, way);
  try {
    return await work(agent);
  } finally {
    await agent.close();
  }
}

async function rowsOf(agent: Agent): Promise<readonly (readonly unknown[])[]> {
  const result = await agent.call('postgres_query', { sql });
  expect(result.isError, JSON.stringify(result.content)).not.toBe(true);
  return result.structuredContent?.['rows'] as unknown[][];
}

describe('before anybody signed in', () => {
  test.each(kinds)('SDK %s on the %s: a call ends as not_signed_in', async (line, way) => {
    const result = await asAgent((agent) => agent.call('postgres_query', { sql }), line, way);
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { code: 'not_signed_in', retry: 'after_signin' },
    });
  });

  test('a disabled person cannot sign in, and is told why', async () => {
    const { code, stderr } = await product.cli('signin', '--user', 'mallory');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: mallory could not sign in: .+\n$/);
    expect((await product.status()).signedIn).toBeNull();
  });

  test('a person the lab does not know is refused with their names', async () => {
    const { code, stderr } = await product.cli('signin', '--user', 'nobody');
    expect(code).toBe(1);
    expect(stderr).toContain('alice, bob, carol, mallory');
  });
});

describe('each person gets their own rows of the same query', () => {
  test('alice, an analyst: her own orders, over both lines and both ways', async () => {
    await product.signIn('alice');
    for (const [line, way] of kinds) {
      const rows = await asAgent(rowsOf, line, way);
      expect(rows.length).toBeGreaterThan(0);
      expect(new Set(rows.map(([owner]) => owner))).toEqual(new Set(['alice']));
    }
  });

  test('bob, in support: the orders of his region, of whoever took them', async () => {
    await product.signIn('bob');
    const rows = await asAgent(rowsOf);
    expect(new Set(rows.map(([, region]) => region))).toEqual(new Set(['west']));
    expect(new Set(rows.map(([owner]) => owner)).size).toBeGreaterThan(1);
  });

  test('carol, an administrator with a second factor: all of them', async () => {
    await product.signIn('carol');
    const rows = await asAgent(rowsOf);
    expect(new Set(rows.map(([, region]) => region)).size).toBe(4);
    const { signedIn } = await product.status();
    expect(signedIn?.principal).toMatchObject({ username: 'carol', roles: ['admin'] });
  });

  test('after sign-out nobody gets anything', async () => {
    expect((await product.cli('signout')).code).toBe(0);
    const result = await asAgent((agent) => agent.call('postgres_query', { sql }));
    expect(result.structuredContent).toMatchObject({ code: 'not_signed_in' });
  });
});

describe('the command', () => {
  test('pause refuses every call, and resuming is not for programs', async () => {
    await product.signIn('alice');
    expect((await product.cli('pause')).code).toBe(0);
    const result = await asAgent((agent) => agent.call('postgres_query', { sql }));
    expect(result.structuredContent).toMatchObject({ code: 'paused' });
    const resume = await product.cli('resume');
    expect(resume.code).toBe(1);
    expect(resume.stderr).toContain('only the person');
  });

  test('a second instance in the same place is refused; the first goes on', async () => {
    const { code, stderr } = await product.cli('up', '--headless', '--lab');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`already runs here \\(process ${product.pids.shell}\\)`));
    expect((await product.cli('status')).code).toBe(0);
  });

  test('doctor finds every process protected, from the kernel’s view', async () => {
    const { code, stdout } = await product.cli('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string; why: string }[] };
    expect(findings.filter(({ level }) => level === 'failed')).toEqual([]);
    for (const what of ['shell', 'gateway', 'vault', 'egress postgres', 'connector postgres']) {
      expect(findings).toContainEqual(expect.objectContaining({ level: 'ok', what }));
    }
    expect(code).toBe(0);
  });
});

describe('consent "ask"', () => {
  let asking: Product;
  beforeAll(async () => {
    asking = await startProduct({ args: ['--lab', '--consent', 'ask'] });
    await asking.signIn('alice');
  });
  afterAll(async () => {
    await asking.stop();
  });

  test.each(kinds)('SDK %s on the %s: a program nobody allowed gets agent_not_allowed', async (line, way) => {
    const agent = await connectAgent(asking, line, way);
    const result = await agent.call('postgres_query', { sql });
    await agent.close();
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { code: 'agent_not_allowed', retry: 'after_approval' },
    });
  });
});
