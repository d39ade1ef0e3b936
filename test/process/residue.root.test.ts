/** After sign-in, refreshes and credentials, the vault's memory holds no token and no password; the scanner would find one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { readNeedles, scanMemory } from './memory-scan.ts';
import { startVault, until, type EgressUnderTest, type VaultUnderTest } from './vault-under-test.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
/** Everything but the scanner runs unprivileged: from here as nobody, or from set-up's copy where others cannot reach this one. */
const { as, tree } = await groundOf();

async function groundOf(): Promise<{ as: { uid: number; gid: number }; tree: string }> {
  if (othersReach(checkout)) return { as: { uid: 65_534, gid: 65_534 }, tree: checkout };
  const { findMadeUser } = (await import(path.join(checkout, 'build/made-user.mjs'))) as MadeUser;
  const { runTreeOf } = (await import(path.join(checkout, 'build/run-tree.mjs'))) as RunTree;
  const person = findMadeUser();
  if (person === undefined) throw new Error('Run set-up first: an unprivileged user cannot reach this checkout.');
  return { as: { uid: person.uid, gid: person.gid }, tree: runTreeOf(checkout) };
}
function othersReach(folder: string): boolean {
  const passable = (statSync(folder).mode & 1) !== 0;
  return folder === '/' ? passable : passable && othersReach(path.dirname(folder));
}
interface MadeUser {
  readonly findMadeUser: () => { readonly uid: number; readonly gid: number } | undefined;
}
interface RunTree {
  readonly runTreeOf: (root: string) => string;
}

let folder: string;
let lab: RunningLab;
let vault: VaultUnderTest;
let egress: EgressUnderTest;
let control: ChildProcess | undefined;
const before = process.env['TMPDIR'];

beforeAll(async () => {
  folder = mkdtempSync('/tmp/sallyport-residue-');
  chownSync(folder, as.uid, as.gid);
  process.env['TMPDIR'] = folder;
  lab = await startLab({ needles: path.join(folder, 'needles'), as, tree });
  vault = await startVault({ config: lab.config, identity: { policyWindowMinutes: 0.15 }, as, tree });
  egress = await vault.attachEgress('postgres');
  await egress.hello();
});
afterAll(async () => {
  control?.kill('SIGKILL');
  await vault.stop();
  await lab.stop();
  process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true, force: true });
});

describe('the vault’s memory', () => {
  it('holds no token and no password after sign-in, refresh and credentials; a process that keeps one is found out', async () => {
    for (const user of ['alice', 'bob']) {
      const answer = vault.shell.request('sign-in', { forceLogin: false }, { timeoutMs: 30_000 });
      await lab.signInDriver(await vault.nextUrl(), user);
      await answer;
      await egress.channel.request('credential', { destination: 'database' });
    }
    const { validUntil } = await vault.shell.request('status', {});
    await until(async () => {
      const now = await vault.shell.request('status', {});
      return (now.validUntil ?? 0) > (validUntil ?? 0) && now.exchanges.length === 0;
    });
    const needles = readNeedles(path.join(folder, 'needles'));
    expect([...new Set(needles.map(({ name }) => name))]).toEqual(
      expect.arrayContaining(['access-token', 'refresh-token', 'id-token', 'postgres-password']),
    );

    const kept = needles.find(({ name }) => name === 'refresh-token')?.value ?? '';
    const script = `process.stdin.once('data', (data) => { globalThis.kept = data.toString(); console.log(kept.length); }); setInterval(() => {}, 1000);`;
    const careless = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
    control = careless;
    careless.stdin.write(kept);
    await new Promise((resolve) => careless.stdout.once('data', resolve));
    expect(scanMemory(careless.pid ?? 0, needles)).toEqual(expect.arrayContaining(['refresh-token (raw)']));

    expect(scanMemory(vault.pid, needles)).toEqual([]);
  });
});
