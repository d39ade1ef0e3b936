/** Wrong versions of a value and of its bytes, chosen by numbers so that fast-check can shrink and repeat them. */

type Path = readonly (string | number)[];

const strangers: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e21,
  '',
  'x'.repeat(3000),
  '\ud800',
  [],
  [[]],
  {},
  { constructor: 1 },
];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

/** A copy of a JSON value; `structuredClone` would be most of the run time. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)]));
}

/** Changes one place: another value, a member more, a member less, a member under another name. */
export function mutateValue(value: unknown, where: number, how: number): unknown {
  const copy = copyOf(value);
  const paths = pathsOf(copy);
  const path = paths[where % paths.length] ?? [];
  const last = path.at(-1);
  const parent = path.slice(0, -1).reduce<unknown>((at, name) => (at as Record<string | number, unknown>)[name], copy);
  const stranger = strangers[how % strangers.length];
  if (last === undefined) return how % 2 === 0 ? stranger : withMember(copy, how);
  const holder = parent as Record<string | number, unknown>;
  const kind = Math.floor(how / strangers.length) % 4;
  if (kind === 0) holder[last] = stranger;
  if (kind === 1) holder[last] = withMember(holder[last], how);
  if (kind === 2) Reflect.deleteProperty(holder, last);
  if (kind === 3 && !Array.isArray(holder)) {
    holder[`${last} `] = holder[last];
    Reflect.deleteProperty(holder, last);
  }
  return copy;
}

const names = ['__proto__', 'constructor', 'extra', 'toString', '', '0'];

function withMember(value: unknown, how: number): unknown {
  const name = names[how % names.length] ?? '';
  if (typeof value !== 'object' || value === null) return { [name]: value };
  Object.defineProperty(value, name, { value: 1, enumerable: true, writable: true, configurable: true });
  return value;
}

/** What a parser of JSON or UTF-8 may stumble over. */
const likely = [0x20, 0x0a, 0x22, 0x2c, 0x7d, 0xff, 0xc0, 0x30];

/** Changes some bytes: another byte, one less, one more, a piece twice, the end cut off. */
export function mutateBytes(bytes: Uint8Array, where: number, how: number): Uint8Array {
  const at = where % (bytes.length + 1);
  const byte = how & 0xff;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  switch ((how >> 8) % 6) {
    case 0:
      return Buffer.concat([before, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (byte % 8))), after]);
    case 1:
      return Buffer.concat([before, Uint8Array.of(byte), after]);
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, Uint8Array.of(likely[byte % likely.length] ?? 0), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([before, bytes.subarray(at, at + byte), bytes.subarray(at)]);
    default:
      return before.slice();
  }
}
