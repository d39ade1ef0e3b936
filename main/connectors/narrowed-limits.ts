/**
 * Limits as they hold. Guarantees: what the person's own file says only narrows what managed settings say, or the defaults where
 * those are silent: that file can be written by any program of the person.
 */
import { defaultLimits, type Limits, type Quota } from '../contract/config.ts';
import type { LocatedJson } from './located-json.ts';

/** @param merged managed settings over the person's own. Throws a `Fault` with file, line and reason. */
export function narrowedLimits(merged: Limits, managed: LocatedJson | undefined, own: LocatedJson): Limits {
  return { person: narrowed('person'), tool: narrowed('tool') };

  function narrowed(of: 'person' | 'tool'): Quota {
    const one = (key: keyof Quota): number => {
      const where = ['limits', of, key];
      const isManaged = managed?.has(where) === true;
      const most = isManaged ? merged[of][key] : defaultLimits[of][key];
      const said = memberAt(own.value, where);
      if (said === undefined) return most;
      if (typeof said !== 'number' || !Number.isSafeInteger(said) || said < 1)
        throw own.refuse(where, `"${where.join('.')}": expected a whole number above 0`);
      if (said > most) {
        const by = isManaged ? 'managed settings say' : 'the default is';
        throw own.refuse(where, `"${where.join('.')}" can only narrow, and ${by} ${most}: write less, or leave it out`);
      }
      return said;
    };
    return {
      callsPerMinute: one('callsPerMinute'),
      burst: one('burst'),
      rowsPerHour: one('rowsPerHour'),
      bytesPerHour: one('bytesPerHour'),
    };
  }
}

function memberAt(value: unknown, where: readonly string[]): unknown {
  return where.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined,
    value,
  );
}
