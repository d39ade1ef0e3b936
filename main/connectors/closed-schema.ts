/**
 * Finds the place in a JSON Schema that would let undeclared data through, or that leads out of the schema. Guarantees that
 * every member of an accepted value was declared, and that no reference or dialect names another document.
 */

type Schema = Readonly<Record<string, unknown>>;
type Kind = 'input' | 'output';

export const dialect = 'https://json-schema.org/draft/2020-12/schema';

/** Keywords whose value is a schema, a list of schemas, or a map of schemas (JSON Schema 2020-12, core §10 and §8.2.4). */
interface Keywords {
  readonly single: readonly string[];
  readonly lists: readonly string[];
  readonly maps: readonly string[];
}
/** What a value may hold. */
const inside: Keywords = {
  single: ['items', 'additionalProperties', 'unevaluatedProperties', 'unevaluatedItems'],
  lists: ['prefixItems'],
  maps: ['properties', 'patternProperties', '$defs'],
};
const branches: Keywords = { single: [], lists: ['anyOf', 'oneOf'], maps: [] };
/** They stand beside what closes a schema, and can only narrow it; but what they declare counts as evaluated. */
const beside: Keywords = {
  single: ['if', 'then', 'else', 'not', 'contains', 'propertyNames'],
  lists: ['allOf'],
  maps: ['dependentSchemas'],
};
const closing = ['type', '$ref', 'enum', 'const', 'anyOf', 'oneOf'];
const unsupported = ['$id', '$dynamicRef', '$dynamicAnchor', '$recursiveRef'];

/** Null when closed, else where and why. Input objects name every member; an output may declare a map by a schema. */
export function openPlace(schema: unknown, kind: Kind, at = ''): string | null {
  if (schema === false) return null;
  if (!isSchema(schema)) return `${at}: must be a schema; "true" and anything else lets everything through.`;
  const here = foreignHere(schema, at) ?? openHere(schema, kind, at);
  if (here !== null) return here;
  const adds = 'unevaluatedProperties' in schema && !('additionalProperties' in schema);
  return (
    first([...children(schema, inside), ...children(schema, branches)], (path, child) =>
      openPlace(child, kind, `${at}/${path}`),
    ) ?? first(children(schema, beside), (path, child) => openBeside(child, { kind, adds }, `${at}/${path}`))
  );
}

interface Besides {
  readonly kind: Kind;
  /** What it declares is let through by `unevaluatedProperties` of the schema that it stands beside. */
  readonly adds: boolean;
}

function openBeside(schema: unknown, besides: Besides, at: string): string | null {
  if (typeof schema === 'boolean') return null;
  if (!isSchema(schema)) return `${at}: must be a schema.`;
  const { kind, adds } = besides;
  const isOpen = adds && letsOthersIn(restOf(schema) ?? false, kind);
  const here = foreignHere(schema, at) ?? (isOpen ? `${at}: adds members that are not declared.` : null);
  if (here !== null) return here;
  return (
    first([...children(schema, branches), ...children(schema, beside)], (path, child) =>
      openBeside(child, besides, `${at}/${path}`),
    ) ??
    first(children(schema, inside), (path, child) =>
      adds ? openPlace(child, kind, `${at}/${path}`) : openBeside(child, besides, `${at}/${path}`),
    )
  );
}

/** Agents get schemas as they were declared, and some clients fetch what one names. */
function foreignHere(schema: Schema, at: string): string | null {
  const refused = unsupported.find((keyword) => keyword in schema);
  if (refused !== undefined) return `${at}: ${refused} is not supported.`;
  const declared = schema['$schema'];
  if (declared !== undefined && at !== '') return `${at}/$schema: stands at the top only.`;
  if (declared !== undefined && declared !== dialect) return `${at}/$schema: must be "${dialect}".`;
  const reference = schema['$ref'];
  // Deeper pointers reach what only narrows where it stands.
  if (reference !== undefined && (typeof reference !== 'string' || !/^#\/\$defs\/[^/]+$/.test(reference))) {
    return `${at}/$ref: only "#/$defs/NAME" can be referred to.`;
  }
  return null;
}

function openHere(schema: Schema, kind: Kind, at: string): string | null {
  if (!closing.some((keyword) => keyword in schema)) return `${at}: needs a "type".`;
  if (isOf(schema, 'array') && schema['items'] === undefined) return `${at}: an array needs "items".`;
  if (!isOf(schema, 'object')) return null;
  return letsOthersIn(restOf(schema), kind) ? `${at}: an object needs "additionalProperties": false.` : null;
}

/** What holds for members that have no name in the schema: `additionalProperties` leaves nothing unevaluated. */
function restOf(schema: Schema): unknown {
  return schema['additionalProperties'] ?? schema['unevaluatedProperties'];
}

function letsOthersIn(rest: unknown, kind: Kind): boolean {
  return rest !== false && !(kind === 'output' && isSchema(rest));
}

function isOf(schema: Schema, type: string): boolean {
  const declared = schema['type'];
  return declared === type || (Array.isArray(declared) && declared.includes(type));
}

function first(
  places: Iterable<readonly [string, unknown]>,
  find: (path: string, child: unknown) => string | null,
): string | null {
  for (const [path, child] of places) {
    const found = find(path, child);
    if (found !== null) return found;
  }
  return null;
}

function* children(schema: Schema, { single, lists, maps }: Keywords): Generator<[string, unknown]> {
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
