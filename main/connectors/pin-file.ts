/**
 * What was approved of wrapped servers, in `definitions.json` in the state folder, written so that people can read and compare it.
 * Guarantees: 0600, replaced as a whole; a pin whose hash is not that of its content is not believed; what is not believed counts as
 * nothing. It approves nothing: any program of this user could write it and there is no key at rest to authenticate it by, so what
 * it remembers waits for the person in each run (DESIGN §6), and tells them only what is different since they last said yes.
 */
import { z } from 'zod';
import { definitionPinSchema } from '../contract/definitions.ts';
import { parseExactly } from '../contract/exact-json.ts';
import type { Status } from '../contract/control.ts';
import type { Remembered } from './definitions/definitions.ts';
import { isWhole } from './definitions/pin.ts';
import { readOwnFile, replaceOwnFile } from './own-file.ts';

export interface PinFile {
  readPins(): readonly Remembered[] | null;
  writePins(pins: readonly Remembered[]): void;
  degraded(): Status['degraded'];
}

const fileSchema = z.strictObject({
  version: z.literal(1),
  servers: z
    .array(z.strictObject({ approvedAt: z.iso.datetime(), by: z.string().max(512), pin: definitionPinSchema }))
    .max(50),
});
const maxFileBytes = 64 * 1024 * 1024;

export function openPinFile(file: string): PinFile {
  let isBelieved = true;
  let isWritten = true;
  return {
    readPins() {
      const pins = read(file);
      isBelieved = pins !== null;
      return pins;
    },
    writePins(pins) {
      const servers = pins.map(({ pin, approvedAtMs, by }) => ({
        approvedAt: new Date(approvedAtMs).toISOString(),
        by,
        pin,
      }));
      isWritten = replaceOwnFile(file, `${JSON.stringify({ version: 1, servers }, null, 2)}\n`);
    },
    degraded() {
      const what = 'approved definitions';
      if (!isWritten)
        return [{ what, why: `${file} could not be written`, mend: 'make room on the disk, mend its mode' }];
      if (isBelieved) return [];
      const why = `${file} is damaged or not this user’s alone: what was approved before is not known`;
      return [{ what, why, mend: 'look who changed it, and remove it' }];
    },
  };
}

function read(file: string): readonly Remembered[] | null {
  const text = readOwnFile(file, maxFileBytes);
  if (text === undefined || text === null) return text === null ? null : [];
  try {
    JSON.parse(text);
    const { servers } = fileSchema.parse(parseExactly(text));
    const pins = servers.map(({ approvedAt, by, pin }) => ({ pin, approvedAtMs: Date.parse(approvedAt), by }));
    return pins.every(({ pin }) => isWhole(pin)) ? pins : null;
  } catch {
    return null;
  }
}
