import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { toolCall } from '../test/samples/pipeline.ts';
import type { Quota } from './contract/config.ts';
import { openQuotas, type KeptOnDisk, type MachineTime } from './quota-file.ts';

const quota: Quota = { callsPerMinute: 1, burst: 10, rowsPerHour: 1000, bytesPerHour: 1_000_000 };
const taker = { issuer: 'https://id.example', subject: 'alice-subject', toolName: 'probe_echo', maxResultBytes: 1000 };
const hourMs = 3_600_000;

let folder: string;
let file: string;
let now: { bootId: string | null; uptimeMs: number; epochMs: number };
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-quotas-'));
  file = path.join(folder, 'limits.json');
  now = { bootId: 'boot-1', uptimeMs: 10 * hourMs, epochMs: 1e12 };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(): KeptOnDisk {
  const { bootId } = now;
  const time: MachineTime = { bootId, uptimeMs: () => now.uptimeMs, epochMs: () => now.epochMs };
  return openQuotas({ file, limits: { person: quota, tool: quota }, time });
}

const use = (quotas: KeptOnDisk): boolean => {
  const call = toolCall();
  const refused = quotas.reserve(call, taker);
  quotas.settle(call, { rows: 100, bytes: 100 });
  return refused === null;
};
const started = (quotas: KeptOnDisk, tries = 20): number =>
  Array.from({ length: tries }, () => use(quotas)).filter(Boolean).length;

/** An earlier run that knew everybody and used everything. */
async function usedUp(): Promise<void> {
  const content = {
    version: 1,
    bootId: 'boot-1',
    uptimeMs: now.uptimeMs,
    epochMs: now.epochMs,
    forgot: false,
    levels: {},
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  const quotas = start();
  expect(started(quotas)).toBe(10);
  await quotas.close();
}

it('what was used is used after a restart; the file is closed to others and names nobody', async () => {
  await usedUp();
  expect(started(start())).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toMatch(/alice|probe_echo|example/);
});

it.each<[string, () => void]>([
  ['forward', () => (now.epochMs += 1000 * hourMs)],
  ['back', () => (now.epochMs = 0)],
])('a wall clock set %s gives nothing back', async (_how, set) => {
  await usedUp();
  set();
  expect(started(start())).toBe(0);
});

it('time that the machine counted gives back', async () => {
  await usedUp();
  now.uptimeMs += 2 * hourMs;
  expect(started(start())).toBe(10);
});

it.each([
  {
    what: 'counts no more than its uptime, whatever the wall clock says',
    uptimeMs: 1000,
    passedMs: 1000 * hourMs,
    expected: 0,
  },
  { what: 'counts no more than the wall clock says', uptimeMs: 50 * hourMs, passedMs: 1000, expected: 0 },
  { what: 'and nothing where that went back', uptimeMs: 50 * hourMs, passedMs: -hourMs, expected: 0 },
  { what: 'counts what both say', uptimeMs: 2 * hourMs, passedMs: 2 * hourMs, expected: 10 },
])('after a start of the machine: $what', async ({ uptimeMs, passedMs, expected }) => {
  await usedUp();
  now = { bootId: 'boot-2', uptimeMs, epochMs: now.epochMs + passedMs };
  expect(started(start())).toBe(expected);
});

it.each<[string, () => void]>([
  ['missing', () => rmSync(file)],
  ['empty', () => writeFileSync(file, '')],
  ['cut', () => writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20))],
  ['of another version', () => writeFileSync(file, readFileSync(file, 'utf8').replace('"version":1', '"version":2'))],
  ['with more than it may have', () => writeFileSync(file, readFileSync(file, 'utf8').replace('{', '{"more":1,'))],
  [
    'with a negative count',
    () => writeFileSync(file, readFileSync(file, 'utf8').replace(/"rows":\[\d+/, '"rows":[-5')),
  ],
  ['open to others', () => chmodSync(file, 0o644)],
  [
    'a link',
    () => {
      const other = path.join(folder, 'other.json');
      writeFileSync(other, JSON.stringify({ version: 1, levels: {} }), { mode: 0o600 });
      rmSync(file);
      symlinkSync(other, file);
    },
  ],
])('a file that is %s counts as a burst used', async (_how, damage) => {
  await usedUp();
  damage();
  const quotas = start();
  expect(started(quotas)).toBe(1);
  await quotas.close();
  // And what is written then is whole, ours, and no link.
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1, forgot: true });
});

it('a disk that cannot be written leaves what is in memory in force', async () => {
  const quotas = openQuotas({ file: path.join(folder, 'none', 'limits.json'), limits: { person: quota, tool: quota } });
  expect(started(quotas)).toBe(1);
  await quotas.close();
  expect(use(quotas)).toBe(false);
});
