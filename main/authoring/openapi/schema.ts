/**
 * From a document's schemas to a manifest's: closed, strict, in our dialect. Guarantees that an input names every member, that
 * an output holds what was declared and nothing else, and that no text of the document keeps a hidden character.
 * What cannot be said that way refuses: a member that may be absent is left out, everything else refuses its operation.
 */
import { plainText } from '../../connectors/plain-text.ts';
import { identityKeyword, isIdentityLike } from '../../connectors/identity-like.ts';
import { Fault } from '../../contract/errors.ts';
import { labelKeywords } from '../../contract/labels.ts';
import { annotation } from './annotations.ts';
import { isObject, listOf, textOf, type Json, type OpenApi } from './document.ts';
import { followedWhole, merged, together, typesOf } from './merge.ts';
import { isActingAs } from './names.ts';
import { isSimplePattern, knownFormats } from './plain-keywords.ts';
import { bothAbout } from './same-place.ts';

export type Schema = Readonly<Record<string, unknown>>;

export interface SchemaMapping {
  /** @throws Fault `malformed`: why it cannot be one */
  map(schema: unknown): Schema;
  /** Not a reference: a tool's own schema must be an object itself. */
  mapWhole(schema: unknown): Schema;
  /** With those definitions under `$defs` that it leads to. */
  complete(schema: Schema): Schema;
}

export interface MappingTerms {
  readonly document: OpenApi;
  readonly kind: 'input' | 'output';
  /** Something was left out, or read in a way to know of. */
  readonly note: (text: string) => void;
}

const maxDescription = 300;
const mostDepth = 100;
const scalars = ['string', 'number', 'integer', 'boolean', 'null'];
const inputKeywords: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['minItems', 'maxItems', 'uniqueItems'],
};

export function createMapping(terms: MappingTerms): SchemaMapping {
  return new Mapping(terms);
}

class Mapping implements SchemaMapping {
  readonly #terms: MappingTerms;
  /** By reference; null while it is being made. */
  readonly #made = new Map<string, { readonly name: string; schema: Schema | null }>();

  #depth = 0;

  constructor(terms: MappingTerms) {
    this.#terms = terms;
  }

