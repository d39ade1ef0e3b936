/** Exact decimal sums: a value is a whole number of units of ten to the power of minus `scale`. */

export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const zero: Decimal = { units: 0n, scale: 0 };

/** More digits than any backend's number has; an exponent beyond it would only cost memory. */
const maxDigits = 1000;
const decimal = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** Null for what is no finite decimal number. */
export function parseDecimal(value: unknown): Decimal | null {
  if (typeof value === 'bigint') return { units: value, scale: 0 };
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  const [, sign = '', whole, fraction = '', exponent = '0'] = decimal.exec(String(value)) ?? [];
  if (whole === undefined) return null;
  const scale = fraction.length - Number(exponent);
  if (whole.length + fraction.length > maxDigits || Math.abs(scale) > maxDigits) return null;
  const digits = BigInt(whole + fraction) * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
  return { units: sign === '-' ? -digits : digits, scale: Math.max(0, scale) };
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = unitsAt(a, scale) - unitsAt(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** To `places` more than it has, half away from zero. */
export function divide(a: Decimal, by: number, places: number): Decimal {
  const [numerator, denominator] = [a.units * 10n ** BigInt(places), BigInt(by)];
  const half = denominator / 2n;
  const rounded = (numerator < 0n ? numerator - half : numerator + half) / denominator;
  return { units: rounded, scale: a.scale + places };
}

/** A number where it is the same one, else its digits as text. */
export function toJson(value: Decimal): number | string {
  const text = toText(value);
  const number = Number(text);
  return parsesBack(number, value) ? number : text;
}

function parsesBack(number: number, value: Decimal): boolean {
  const back = parseDecimal(number);
  return back !== null && compare(back, value) === 0;
}

function toText({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function unitsAt({ units, scale }: Decimal, wanted: number): bigint {
  return units * 10n ** BigInt(wanted - scale);
}
