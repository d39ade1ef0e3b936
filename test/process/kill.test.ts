/** SIGKILL of each kind of process: nothing stays behind, nothing blocks the next start, and no access survives. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAgent, type Agent, type CallResult } from './agents.ts';
import { eventually, family, isAlive, startProduct, type Product } from './harness.ts';

const quick = { sql: 'SELECT count(*) AS orders FROM shop.orders' };
/** Runs until something cuts it. */
const endless = {
  sql: 'SELECT count(*) FROM published.flights AS a, published.flights AS b, published.movies AS c WHERE a.delay_minutes < b.delay_minutes',
};

function codeOf(result: CallResult): unknown {
  return result.isError === true ? result.structuredContent?.['code'] : 'released';
}

describe('one process is killed', () => {
  let product: Product;
  let agent: Agent;
  beforeAll(async () => {
    product = await startProduct();
    await product.signIn('alice');
    agent = await connectAgent(product, 'v1', 'bridge');
  });
  afterAll(async () => {
    await agent.close();
    await product.stop();
  });

  const restarted = (kind: string): number =>
    product.events.filter((event) => event['event'] === 'process-restarted' && event['kind'] === kind).length;
  const pidOf = async (kind: string): Promise<number> => {
    const found = (await product.status()).processes.find((entry) => entry.kind === kind);
    if (!found) throw new Error(`there is no ${kind}`);
    return found.pid;
  };
  async function killAndWait(kind: 'gateway' | 'vault' | 'egress' | 'connector'): Promise<void> {
    const before = restarted(kind);
    process.kill(await pidOf(kind), 'SIGKILL');
    await eventually(() => restarted(kind) > before, 30_000);
  }
  /** The bridge finds the socket again by itself. */
  async function callUntil(code: string): Promise<void> {
    await eventually(async () => codeOf(await agent.call('postgres_query', quick)) === code, 30_000);
  }

  test('the connector: coded error now, no credential until the person signed in again', async () => {
    await callUntil('released');
    const running = agent.call('postgres_query', endless);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await killAndWait('connector');
    expect(['connector_failed', 'access_ended', 'reauthentication_required']).toContain(codeOf(await running));
    expect(codeOf(await agent.call('postgres_query', quick))).toBe('reauthentication_required');
    expect((await product.status()).waiting).toEqual(['postgres']);
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the egress worker: the same', async () => {
    const running = agent.call('postgres_query', endless);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await killAndWait('egress');
    expect(codeOf(await running)).not.toBe('released');
    expect(codeOf(await agent.call('postgres_query', quick))).toBe('reauthentication_required');
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the vault: everything forgets the person; the agent is told, and works on after a sign-in', async () => {
    const running = agent.call('postgres_query', endless);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await killAndWait('vault');
    expect(codeOf(await running)).not.toBe('released');
    expect((await product.status()).signedIn).toBeNull();
    await callUntil('not_signed_in');
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the gateway: a call in flight ends with a code, is never repeated, and the bridge comes back', async () => {
    const running = agent.call('postgres_query', endless);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await killAndWait('gateway');
    expect(codeOf(await running)).toBe('connector_failed');
    await callUntil('not_signed_in');
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the exchange: the sign-in fails with a code, the next one works', async () => {
    const signing = product.cli('signin', '--print-url');
    await eventually(async () => (await product.status()).processes.some(({ kind }) => kind === 'exchange'));
    process.kill(await pidOf('exchange'), 'SIGKILL');
    const { code, stderr } = await signing;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: .+\n$/);
    await product.signIn('alice');
    await callUntil('released');
  });
});

describe('everything is killed', () => {
  test('the shell: no process survives, the lab and PostgreSQL included, and the next start works in its place', async () => {
    const first = await startProduct();
    await first.signIn('alice');
    const pids = family(first.process.pid!);
    expect(pids.length).toBeGreaterThan(10);
    process.kill(first.pids.shell, 'SIGKILL');
    await eventually(() => pids.every((pid) => !isAlive(pid)), 30_000);
    const second = await startProduct({ folder: first.folder });
    try {
      expect((await second.status()).signedIn).toBeNull();
      await second.signIn('alice');
    } finally {
      await second.stop();
    }
  });

  test('the lab: Sallyport says so and ends, with all that it started', async () => {
    const product = await startProduct();
    const pids = family(product.process.pid!);
    const known = new Set(
      Object.values(product.pids).flatMap((value: number | Record<string, number>) =>
        typeof value === 'number' ? [value] : Object.values(value),
      ),
    );
    const lab = family(product.process.pid!).find((pid) => !known.has(pid));
    process.kill(lab!, 'SIGKILL');
    const ended = await product.ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('the lab ended');
    await eventually(() => pids.every((pid) => !isAlive(pid)), 30_000);
    await product.stop();
  });

  test('an orderly end leaves nothing either, and no socket', async () => {
    const product = await startProduct();
    const pids = family(product.process.pid!);
    expect((await product.stop()).code).toBe(0);
    await eventually(() => pids.every((pid) => !isAlive(pid)));
  });
});
