/**
 * What becomes of one value that a caller may not see. Guarantees that nothing of a masked or dropped value is left, not
 * its length; that a hash cannot be turned back without the gateway's key of this run. Null stays null here: in rows `redact` masks it.
 */
import type { Redaction } from '../contract/labels.ts';

/** The same word for the same text until restart (keyed). */
export type Pseudonym = (text: string) => string;

export const mask = '***';

/** `undefined`: dropped. Null as rule: text is masked, everything else dropped. */
export function redactScalar(value: unknown, rule: Redaction | null, pseudonym: Pseudonym): unknown {
  if (value === null || value === undefined) return value;
  switch (rule) {
    case null:
      return typeof value === 'string' ? mask : undefined;
    case 'mask':
      return mask;
    case 'drop':
      return undefined;
    case 'hash':
      return pseudonym(typeof value === 'string' ? value : JSON.stringify(value));
    case 'generalize':
      return generalize(value);
  }
}

const isoDate = /^(\d{4})-\d\d-\d\d(?:$|[T ])/;
const address = /^[^@\s]+@([^@\s]+)$/;

/** A number keeps its magnitude and first digit, a date its year, an address its domain. */
function generalize(value: unknown): unknown {
  if (typeof value === 'number') {
    if (value === 0) return 0;
    const unit = 10 ** Math.floor(Math.log10(Math.abs(value)));
    const coarse = Math.trunc(value / unit) * unit;
    return Number.isFinite(coarse) ? coarse : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const year = isoDate.exec(value)?.[1];
  if (year !== undefined) return year;
  const domain = address.exec(value)?.[1];
  return domain === undefined ? mask : `${mask}@${domain}`;
}
