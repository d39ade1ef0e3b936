/**
 * A whole product at work: no token and no database password in any memory of shell, gateway, connectors, bridge and commands,
 * at any time; none in vault and egress 5 s after use, nor after a sign-out. A process that keeps them is found out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from './harness.ts';
import { findMadeGround } from './made-ground.ts';
import { scanMemory } from './memory-scan.ts';
import { restMs, startResidueRun, told, type Look, type ResidueRun } from './residue-run.ts';

const kinds = ['access-token', 'refresh-token', 'id-token', 'authorization-code', 'vault-token', 'postgres-password'];
const holders = ['vault', 'egress'];

let run: ResidueRun;
let control: ChildProcess | undefined;
beforeAll(async () => {
  run = await startResidueRun(await findMadeGround());
}, 120_000);
afterAll(async () => {
  control?.kill('SIGKILL');
  await run.stop();
});

/** An exchange process has what it is for, until it ends. */
const others = (looks: readonly Look[]): string[] =>
  told(looks.filter(({ process: name }) => name !== 'exchange' && !holders.includes(name)));

const atRest = (looks: readonly Look[]): string[] => told(looks.filter(({ process: name }) => name !== 'exchange'));

const calls = async (): Promise<void> => {
  for (const released of await Promise.all(Array.from({ length: 5 }, run.call))) expect(released).toBe(true);
};

test('through sign-ins, a refresh, a change of person, calls, a killed egress worker and a sign-out', async () => {
  for (const user of ['alice', 'bob']) {
    expect(others(await run.lookDuring(run.signIn(user)))).toEqual([]);
    // A change of person ends what ran for the one before.
    await eventually(run.call);
    expect(others(await run.lookDuring(calls()))).toEqual([]);
    if (user === 'bob') expect(others(await run.lookDuring(run.refreshed()))).toEqual([]);
    await delay(restMs);
    const looks = run.look();
    expect([...new Set(looks.map(({ process: name }) => name))]).toEqual(
      expect.arrayContaining(['shell', 'gateway', 'connector', 'bridge', ...holders]),
    );
    expect(atRest(looks)).toEqual([]);
  }
  const pidOfEgress = async (): Promise<number> =>
    (await run.product.status()).processes.find(({ kind }) => kind === 'egress')?.pid ?? 0;
  const killed = await pidOfEgress();
  const running = calls().catch(() => undefined);
  process.kill(killed, 'SIGKILL');
  const restarted = eventually(async () => ![0, killed].includes(await pidOfEgress()));
  expect(others(await run.lookDuring(Promise.all([running, restarted])))).toEqual([]);
  expect((await run.product.cli('signout')).code).toBe(0);
  expect(told(run.look())).toEqual([]);
}, 120_000);

test('and the needles are real ones, which the same search finds', async () => {
  const needles = run.needles();
  expect([...new Set(needles.map(({ name }) => name))]).toEqual(expect.arrayContaining(kinds));
  const keep = kinds.map((kind) => needles.findLast(({ name }) => name === kind)?.value ?? '');
  const script = `process.stdin.once('data', (data) => { globalThis.kept = data.toString(); console.log(1); }); setInterval(() => {}, 1000);`;
  const careless = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  control = careless;
  careless.stdin.write(keep.join(' '));
  await new Promise((resolve) => careless.stdout.once('data', resolve));
  const copies = scanMemory([careless.pid ?? 0], needles).get(careless.pid ?? 0) ?? [];
  for (const kind of kinds) expect(copies).toContainEqual(expect.objectContaining({ name: kind, form: 'raw' }));
});
