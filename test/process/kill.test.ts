/** SIGKILL of each kind of process: nothing stays behind, nothing blocks the next start, and no access survives. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { innermost } from '../../main/cli/kernel-view.ts';
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

/** A call that runs until something cuts it: its intent is in the log by now. */
async function begun(product: Product, agent: Agent): Promise<{ readonly running: Promise<CallResult> }> {
  const { auditFile } = await product.status();
  const intents = (): number => readFileSync(auditFile, 'utf8').split('"call-intent"').length;
  const before = intents();
  const running = agent.call('postgres_query', endless);
  running.catch(() => undefined);
  await eventually(() => intents() > before);
  return { running };
}

describe('one process is killed, then a part of the lab', () => {
  let product: Product;
  let agent: Agent;
  /** As they are before the lab is touched. */
  let pids: number[];
  beforeAll(async () => {
    product = await startProduct();
    await product.signIn('alice');
    agent = await connectAgent(product, 'v1', 'bridge');
  });
  afterAll(async () => {
    await agent.close();
    pids.push(...family(product.process.pid!));
    expect((await product.stop()).code).toBe(0);
    await eventually(() => pids.every((pid) => !isAlive(pid)));
  });

  const restarted = (kind: string): number =>
    product.events.filter((event) => event['event'] === 'process-restarted' && event['kind'] === kind).length;
  const pidOf = async (kind: string): Promise<number> => {
    const found = (await product.status()).processes.find((entry) => entry.kind === kind);
    if (!found) throw new Error(`there is no ${kind}`);
    return found.pid;
  };
  async function killAndWait(kind: 'gateway' | 'vault' | 'egress' | 'connector', pid?: number): Promise<void> {
    const before = restarted(kind);
    process.kill(pid ?? (await pidOf(kind)), 'SIGKILL');
    await eventually(() => restarted(kind) > before, 30_000);
  }
  /** The bridge finds the socket again by itself. */
  async function callUntil(code: string): Promise<void> {
    await eventually(async () => codeOf(await agent.call('postgres_query', quick)) === code, 30_000);
  }

  /** Every answer on the way is a refusal: while the new process starts, `connector_failed` is one too. */
  async function refusedUntil(code: string): Promise<void> {
    await eventually(async () => {
      const answered = codeOf(await agent.call('postgres_query', quick));
      expect(answered).not.toBe('released');
      return answered === code;
    }, 30_000);
  }

  test('the bridge: its agent sees the end, nobody else is touched, and the next one works', async () => {
    await callUntil('released');
    const other = await connectAgent(product, 'v2', 'bridge');
    const { running } = await begun(product, other);
    process.kill(other.bridgePid!, 'SIGKILL');
    await expect(running).rejects.toThrow();
    await eventually(async () => (await product.status()).agents.length === 1);
    expect(codeOf(await agent.call('postgres_query', quick))).toBe('released');
    const next = await connectAgent(product, 'v2', 'bridge');
    expect(codeOf(await next.call('postgres_query', quick))).toBe('released');
    await next.close();
  });

  test('the connector: coded error now, no credential until the person signed in again', async () => {
    await callUntil('released');
    const { running } = await begun(product, agent);
    await killAndWait('connector');
    expect(['connector_failed', 'access_ended', 'reauthentication_required']).toContain(codeOf(await running));
    await refusedUntil('reauthentication_required');
    expect((await product.status()).waiting).toEqual(['postgres']);
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the egress worker: the same', async () => {
    const { running } = await begun(product, agent);
    await killAndWait('egress');
    expect(codeOf(await running)).not.toBe('released');
    await refusedUntil('reauthentication_required');
    await product.signIn('alice');
    await callUntil('released');
  });

  test('a third time, the runtime inside the walls: suspended with a mend, until the person signs in', async () => {
    const { running } = await begun(product, agent);
    const launcher = await pidOf('connector');
    // On level B the launcher has become the runtime.
    process.kill(innermost(launcher), 'SIGKILL');
    expect(codeOf(await running)).not.toBe('released');
    await eventually(async () => (await product.status()).connectors[0]?.state === 'suspended');
    expect(isAlive(launcher)).toBe(false);
    expect((await product.status()).degraded).toContainEqual({
      what: 'connector postgres',
      why: expect.stringMatching(/^suspended: it ended three times/) as string,
      mend: expect.stringContaining('sallyport signin') as string,
    });
    expect(codeOf(await agent.call('postgres_query', quick))).toBe('connector_failed');
    await product.signIn('alice');
    expect((await product.status()).connectors[0]).toMatchObject({ state: 'ready' });
    await callUntil('released');
  });

  test('the vault: everything forgets the person; the agent is told, and works on after a sign-in', async () => {
    const { running } = await begun(product, agent);
    await killAndWait('vault');
    expect(codeOf(await running)).not.toBe('released');
    expect((await product.status()).signedIn).toBeNull();
    await callUntil('not_signed_in');
    await product.signIn('alice');
    await callUntil('released');
  });

  test('the gateway: a call in flight ends with a code, is never repeated, and the bridge comes back', async () => {
    const { running } = await begun(product, agent);
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

  const kill = (program: RegExp): void => {
    const found = pids.find((pid) => isAlive(pid) && program.test(titleOf(pid)));
    if (found === undefined) throw new Error(`nothing runs ${String(program)}`);
    process.kill(found, 'SIGKILL');
  };

  test('PostgreSQL: the call in flight ends with a code, and the next ones say what is gone', async () => {
    pids = family(product.process.pid!);
    const { running } = await begun(product, agent);
    const server = (): number[] =>
      family(product.process.pid!).filter((pid) => /\/bin\/postgres\0|^postgres:/.test(titleOf(pid)));
    await eventually(() => server().some((pid) => / SELECT\b/.test(titleOf(pid))));
    // With its backends: one that computes would notice only at its deadline.
    for (const pid of server()) process.kill(pid, 'SIGKILL');
    expect(['backend_unreachable', 'connector_failed']).toContain(codeOf(await running));
    // The first may still be given a connection that is dying.
    await eventually(async () => codeOf(await agent.call('postgres_query', quick)) === 'backend_unreachable');
  });

  test('the issuer: no new credential, and a code that says so', async () => {
    kill(/\/issuer\.mjs\0/);
    await product.signIn('bob');
    expect(codeOf(await agent.call('postgres_query', quick))).toBe('backend_unreachable');
  });

  test('the identity provider: a sign-in fails at once with one line; who is signed in stays so', async () => {
    kill(/\/identity-provider\.mjs\0/);
    const { code, stderr } = await product.cli('signin', '--print-url');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sallyport: .+\n$/);
    expect((await product.status()).signedIn?.principal.username).toBe('bob');
  });
});

/** What a process shows of itself; nothing when it has ended. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('everything is killed', () => {
  let second: Product;
  afterAll(() => second.stop());
  const auditOf = async (product: Product): Promise<() => string> => {
    const { auditFile } = await product.status();
    const { length } = readFileSync(auditFile, 'utf8');
    return () => readFileSync(auditFile, 'utf8').slice(length);
  };
  /** What the second start wrote down. */
  let written: () => string;

  test('the shell: no process survives, the lab and PostgreSQL included, and the next start works in its place', async () => {
    const first = await startProduct();
    await first.signIn('alice');
    const pids = family(first.process.pid!);
    expect(pids.length).toBeGreaterThan(10);
    process.kill(first.pids.shell, 'SIGKILL');
    await eventually(() => pids.every((pid) => !isAlive(pid)), 30_000);
    second = await startProduct({ folder: first.folder });
    written = await auditOf(second);
    expect((await second.status()).signedIn).toBeNull();
    await second.signIn('alice');
  });

  test('an orderly end wipes credentials while the log is still written, and leaves nothing, and no socket', async () => {
    const pids = family(second.process.pid!);
    second.process.stdin?.end();
    expect((await second.ended).code).toBe(0);
    expect(written().match(/"what":"(signed-in|signed-out)"/g)).toHaveLength(2);
    await eventually(() => pids.every((pid) => !isAlive(pid)));
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
});
