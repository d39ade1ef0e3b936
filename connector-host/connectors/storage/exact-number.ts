/** Numbers as their digits say, added and compared exactly, and fast where a JavaScript number can hold them. */
import { add, compare, divide, parseDecimal, toJson, zero, type Decimal } from '../../sdk/decimal.ts';
import { standingAlone } from './text-encoding.ts';

/** As the SDK gives numbers: what a JSON number cannot hold is its digits as text. */
export function exactNumber(token: string): number | string {
  const decimal = parseDecimal(token);
  return decimal === null ? token : toJson(decimal);
}

/** `007` and `+1` are names, not numbers. */
const canonical = /^-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?$/;

export const isNumeric = (text: string): boolean => canonical.test(text);

/** Digits that a number surely keeps. */
const safeDigits = 15;
const flushAt = 2 ** 52;
const averagePlaces = 16;

export class NumberColumn {
  #count = 0;
  #total: Decimal = zero;
  /** By scale, what was not added to the total yet: whole numbers below 2^53. */
  readonly #partial: number[] = Array.from({ length: safeDigits + 1 }, () => 0);
  #least: Bound | undefined;
  #most: Bound | undefined;

  /** False: it is no number. */
  add(text: string): boolean {
    const plain = plainUnits(text);
    if (plain === undefined && !isNumeric(text)) return false;
    const decimal = plain === undefined ? parseDecimal(text) : null;
    if (plain === undefined && decimal === null) return false;
    this.#count += 1;
    if (plain === undefined) this.#total = add(this.#total, decimal ?? zero);
    else this.#take(plain);
    const bound: Bound = { text, near: Number(text), plain: plain !== undefined };
    if (this.#least === undefined || isBelow(bound, this.#least)) this.#least = kept(bound);
    if (this.#most === undefined || isBelow(this.#most, bound)) this.#most = kept(bound);
    return true;
  }

  get sum(): number | string | null {
    return this.#count === 0 ? null : toJson(this.#summed());
  }

  get average(): number | string | null {
    return this.#count === 0 ? null : toJson(divide(this.#summed(), this.#count, averagePlaces));
  }

  get min(): number | string | null {
    return this.#least === undefined ? null : exactNumber(this.#least.text);
  }

  get max(): number | string | null {
    return this.#most === undefined ? null : exactNumber(this.#most.text);
  }

  #take({ units, scale }: Plain): void {
    const partial = (this.#partial[scale] ?? 0) + units;
    this.#partial[scale] = partial;
    if (Math.abs(partial) < flushAt) return;
    this.#total = add(this.#total, { units: BigInt(partial), scale });
    this.#partial[scale] = 0;
  }

  #summed(): Decimal {
    return this.#partial.reduce(
      (total, units, scale) => (units === 0 ? total : add(total, { units: BigInt(units), scale })),
      this.#total,
    );
  }
}

interface Bound {
  readonly text: string;
  readonly near: number;
  /** `near` is it. */
  readonly plain: boolean;
}

const kept = (bound: Bound): Bound => ({ ...bound, text: standingAlone(bound.text) });

function isBelow(one: Bound, other: Bound): boolean {
  if (one.near !== other.near || (one.plain && other.plain)) return one.near < other.near;
  const [left, right] = [parseDecimal(one.text), parseDecimal(other.text)];
  return left !== null && right !== null && compare(left, right) < 0;
}

interface Plain {
  readonly units: number;
  readonly scale: number;
}

const [minus, point, digitZero, digitNine] = [0x2d, 0x2e, 0x30, 0x39];

/** Of canonical text without an exponent that has at most 15 digits. */
function plainUnits(text: string): Plain | undefined {
  const isNegative = text.charCodeAt(0) === minus;
  let at = isNegative ? 1 : 0;
  if (text.length - at > safeDigits + 1 || text.length === at) return undefined;
  const begins = at;
  let units = 0;
  let pointAt = -1;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= digitZero && code <= digitNine) units = units * 10 + code - digitZero;
    else if (code === point && pointAt === -1 && at > begins) pointAt = at;
    else return undefined;
  }
  const whole = (pointAt === -1 ? text.length : pointAt) - begins;
  const scale = pointAt === -1 ? 0 : text.length - pointAt - 1;
  const isCanonical = (whole === 1 || text.charCodeAt(begins) !== digitZero) && (pointAt === -1 || scale > 0);
  if (!isCanonical || whole + scale > safeDigits) return undefined;
  return { units: isNegative ? -units : units, scale };
}

/** As numbers where both are, else as text. */
export function compareValues(one: string, other: string): number {
  if (plainUnits(one) !== undefined && plainUnits(other) !== undefined) return Number(one) - Number(other);
  if (isNumeric(one) && isNumeric(other)) {
    const [left, right] = [parseDecimal(one), parseDecimal(other)];
    if (left !== null && right !== null) return compare(left, right);
  }
  return one < other ? -1 : Number(one > other);
}
