import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pinOf } from './definitions/pin.ts';
import { openPinFile } from './pin-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'pins-'));
  file = path.join(folder, 'definitions.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const schema = { type: 'object', properties: { '"': {}, '\\': {} }, additionalProperties: false };
const pin = pinOf({ name: 'notes', commandHash: 'a'.repeat(64), args: [] }, [
  { name: 'add_note', inputSchema: schema },
]);
const remembered = [{ pin, approvedAtMs: Date.UTC(2026, 0, 2), by: 'alice' }];

describe('the file of approved definitions', () => {
  it('is this user’s alone, and gives back what was written', () => {
    const pins = openPinFile(file);
    expect(pins.readPins()).toEqual([]);
    pins.writePins(remembered);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(openPinFile(file).readPins()).toEqual(remembered);
    expect(pins.degraded()).toEqual([]);
  });

  it.each([
    ['garbled', () => writeFileSync(file, '{', { mode: 0o600 })],
    ['changed by hand', () => writeFileSync(file, readFileSync(file, 'utf8').replace('"add_note"', '"add_nope"'))],
    ['open to others', () => chmodSync(file, 0o644)],
    [
      'a link',
      () => {
        rmSync(file);
        symlinkSync('/dev/null', file);
      },
    ],
  ])('counts as nothing where it is %s, and says so', (_, spoil) => {
    openPinFile(file).writePins(remembered);
    spoil();
    const pins = openPinFile(file);
    expect(pins.readPins()).toBeNull();
    expect(pins.degraded()).toMatchObject([{ what: 'approved definitions' }]);
  });

  it('says where it could not be written', () => {
    const pins = openPinFile(path.join(folder, 'missing', 'definitions.json'));
    pins.writePins(remembered);
    expect(pins.degraded()).toMatchObject([{ why: expect.stringContaining('could not be written') }]);
  });
});
