import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../contract/audit.ts';
import { openAuditLog, type AuditLog, type AuditLogDeps } from './log.ts';
import { verifyLog } from './verify.ts';

let folder: string;
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'sallyport-audit-')), 'audit');
});
afterEach(() => {
  rmSync(path.dirname(folder), { recursive: true, force: true });
});

const day = Date.parse('2026-11-22T10:00:00Z');
const openLog = (more: Partial<AuditLogDeps> = {}): Promise<AuditLog> =>
  openAuditLog({ folder, epochMs: () => day, ...more });
const who = { person: null, program: 'a test', tool: 'probe_echo' };
const callId = (number: number): string => `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`;

function intent(number: number): AuditRecord {
  const about = { operation: 'read', classification: 'internal', argumentShape: {}, policy: null } as const;
  return { event: 'call-intent', callId: callId(number), ...who, ...about };
}

function outcome(number: number): AuditRecord {
  const sizes = { rows: null, resultBytes: 0, backendBytes: 0, durationMs: 1 };
  const how = { decision: 'released', code: null, stage: null, policy: null } as const;
  return { event: 'call-outcome', callId: callId(number), ...who, ...how, ...sizes };
}

const files = (): string[] => readdirSync(folder).sort();
const lines = (name: string): string[] => readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);
const [today, tomorrow] = ['audit-2026-11-22.jsonl', 'audit-2026-11-23.jsonl'];

describe('the log', () => {
  it('chains its lines, over restarts, days and full files, for its user alone', async () => {
    let now = day;
    for (let turn = 0; turn < 3; turn += 1) {
      const log = await openLog({ epochMs: () => now, maxFileBytes: 700 });
      for (let number = 0; number < 3; number += 1) {
        await log.appendDurably(intent(turn * 3 + number));
        log.append(outcome(turn * 3 + number));
      }
      await log.close();
      now += turn === 1 ? 86_400_000 : 0;
    }
    expect(await verifyLog(folder)).toMatchObject({ ok: true, lines: 18 });
    expect(files()).toContain('audit-2026-11-22.1.jsonl');
    expect(files()).toContain(tomorrow);
    expect(lstatSync(path.join(folder, today)).mode & 0o777).toBe(0o600);
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  });

  it('has a durable record on the disk when it resolves, and groups what comes together', async () => {
    let syncs = 0;
    const openFile = async (...args: Parameters<typeof open>): Promise<FileHandle> => {
      const handle = await open(...args);
      const datasync = handle.datasync.bind(handle);
      handle.datasync = () => {
        syncs += 1;
        return datasync();
      };
      return handle;
    };
    const log = await openLog({ openFile });
    await log.appendDurably(intent(0));
    expect(lines(today)).toHaveLength(1);
    await Promise.all(Array.from({ length: 500 }, (_, number) => log.appendDurably(outcome(number))));
    expect(lines(today)).toHaveLength(501);
    expect(syncs).toBeLessThan(10);
    await log.close();
  });

  it.each([
    ['a changed value', (text: string) => text.replace('"durationMs":1', '"durationMs":2'), 3],
    ['a removed line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n'), 2],
    [
      'swapped lines',
      (text: string) => {
        const [a = '', b = '', ...rest] = text.split('\n');
        return [b, a, ...rest].join('\n');
      },
      1,
    ],
    ['an added line', (text: string) => `${text}{"sequence":9}\n`, 5],
  ])('verify finds %s', async (_what, change, line) => {
    const log = await openLog();
    for (const number of [0, 1]) {
      log.append(intent(number));
      log.append(outcome(number));
    }
    await log.close();
    const file = path.join(folder, today);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
    expect(await verifyLog(folder)).toMatchObject({ ok: false, file: today, line });
  });
});

describe('after a crash', () => {
  it('moves a torn line aside, closes open intents once, and goes on', async () => {
    const first = await openLog();
    await first.appendDurably(intent(1));
    await first.appendDurably(intent(2));
    await first.appendDurably(outcome(1));
    await first.close();
    appendFileSync(path.join(folder, today), '{"sequence":3,"at":"2026');
    for (let turn = 0; turn < 2; turn += 1) await (await openLog()).close();
    expect(await verifyLog(folder)).toMatchObject({ ok: true, lines: 4 });
    expect(lines(today).at(-1)).toContain(`"callId":"${callId(2)}"`);
    expect(lines(today).at(-1)).toContain('"decision":"interrupted"');
    expect(lines(`${today}.torn`)).toEqual(['{"sequence":3,"at":"2026']);
  });

  it('closes an intent of the day before', async () => {
    const log = await openLog();
    await log.appendDurably(intent(1));
    await log.close();
    const next = await openLog({ epochMs: () => day + 86_400_000 });
    await next.close();
    expect(lines(tomorrow)).toHaveLength(1);
    expect(await verifyLog(folder)).toMatchObject({ ok: true, lines: 2 });
  });
});

describe('a failing disk', () => {
  /** Writes half of what it gets and then fails, while `broken`. */
  function failing(state: { broken: boolean }): NonNullable<AuditLogDeps['openFile']> {
    return async (...args) => {
      const handle = await open(...args);
      const write = handle.write.bind(handle) as (bytes: Buffer) => Promise<{ bytesWritten: number; buffer: Buffer }>;
      handle.write = (async (bytes: Buffer) => {
        if (!state.broken) return write(bytes);
        await write(bytes.subarray(0, bytes.length >> 1));
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      }) as unknown as FileHandle['write'];
      return handle;
    };
  }

  it('is told at once to who waits; what already happened is written when it is well', async () => {
    const state = { broken: false };
    let now = day;
    const log = await openLog({ openFile: failing(state), epochMs: () => now });
    await log.appendDurably(intent(1));
    state.broken = true;
    log.append(outcome(1));
    await expect(log.appendDurably(intent(2))).rejects.toMatchObject({ code: 'audit_unavailable' });
    await expect(log.appendDurably(intent(3))).rejects.toMatchObject({ code: 'audit_unavailable' });
    state.broken = false;
    await expect(log.appendDurably(intent(4))).rejects.toMatchObject({ code: 'audit_unavailable' });
    now += 1000;
    await log.appendDurably(intent(5));
    await log.close();
    expect(await verifyLog(folder)).toMatchObject({ ok: true, lines: 3 });
    const written = lines(today).map((line) => (JSON.parse(line) as { record: { callId: string } }).record.callId);
    expect(written).toEqual([callId(1), callId(1), callId(5)]);
  });

  it('does not start in a folder that others can read', async () => {
    await (await openLog()).close();
    chmodSync(folder, 0o755);
    await expect(openLog()).rejects.toMatchObject({ code: 'audit_unavailable' });
  });
});
