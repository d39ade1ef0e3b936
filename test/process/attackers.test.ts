/**
 * In a checkout, where the runtime can be read, what another program of the same user gets of the processes that hold
 * something, once they hold it: nothing. An ordinary process gives everything.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Target } from './attacker.ts';
import { attack, everyWayHere, watch } from './attackers.ts';
import { ownGround, startProduct, type Pids, type Product } from './harness.ts';

let product: Product;
let scratch: string;
let openWhenReady: readonly number[];
let met: readonly Target[];
let control: ChildProcess;

beforeAll(async () => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'sallyport-attacker-'));
  product = await startProduct();
  openWhenReady = holdersOf(product.pids).filter(isReadable);
  const watched = await watch(ownGround, product.pids.shell);
  await product.signIn('alice');
  const agent = new Client({ name: 'inventory', version: '1.0.0' });
  await agent.connect(new StdioClientTransport({ ...product.bridgeCommand('--agent', 'x'), stderr: 'ignore' }));
  const sql = 'SELECT count(*) AS orders FROM shop.orders';
  const called = await agent.callTool({ name: 'postgres_query', arguments: { sql } });
  expect(called.isError ?? false).toBe(false);
  await agent.close();
  met = await watched.stop();
  control = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log()'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => control.stdout?.once('data', resolve));
});
afterAll(async () => {
  control.kill('SIGKILL');
  await product.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Those that will hold something. */
function holdersOf({ gateway, vault, egress }: Pids): number[] {
  return [gateway, vault, ...Object.values(egress)];
}

function isReadable(pid: number): boolean {
  try {
    closeSync(openSync(`/proc/${pid}/environ`, 'r'));
    return true;
  } catch {
    return false;
  }
}

it('is closed when it says that it is ready, before anybody signed in', () => {
  expect(isReadable(control.pid ?? 0)).toBe(true);
  expect(openWhenReady).toEqual([]);
});

/** On a busy machine one may be gone before the attacker came back to it. */
const fewPolls = 10;
const ofExchange = (): readonly Target[] => met.filter(({ commandLine }) => /exchange\.(mjs|ts)/.test(commandLine));

it('gives nothing to who attaches, reads or dumps', async () => {
  const holders = holdersOf(product.pids);
  const got = await attack(ownGround, [control.pid ?? 0, ...holders], scratch);
  expect(got[control.pid ?? 0]?.sort()).toEqual(everyWayHere);
  expect(holders.map((pid) => got[pid])).toEqual(holders.map(() => []));
});

it('gives nothing while it works, nor does an exchange process once it closed itself', () => {
  const holders = holdersOf(product.pids);
  expect(ofExchange().some(({ isClosed }) => isClosed)).toBe(true);
  const watchedHolders = [...met.filter(({ pid }) => holders.includes(pid)), ...ofExchange()];
  const unseen = ofExchange().filter(({ polls }) => polls < fewPolls);
  expect(watchedHolders.filter((target) => !target.isClosed && !unseen.includes(target))).toEqual([]);
  expect(watchedHolders.flatMap(({ gotLater }) => gotLater)).toEqual([]);
  // Its first moments are open in a checkout, and the attacker is quick enough to see that.
  expect(ofExchange().flatMap(({ got }) => Object.keys(got))).toContain('mem');
});
