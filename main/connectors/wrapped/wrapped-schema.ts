/**
 * Schemas that a wrapped server wrote, compiled once they were approved. Guarantees: where a tool names its arguments, others are refused,
 * also where the server left its schema open; no regular expression of the server's runs here, and references are followed so often at
 * most. Trusts ajv to compile what it takes: schemas become code. What a pattern would refuse, the server itself has to.
 */
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Fault } from '../../contract/errors.ts';
import { identityKeyword, identityPlace } from '../identity-like.ts';
import { explain } from '../schema-words.ts';

type Schema = Readonly<Record<string, unknown>>;

const options = { strict: false, allErrors: false, verbose: true, logger: false, validateFormats: true } as const;
const olderDialect = /draft-0[467]/;
/** Beside these an object has members that are declared elsewhere. */
const composing = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas', 'patternProperties'];

/** References that double at each step would keep the gateway busy for hours: so many are followed for one value. */
const mostReferences = { arguments: 100_000, result: 1_000_000 };
const counting = 'x-sallyport-counted';
/** Their content is values, where nothing is counted: a reference may not lead there. */
const values = ['const', 'enum', 'default', 'examples'];
const countedMaps = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'];

export type Check = (value: unknown) => string | null;

/** @throws Fault `malformed`, with why such a tool is not offered */
export function compileInput(schema: Schema, identityData: readonly string[]): Check {
  const named = rewritten(schema, (each) => withData(shut(each), identityData));
  const closed = shutRoot(named);
  const identity = identityPlace(closed);
  if (identity !== null)
    throw new Fault(
      'malformed',
      `${identity.path.join('/')}: ${identity.reason.split(':')[0] ?? ''}: name it in "identityData" if it is only data`,
    );
  return compiled(closed, mostReferences.arguments);
}

export function compileOutput(schema: Schema): Check {
  return compiled(schema, mostReferences.result);
}

function compiled(schema: Schema, most: number): Check {
  // Only the newer one knows what a composed schema leaves undeclared.
  const isOlder = olderDialect.test(String(schema['$schema'])) && !('unevaluatedProperties' in schema);
  const ajv = isOlder ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  // A hostile one could keep the gateway busy for hours (ReDoS).
  ajv.removeKeyword('pattern');
  let followed = 0;
  ajv.addKeyword({
    keyword: counting,
    schema: false,
    validate: () => {
      followed += 1;
      if (followed > most) throw new Fault('malformed', 'too many references');
      return true;
    },
  });
  const { $schema: _dialect, ...said } = schema;
  try {
    const validate = ajv.compile(counted(said) as Schema);
    return (value) => {
      followed = 0;
      try {
        return validate(value) ? null : explain(validate.errors?.[0]);
      } catch {
        // Or the stack ended first.
        return 'checking it by its schema takes too much work';
      }
    };
  } catch (error) {
    throw new Fault(
      'malformed',
      `its schema cannot be compiled: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown'}`,
    );
  }
}

/** An object of named members takes no others. One that names none takes any: that is what it is for. */
function shut(schema: Schema): Schema {
  const isOpen = !('additionalProperties' in schema) && !('unevaluatedProperties' in schema);
  const isComposed = composing.some((keyword) => keyword in schema);
  return 'properties' in schema && isOpen && !isComposed ? { ...schema, additionalProperties: false } : schema;
}

/** Of the arguments themselves: the server's word that it takes any others counts for nothing, where it names some. */
function shutRoot(schema: Schema): Schema {
  if (!('properties' in schema) || schema['additionalProperties'] === false) return schema;
  const { additionalProperties: _open, unevaluatedProperties: _too, ...rest } = schema;
  return composing.some((keyword) => keyword in schema)
    ? { ...rest, unevaluatedProperties: false }
    : { ...rest, additionalProperties: false };
}

/** The same, where each reference that is followed is counted. @throws Fault `malformed` where one leads into a value */
function counted(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(counted);
  if (!isSchema(part)) return part;
  const inside = Object.entries(part).map(([key, each]): [string, unknown] => {
    if (values.includes(key)) return [key, each];
    if (!countedMaps.includes(key) || !isSchema(each)) return [key, counted(each)];
    return [key, Object.fromEntries(Object.entries(each).map(([name, schema]) => [name, counted(schema)]))];
  });
  const { $ref: reference } = part;
  if (typeof reference !== 'string') return Object.fromEntries(inside);
  if (leadsIntoValue(reference))
    throw new Fault('malformed', `the reference ${reference.slice(0, 80)} is not followed`);
  return { ...(Object.fromEntries(inside) as Schema), [counting]: true };
}

/** Also what is no reference that can be read. */
function leadsIntoValue(reference: string): boolean {
  let steps: string[];
  try {
    steps = decodeURIComponent(reference).split('/');
  } catch {
    return true;
  }
  if (steps.shift() !== '#') return true;
  for (let at = 0; at < steps.length; at += 1) {
    const step = steps[at] ?? '';
    if (values.includes(step)) return true;
    // Behind these stands a name, which may be any.
    if (countedMaps.includes(step)) at += 1;
  }
  return false;
}

function withData(schema: Schema, names: readonly string[]): Schema {
  const { properties } = schema;
  if (!isSchema(properties) || names.length === 0) return schema;
  const marked = Object.entries(properties).map(([name, each]) =>
    names.includes(name) && isSchema(each) ? [name, { ...each, [identityKeyword]: 'data' }] : [name, each],
  );
  return { ...schema, properties: Object.fromEntries(marked) as Schema };
}

const schemaHolders = ['items', 'additionalProperties', 'unevaluatedProperties', 'contains'];
const listHolders = ['anyOf', 'oneOf', 'prefixItems'];
const mapHolders = ['properties', '$defs', 'definitions'];

/** Where a schema describes a place of its own. `allOf`, `not` and `if` describe one together with others: they stay as they are. */
function rewritten(schema: Schema, change: (schema: Schema) => Schema): Schema {
  const next = Object.entries(change(schema)).map(([key, value]): [string, unknown] => {
    if (schemaHolders.includes(key)) return [key, isSchema(value) ? rewritten(value, change) : value];
    if (listHolders.includes(key) && Array.isArray(value))
      return [key, (value as readonly unknown[]).map((each) => (isSchema(each) ? rewritten(each, change) : each))];
    if (!mapHolders.includes(key) || !isSchema(value)) return [key, value];
    const map = Object.entries(value).map(([name, each]) => [name, isSchema(each) ? rewritten(each, change) : each]);
    return [key, Object.fromEntries(map)];
  });
  return Object.fromEntries(next);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
