import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLedgerFile } from './ledger-file.ts';

const dayMs = 86_400_000;
const now = 1_000 * dayMs;
const entry = (days: number) => ({
  name: `vault.example/secret/${String(days)}`,
  version: 2,
  since: now - days * dayMs,
});
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-ledger-'));
  file = path.join(folder, 'secret-ages.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the file of ages', () => {
  it('is empty where there is none, and keeps names, versions and dates for this user alone', () => {
    const ledger = openLedgerFile(file);
    expect(ledger.entries()).toEqual([]);
    ledger.write([entry(1)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, secrets: [entry(1)] });
    expect(openLedgerFile(file).entries()).toEqual([entry(1)]);
  });

  it('shows ages, the oldest first, and warns from 75 days on', () => {
    const ledger = openLedgerFile(file);
    ledger.write([entry(1), entry(91), entry(74), entry(75)]);
    expect(ledger.ages(now).map(({ ageDays }) => ageDays)).toEqual([91, 75, 74, 1]);
    expect(ledger.degraded(now).map(({ why }) => why)).toEqual([
      '91 days old: it is refused',
      '75 days old: it is refused in 16 days',
    ]);
  });

  it.each([
    ['garbled', () => writeFileSync(file, '{"version":1,"secrets":[{}]}', { mode: 0o600 })],
    ['not JSON', () => writeFileSync(file, 'x', { mode: 0o600 })],
    ['empty', () => writeFileSync(file, '', { mode: 0o600 })],
    [
      'with a member more',
      () =>
        writeFileSync(file, JSON.stringify({ version: 1, secrets: [{ ...entry(1), value: 'x' }] }), { mode: 0o600 }),
    ],
    [
      'open to others',
      () => {
        writeFileSync(file, '{"version":1,"secrets":[]}');
        chmodSync(file, 0o644);
      },
    ],
    [
      'a link',
      () => {
        writeFileSync(`${file}.real`, '{"version":1,"secrets":[]}', { mode: 0o600 });
        symlinkSync(`${file}.real`, file);
      },
    ],
  ])('is not believed when it is %s', (_, make) => {
    make();
    const ledger = openLedgerFile(file);
    expect(ledger.entries()).toBeNull();
    expect(ledger.degraded(now)).toMatchObject([{ what: 'ages of secrets' }]);
  });

  it('says when it could not be written', () => {
    const ledger = openLedgerFile(path.join(folder, 'none', 'secret-ages.json'));
    ledger.write([entry(1)]);
    expect(ledger.degraded(now)).toMatchObject([{ what: 'ages of secrets' }]);
    expect(ledger.entries()).toEqual([entry(1)]);
  });
});
