/**
 * Schemas that a wrapped server wrote, compiled once they were approved. Guarantees: an argument that the schema does not declare is refused,
 * also where the server left its schema open; no regular expression of the server's runs here. Trusts ajv to compile what it takes:
 * schemas become code. What a pattern would refuse, the server itself has to.
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

export type Check = (value: unknown) => string | null;

/** @throws Fault `malformed`, with why such a tool is not offered */
export function compileInput(schema: Schema, identityData: readonly string[]): Check {
  const closed = rewritten(schema, (each) => withData(shut(each), identityData));
  const identity = identityPlace(closed);
  if (identity !== null)
    throw new Fault(
      'malformed',
      `${identity.path.join('/')}: ${identity.reason.split(':')[0] ?? ''}: name it in "identityData" if it is only data`,
    );
  return compiled(closed);
}

export function compileOutput(schema: Schema): Check {
  return compiled(schema);
}

function compiled(schema: Schema): Check {
  const isOlder = olderDialect.test(String(schema['$schema']));
  const ajv = isOlder ? new Ajv(options) : new Ajv2020(options);
  addFormats.default(ajv);
  // A hostile one could keep the gateway busy for hours (ReDoS).
  ajv.removeKeyword('pattern');
  const { $schema: _dialect, ...said } = schema;
  try {
    const validate = ajv.compile(said);
    return (value) => (validate(value) ? null : explain(validate.errors?.[0]));
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
