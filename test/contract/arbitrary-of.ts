/** Valid values of a zod schema, by way of its JSON Schema: enough of it for what our contracts use. */
import fc from 'fast-check';
import { z } from 'zod';

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema | false;
  /** Of a tuple. */
  readonly prefixItems?: readonly JsonSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly contentEncoding?: string;
}

/** Mostly short, sometimes what encoders get wrong, sometimes as long as allowed. */
const awkward = [
  '',
  '"',
  '\\',
  '\u0000',
  '\u2028',
  '\ud800',
  'é',
  '😀',
  '__proto__',
  '"__proto__":',
  'constructor',
  '{}',
];
const longest = 120;

export function arbitraryOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  return arbitrary(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'throw', reused: 'inline' }) as JsonSchema);
}

/** Any JSON value, members named like parts of the object model among them. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, 1, -1, 1.5, 1e300, '', 'text', ...awkward, [], {}),
  fc.array(fc.constantFrom<unknown>(null, 1, 'x', [], {}), { maxLength: 3 }),
  fc.dictionary(
    fc.constantFrom('a', 'toString', 'constructor', 'length', 'then', 'toJSON', '0', 'é'),
    fc.constantFrom<unknown>(null, 1, 'x', [1], { a: 1 }),
    { maxKeys: 3 },
  ),
);

/** Deep down one item is enough: sizes multiply. */
function arbitrary(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
  const few = depth < 2 ? 2 : 1;
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => arbitrary(choice, depth)));
  switch (schema.type) {
    case 'object':
      return objects(schema, depth);
    case 'array':
      if (schema.prefixItems !== undefined)
        return fc.tuple(...schema.prefixItems.map((item) => arbitrary(item, depth + 1)));
      return fc.array(arbitrary(schema.items || {}, depth + 1), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? few, (schema.minItems ?? 0) + few),
      });
    case 'string':
      return strings(schema);
    case 'integer':
      return integers(schema);
    case 'number':
      return numbers(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return anyJson;
  }
}

function objects(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const members = Object.entries(schema.properties ?? {});
  if (members.length === 0 && typeof schema.additionalProperties === 'object') {
    const names =
      schema.propertyNames === undefined
        ? fc.constantFrom('a', 'b-c', 'toString', 'constructor', '0', 'é')
        : arbitrary(schema.propertyNames);
    return fc.dictionary(
      names.map(String).filter((name) => name !== '__proto__'),
      arbitrary(schema.additionalProperties, depth + 1),
      { maxKeys: depth < 2 ? 3 : 1, noNullPrototype: true },
    );
  }
  const model = Object.fromEntries(members.map(([name, member]) => [name, arbitrary(member, depth + 1)]));
  return fc.record(model, { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true });
}

function strings(schema: JsonSchema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = longest } = schema;
  if (schema.format === 'uuid')
    return fc.constantFrom(crypto.randomUUID(), crypto.randomUUID(), '00000000-0000-0000-0000-000000000000');
  if (schema.format === 'uri')
    return fc
      .tuple(fc.constantFrom('a.example', 'localhost:8443', '[::1]'), fc.constantFrom('', '/', '/p?q=1', '/é'))
      .map(([host, path]) => `https://${host}${path}`);
  if (schema.contentEncoding === 'base64')
    return fc.uint8Array({ maxLength: 48 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern), { size: 'small' });
  const long = 'x'.repeat(Math.min(maxLength, longest));
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 12) }) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(...awkward.filter((text) => text.length >= minLength && text.length <= maxLength)),
    },
    { weight: 1, arbitrary: fc.constant(long) },
  );
}

function integers(schema: JsonSchema): fc.Arbitrary<number> {
  const min =
    schema.minimum ?? (schema.exclusiveMinimum === undefined ? Number.MIN_SAFE_INTEGER : schema.exclusiveMinimum + 1);
  const max =
    schema.maximum ?? (schema.exclusiveMaximum === undefined ? Number.MAX_SAFE_INTEGER : schema.exclusiveMaximum - 1);
  return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));
}

function numbers(schema: JsonSchema): fc.Arbitrary<number> {
  const { minimum, exclusiveMinimum, maximum = 1e9 } = schema;
  return (
    fc
      .double({
        min: minimum ?? exclusiveMinimum ?? -1e9,
        max: maximum,
        minExcluded: exclusiveMinimum !== undefined && minimum === undefined,
        noNaN: true,
      })
      // JSON knows no negative zero.
      .map((value) => value + 0)
  );
}
