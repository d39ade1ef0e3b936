/**
 * A whole product at work: no token and no database password in any memory of shell, gateway, connectors and bridge, at any
 * time; none in vault and egress 5 s after use, nor after a sign-out. A process that keeps them is found out.
 */
import { spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { eventually } from './harness.ts';
import { findMadeGround } from './made-ground.ts';
import type { Needle } from './memory-forms.ts';
import { scanMemory } from './memory-scan.ts';
import { told, type Look } from './residue-looks.ts';
import { startResidueRun, type ResidueRun } from './residue-run.ts';

const kinds = ['access-token', 'refresh-token', 'id-token', 'authorization-code', 'vault-token', 'postgres-password'];
const holders = ['vault', 'egress'];
const everyProcess = ['shell', 'gateway', 'connector', 'bridge', ...holders];
const timeoutMs = 180_000;
const policyWindowMinutes = 0.35;

let run: ResidueRun;
afterEach(() => run.stop());

/** An exchange process has what it is for, until it ends. */
const others = (seen: readonly (readonly Look[])[]): string[] =>
  told(seen.flat().filter(({ process: name }) => name !== 'exchange' && !holders.includes(name)));

const names = (seen: readonly Look[]): string[] => [...new Set(seen.map(({ process: name }) => name))];

/** Few looks, since everything stands still meanwhile: the bench takes many. */
const looks = 4;

async function signInAndCall(user: string): Promise<void> {
  expect(others(await run.lookDuring(run.signIn(user), looks))).toEqual([]);
  // A change of person ends what ran for the one before.
  await eventually(run.call);
  expect(others(await run.lookDuringCalls(looks))).toEqual([]);
}

async function signOut(): Promise<void> {
  expect((await run.product.cli('signout')).code).toBe(0);
  expect(told(run.look())).toEqual([]);
}

/** Names of what a program that keeps the last needle of each kind is found to hold. */
async function foundInCareless(needles: readonly Needle[]): Promise<string[]> {
  const script = `process.stdin.once('data', (data) => { globalThis.kept = data.toString(); console.log(1); }); setInterval(() => {}, 1000);`;
  const careless = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
  try {
    careless.stdin.write(kinds.map((kind) => needles.findLast(({ name }) => name === kind)?.value ?? '').join(' '));
    await new Promise((resolve) => careless.stdout.once('data', resolve));
    const pid = careless.pid ?? 0;
    return (scanMemory([pid], needles).get(pid) ?? []).map(({ name }) => name);
  } finally {
    careless.kill('SIGKILL');
  }
}

test(
  'headless: through sign-ins, a refresh, a change of person, calls, a killed egress worker and a sign-out',
  async () => {
    run = await startResidueRun(await findMadeGround(), { shell: 'headless', policyWindowMinutes });
    await signInAndCall('alice');
    await signInAndCall('bob');
    expect(others(await run.lookDuringRefresh())).toEqual([]);
    const rest = await run.lookAtRest();
    expect(told(rest)).toEqual([]);
    expect(names(rest)).toEqual(expect.arrayContaining(everyProcess));

    const pidOfEgress = async (): Promise<number> =>
      (await run.product.status()).processes.find(({ kind }) => kind === 'egress')?.pid ?? 0;
    const killed = await pidOfEgress();
    const running = Promise.allSettled(Array.from({ length: 5 }, run.call));
    process.kill(killed, 'SIGKILL');
    const restarted = eventually(async () => ![0, killed].includes(await pidOfEgress()));
    expect(others(await run.lookDuring(Promise.all([running, restarted])))).toEqual([]);
    await signOut();
    expect(await foundInCareless(run.needles())).toEqual(expect.arrayContaining(kinds));
  },
  timeoutMs,
);

test(
  'the tray app, in all of its processes',
  async () => {
    run = await startResidueRun(await findMadeGround(), { shell: 'desktop', policyWindowMinutes });
    await signInAndCall('alice');
    const rest = await run.lookAtRest();
    expect(told(rest)).toEqual([]);
    expect(names(rest)).toEqual(expect.arrayContaining([...everyProcess, 'electron renderer', 'electron gpu-process']));
    await signOut();
  },
  timeoutMs,
);