  complete(schema: Schema): Schema {
    const named = new Map([...this.#made.values()].map(({ name, schema: made }) => [name, made]));
    const reached = new Map<string, Schema>();
    const pending: unknown[] = [schema];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (typeof next !== 'object' || next === null) continue;
      pending.push(...Object.values(next as Json).filter((value) => value !== undefined));
      const reference = (next as Json)['$ref'];
      const name = typeof reference === 'string' ? reference.slice('#/$defs/'.length) : undefined;
      if (name === undefined || reached.has(name)) continue;
      const made = named.get(name);
      // One that could not be made, in a circle with one that could.
      if (made === undefined || made === null) throw new Fault('malformed', `its schema "${name}" cannot be said here`);
      reached.set(name, made);
      pending.push(made);
    }
    return reached.size === 0 ? schema : { ...schema, $defs: Object.fromEntries(reached) };
  }

  mapWhole(schema: unknown): Schema {
    return this.#whole(followedWhole(this.#terms.document, schema));
  }

  map(schema: unknown): Schema {
    if (!isObject(schema)) throw new Fault('malformed', 'it does not say what its value is');
    const { $ref: reference, ...beside } = schema;
    if (typeof reference !== 'string') return this.#whole(schema);
    if (listOf(schema['allOf']).length > 0) return this.#whole(merged(this.#terms.document, schema));
    const target = followedWhole(this.#terms.document, { $ref: reference });
    // Short ones are read where they stand.
    if (isShort(target)) return this.#whole(together(beside, target));
    return { $ref: `#/$defs/${this.#definition(reference, target)}`, ...this.#about(beside) };
  }

  #definition(reference: string, target: Json): string {
    const known = this.#made.get(reference);
    if (known !== undefined) return known.name;
    const base = (reference.split('/').at(-1) ?? '').replaceAll(/[^A-Za-z0-9_]/g, '_').slice(0, 60) || 'schema';
    const taken = new Set([...this.#made.values()].map(({ name }) => name));
    const name = taken.has(base) ? `${base}_${this.#made.size}` : base;
    const making: { readonly name: string; schema: Schema | null } = { name, schema: null };
    this.#made.set(reference, making);
    try {
      making.schema = this.#whole(target);
    } catch (error) {
      this.#made.delete(reference);
      throw error;
    }
    return name;
  }

  #whole(given: Json): Schema {
    this.#depth += 1;
    try {
      if (this.#depth > mostDepth) throw new Fault('malformed', 'its schema is nested too deep, or contains itself');
      return this.#wholeOf(given);
    } finally {
      this.#depth -= 1;
    }
  }

  #wholeOf(given: Json): Schema {
    const schema = merged(this.#terms.document, given);
    const choices = [...listOf(schema['oneOf']), ...listOf(schema['anyOf'])];
    if (choices.length > 0) return this.#choice(schema, choices);
    if ('patternProperties' in schema || 'prefixItems' in schema)
      throw new Fault('malformed', 'it has patternProperties or prefixItems, which have no place here');
    const about = this.#about(schema);
    if ('const' in schema) return { ...about, const: plainValue(schema['const']) };
    const some = listOf(schema['enum']);
    if (some.length > 0) return { ...about, enum: some.map(plainValue) };
    const types = typesOf(schema['type'] ?? impliedType(schema));
    if (types.every((type) => scalars.includes(textOf(type)))) return { ...about, ...this.#scalar(schema, types) };
    const [first, ...more] = types.filter((type) => type !== 'null');
    if (more.length > 0 || (first !== 'object' && first !== 'array'))
      throw new Fault('malformed', 'it does not say what its value is, or mixes lists and objects with others');
    const type = types.length > 1 ? { type: [first, 'null'] } : { type: first };
    return { ...about, ...type, ...(first === 'object' ? this.#members(schema) : this.#items(schema)) };
  }

  /** Always `anyOf`: once closed, several may fit where one fitted before. */
  #choice(schema: Json, choices: readonly unknown[]): Schema {
    if (listOf(schema['oneOf']).length > 0 && listOf(schema['anyOf']).length > 0)
      throw new Fault('malformed', 'it has both oneOf and anyOf');
    const { oneOf: _one, anyOf: _any, discriminator: _by, ...rest } = schema;
    const isBare = !['type', 'properties', 'required', 'items', 'enum'].some((keyword) => keyword in rest);
    const parts = choices.map((choice) => {
      if (isNothing(choice) && choices.length > 1) return { type: 'null' };
      if (isBare) return this.map(choice);
      return this.#whole(together(rest, merged(this.#terms.document, followedWhole(this.#terms.document, choice))));
    });
    const about = this.#about(schema);
    const others = parts.filter((part) => part['type'] !== 'null');
    const [only] = others;
    if (others.length === 1 && only !== undefined) {
      if (parts.length === 1) return bothAbout(only, about);
      if (typeof only['type'] === 'string' && !('enum' in only))
        return bothAbout({ ...only, type: [only['type'], 'null'] }, about);
    }
    return { ...about, anyOf: parts };
  }

  /** Descriptions and labels. */
  #about(schema: Json): Schema {
    const description = plainText(textOf(schema['description'])).slice(0, maxDescription);
    const label = annotation(schema, 'x-sallyport-classification');
    const rule = annotation(schema, 'x-sallyport-redaction');
    return {
      ...(description === '' ? {} : { description }),
      ...(this.#terms.kind === 'input' || label === undefined ? {} : { [labelKeywords.classification]: label }),
      ...(this.#terms.kind === 'input' || rule === undefined ? {} : { [labelKeywords.redaction]: rule }),
    };
  }

  #scalar(schema: Json, types: readonly unknown[]): Schema {
    const type = types.length === 1 ? types[0] : types;
    if (this.#terms.kind === 'output') return { type };
    const kept = types.flatMap((each) => inputKeywords[textOf(each)] ?? []).filter((keyword) => keyword in schema);
    const { pattern, format, default: preset } = schema;
    const isText = types.includes('string');
    const hasPattern = isText && typeof pattern === 'string';
    if (hasPattern && !isSimplePattern(pattern))
      this.#terms.note('a pattern that could take long to match is left out');
    return {
      type,
      ...Object.fromEntries(kept.map((keyword) => [keyword, schema[keyword]])),
      ...(hasPattern && isSimplePattern(pattern) ? { pattern } : {}),
      ...(isText && knownFormats.includes(textOf(format)) ? { format } : {}),
      ...(['string', 'number', 'boolean'].includes(typeof preset) ? { default: preset } : {}),
    };
  }

  #items(schema: Json): Schema {
    const kept = this.#terms.kind === 'input' ? (inputKeywords['array'] ?? []) : [];
    const bounds = kept.filter((keyword) => keyword in schema).map((keyword) => [keyword, schema[keyword]]);
    return { items: this.map(schema['items']), ...(Object.fromEntries(bounds) as Schema) };
  }

  #members(schema: Json): Schema {
    const { kind } = this.#terms;
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const wanted = listOf(schema['required']);
    const skipped = kind === 'input' ? 'readOnly' : 'writeOnly';
    const members = Object.entries(properties).flatMap(([name, member]): [string, Schema][] => {
      if (isObject(member) && member[skipped] === true) return [];
      const made = this.#member(name, member, wanted.includes(name));
      return made === null ? [] : [[name, made]];
    });
    const rest = this.#rest(schema['additionalProperties']);
    if (members.length === 0 && rest === false && !(kind === 'input' && schema['additionalProperties'] === false))
      throw new Fault('malformed', 'it is an object whose members nobody declared');
    const names = members.map(([name]) => name);
    const required = wanted.filter((name) => names.includes(textOf(name)));
    return { properties: Object.fromEntries(members), required, additionalProperties: rest };
  }

  /** Null: it is left out. */
  #member(name: string, member: unknown, isRequired: boolean): Schema | null {
    const { kind, note } = this.#terms;
    try {
      if (name === '__proto__') throw new Fault('malformed', 'its name cannot be one here');
      if (kind === 'input' && isActingAs(name))
        throw new Fault('malformed', 'it would say who acts, which is never an argument');
      const made = this.map(member);
      if (kind === 'output' || !isIdentityLike(name)) return made;
      note(`"${name}" is named like an identity: it is sent as data, the sign-in stays the person's`);
      return { ...made, [identityKeyword]: 'data' };
    } catch (error) {
      if (!(error instanceof Fault) || (kind === 'input' && isRequired)) throw inside(name, error);
      note(`"${name}" is left out: ${error.message}`);
      return null;
    }
  }

  /** A map of named values is an answer's alone: an input names each member. */
  #rest(given: unknown): Schema | false {
    if (this.#terms.kind === 'input' || !isObject(given) || Object.keys(given).length === 0) return false;
    try {
      return this.map(given);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#terms.note(`members that are not named are left out: ${error.message}`);
      return false;
    }
  }
}

function inside(name: string, error: unknown): unknown {
  return error instanceof Fault ? new Fault(error.code, `"${name}": ${error.message}`) : error;
}

function impliedType(schema: Json): string | undefined {
  if ('properties' in schema || 'additionalProperties' in schema) return 'object';
  return 'items' in schema ? 'array' : undefined;
}

/** How OData says "or null": an object of no members that may be null. */
function isNothing(choice: unknown): boolean {
  if (!isObject(choice)) return false;
  const { type, properties, additionalProperties } = choice;
  return (
    properties === undefined &&
    additionalProperties === undefined &&
    listOf(type).includes('null') &&
    listOf(type).includes('object')
  );
}

function isShort(schema: Json): boolean {
  return !['properties', 'items', 'allOf', 'oneOf', 'anyOf', 'additionalProperties'].some(
    (keyword) => keyword in schema,
  );
}

function plainValue(value: unknown): unknown {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  throw new Fault('malformed', 'it lists values that are lists or objects');
}
