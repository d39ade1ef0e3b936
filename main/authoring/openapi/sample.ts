/** A value that a mapped schema takes: for examples and recordings, where the document has none. */
import type { Schema } from './schema.ts';
import { listOf, textOf } from './document.ts';

const texts: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  time: '12:00:00Z',
  'date-time': '2026-01-31T12:00:00Z',
  duration: 'P1D',
  email: 'person@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

const mostDepth = 6;

/** Members that must be there; of an answer (`everything`) all. Undefined: there is no such value this deep. */
export function sampleOf(schema: Schema, root: Schema, everything = false): unknown {
  return sample(schema, { root, everything, depth: 0 });
}

interface Within {
  readonly root: Schema;
  readonly everything: boolean;
  readonly depth: number;
}

function sample(schema: Schema, within: Within): unknown {
  if (within.depth > mostDepth) return undefined;
  const { $ref: reference, const: only, enum: some, anyOf, default: preset } = schema;
  const deeper = { ...within, depth: within.depth + 1 };
  if (typeof reference === 'string') {
    const target = ((within.root['$defs'] ?? {}) as Readonly<Record<string, Schema>>)[
      reference.slice('#/$defs/'.length)
    ];
    return target === undefined ? undefined : sample(target, deeper);
  }
  if (preset !== undefined) return preset;
  if (only !== undefined) return only;
  if (Array.isArray(some)) return some[0];
  if (Array.isArray(anyOf)) return firstOf(listOf(anyOf) as readonly Schema[], deeper);
  const [type] = Array.isArray(schema['type']) ? (schema['type'] as string[]) : [schema['type']];
  switch (type) {
    case 'object':
      return members(schema, deeper);
    case 'array':
      return items(schema, deeper);
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return number(schema);
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function firstOf(choices: readonly Schema[], within: Within): unknown {
  return choices.map((choice) => sample(choice, within)).find((value) => value !== undefined);
}

function members(schema: Schema, within: Within): unknown {
  const required = listOf(schema['required']);
  const made: Record<string, unknown> = {};
  for (const [name, member] of Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Schema>>)) {
    const isNeeded = required.includes(name);
    if (!isNeeded && !within.everything) continue;
    const value = sample(member, within);
    if (value !== undefined) made[name] = value;
    else if (isNeeded) return undefined;
  }
  return made;
}

function items(schema: Schema, within: Within): unknown {
  const least = typeof schema['minItems'] === 'number' ? schema['minItems'] : 0;
  const count = Math.max(least, within.everything ? 1 : 0);
  const value = count === 0 ? undefined : sample(schema['items'] as Schema, within);
  return value === undefined ? (least === 0 ? [] : undefined) : Array.from({ length: count }, () => value);
}

function text({ format, minLength, maxLength }: Schema): string {
  const base = texts[textOf(format)] ?? 'example';
  const long = base.padEnd(typeof minLength === 'number' ? minLength : 0, 'e');
  return typeof maxLength === 'number' ? long.slice(0, maxLength) : long;
}

function number({ type, minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf }: Schema): number {
  const step = typeof multipleOf === 'number' ? multipleOf : 1;
  const low =
    typeof minimum === 'number' ? minimum : typeof exclusiveMinimum === 'number' ? exclusiveMinimum + step : 1;
  const high =
    typeof maximum === 'number' ? maximum : typeof exclusiveMaximum === 'number' ? exclusiveMaximum - step : Infinity;
  const value = Math.min(Math.ceil(low / step) * step, high);
  return type === 'integer' ? Math.floor(value) : value;
}
