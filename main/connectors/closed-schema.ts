/** Finds the place in a JSON Schema that would let undeclared data through. */

type Schema = Readonly<Record<string, unknown>>;

/** Keywords whose value is a schema, a list of schemas, or a map of schemas (JSON Schema 2020-12, core §10 and §8.2.4). */
const single = ['items', 'additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'];
const lists = ['prefixItems', 'anyOf', 'oneOf'];
const maps = ['properties', 'patternProperties', '$defs'];
const closing = ['type', '$ref', 'enum', 'const', 'anyOf', 'oneOf'];
const unsupported = ['$id', '$dynamicRef', '$dynamicAnchor', '$recursiveRef'];

/** Null when closed, else where and why. Input objects name every member; an output may declare a map by a schema. */
export function openPlace(schema: unknown, kind: 'input' | 'output', at = ''): string | null {
  if (schema === false) return null;
  if (!isSchema(schema)) return `${at}: must be a schema; "true" and anything else lets everything through.`;
  const wrong = openHere(schema, kind, at);
  if (wrong !== null) return wrong;
  for (const [path, child] of children(schema)) {
    const found = openPlace(child, kind, `${at}/${path}`);
    if (found !== null) return found;
  }
  return null;
}

function openHere(schema: Schema, kind: 'input' | 'output', at: string): string | null {
  const refused = unsupported.find((keyword) => keyword in schema);
  if (refused !== undefined) return `${at}: ${refused} is not supported.`;
  const reference = schema['$ref'];
  if (reference !== undefined && (typeof reference !== 'string' || !reference.startsWith('#/$defs/'))) {
    return `${at}/$ref: only "#/$defs/…" can be referred to.`;
  }
  if (!closing.some((keyword) => keyword in schema)) return `${at}: needs a "type".`;
  if (isOf(schema, 'array') && schema['items'] === undefined) return `${at}: an array needs "items".`;
  if (!isOf(schema, 'object')) return null;
  const rest = schema['unevaluatedProperties'] ?? schema['additionalProperties'];
  if (rest === false || (kind === 'output' && isSchema(rest))) return null;
  return `${at}: an object needs "additionalProperties": false.`;
}

function isOf(schema: Schema, type: string): boolean {
  const declared = schema['type'];
  return declared === type || (Array.isArray(declared) && declared.includes(type));
}

function* children(schema: Schema): Generator<[string, unknown]> {
  for (const key of single) if (key in schema) yield [key, schema[key]];
  for (const key of [...lists, ...maps]) {
    const group = schema[key];
    if (typeof group !== 'object' || group === null) continue;
    for (const [name, child] of Object.entries(group)) yield [`${key}/${name}`, child];
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
