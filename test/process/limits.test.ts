/** Limits of a real gateway: what a person used stays used, through restarts, whatever programs call. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { alice, answer, startGateway, type GatewayStand, type StandOptions } from './stand/gateway-stand.ts';
import { initialized, type Answer } from './stand/line-client.ts';

let folder: string;
const stands: GatewayStand[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-limits-'));
});
afterEach(async () => {
  for (const stand of stands.splice(0)) await stand.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(limits: StandOptions['limits']): Promise<GatewayStand> {
  const stand = await startGateway({ folder, ...(limits === undefined ? {} : { limits }) });
  stands.push(stand);
  return stand;
}

/** Each call from a program of its own: a name is no way around a limit. */
async function call(stand: GatewayStand, name = 'probe_echo'): Promise<Answer> {
  const client = await initialized(stand.socketPath);
  const got = await client.ask('tools/call', { name, arguments: { text: 'hi' } });
  client.socket.destroy();
  return got;
}
const codeOf = (got: Answer): unknown => got.result?.structuredContent?.['code'] ?? 'released';
async function codes(stand: GatewayStand, number: number): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let at = 0; at < number; at += 1) all.push(codeOf(await call(stand)));
  return all;
}

it('a burst that may have been used, then the refusal that says how long to wait', async () => {
  const stand = await start({ person: { callsPerMinute: 1, burst: 30 } });
  expect(await codes(stand, 5)).toEqual(['released', 'released', 'released', 'rate_limited', 'rate_limited']);
  const { result } = await call(stand);
  expect(result).toMatchObject({ isError: true, structuredContent: { code: 'rate_limited', retry: 'after' } });
  expect(result?.structuredContent?.['retryAfterMs']).toBeGreaterThan(0);
  // Another person is not refused for it.
  stand.identify({ ...alice, subject: 'another-subject' });
  await expect.poll(async () => codeOf(await call(stand))).toBe('released');
});

it('rows that were released count, those that were withheld do not, and a restart forgets neither', async () => {
  const limits = { person: { rowsPerHour: 1000 } };
  const stand = await start(limits);
  const rows = (number: number) => Array.from({ length: number }, (_, at) => at);
  stand.behaviour.onCall = (_, stream) => answer(stream, { ok: true, value: { salary: rows(900) } });
  expect(codeOf(await call(stand))).toBe('output_not_allowed');
  stand.behaviour.onCall = (_, stream) => answer(stream, { ok: true, value: { rows: rows(100) } });
  // A new installation begins with a tenth.
  expect(codeOf(await call(stand))).toBe('released');
  expect(codeOf(await call(stand))).toBe('quota_exhausted');
  await stand.stop();

  const file = path.join(folder, 'limits.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toMatch(/alice|probe|localhost/);
  const again = await start(limits);
  const refused = await call(again);
  expect(codeOf(refused)).toBe('quota_exhausted');
  await expect.poll(() => again.auditRecords().at(-1)).toMatchObject({ code: 'quota_exhausted', stage: 'limit-rate' });
  await again.stop();

  // Deleting the file gives a tenth at the most, not the hour.
  rmSync(file);
  const third = await start(limits);
  third.behaviour.onCall = stand.behaviour.onCall;
  expect(codeOf(await call(third))).toBe('released');
  expect(codeOf(await call(third))).toBe('quota_exhausted');
});

it('calls at once cannot together pass what one may not', async () => {
  const stand = await start({ tool: { bytesPerHour: 64_000 } });
  const open: (() => void)[] = [];
  stand.behaviour.onCall = (_, stream) =>
    new Promise((resolve) => {
      open.push(() => void answer(stream, { ok: true, value: { text: 'x'.repeat(1000) } }).then(resolve));
    });
  const client = await initialized(stand.socketPath);
  const running = Array.from({ length: 40 }, () =>
    client.ask('tools/call', { name: 'probe_echo', arguments: { text: 'hi' } }),
  );
  let refused = 0;
  for (const one of running) void one.then((got) => (refused += codeOf(got) === 'rate_limited' ? 1 : 0));
  await expect.poll(() => refused).toBe(34);
  // The six that passed are on the disk before they reach the connector.
  await expect.poll(() => open.length).toBe(6);
  for (const end of open) end();
  const seen = await Promise.all(running);
  const tally = seen.map(codeOf);
  // A tenth of 64 kB, a thousand bytes each set aside: six.
  expect(tally.filter((code) => code === 'released')).toHaveLength(6);
  expect(new Set(tally)).toEqual(new Set(['released', 'rate_limited']));
  client.socket.destroy();
});
