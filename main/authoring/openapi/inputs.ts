/** Parameters and body of an operation: what an agent gives, and where each goes. */
import { isIdentityLike, identityKeyword } from '../../connectors/identity-like.ts';
import { textKeyword } from '../../connectors/own-keywords.ts';
import { plainText } from '../../connectors/plain-text.ts';
import { Fault } from '../../contract/errors.ts';
import { requestHeaders } from '../../outbound/http-headers.ts';
import { isObject, textOf, type Json, type OpenApi } from './document.ts';
import { argumentNameOf, freeName, isActingAs } from './names.ts';
import type { Operation } from './operations.ts';
import { createMapping, type Schema, type SchemaMapping } from './schema.ts';

export interface Parameter {
  readonly argument: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly style: 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject' | 'json';
  readonly explode: boolean;
}

export interface Inputs {
  readonly schema: Schema;
  readonly parameters: readonly Parameter[];
  readonly contentType: string | undefined;
  /** The document's own values, by argument. */
  readonly examples: Readonly<Record<string, unknown>>;
}

export interface InputTerms {
  readonly document: OpenApi;
  readonly note: (text: string) => void;
  /** Parameters that paging uses, and arguments of ours beside the operation's. */
  readonly taken: readonly string[];
  readonly own: Readonly<Record<string, Schema>>;
}

const ignored = ['accept', 'content-type', 'authorization'];
const styles = {
  path: ['simple'],
  header: ['simple'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
};
const jsonType = /^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i;
const maxDescription = 300;

/** @throws Fault `malformed`: why the operation cannot be called from here */
export function inputsOf(operation: Operation, terms: InputTerms): Inputs {
  const mapping = createMapping({ document: terms.document, kind: 'input', note: terms.note });
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  const parameters: Parameter[] = [];
  const examples: Record<string, unknown> = {};
  for (const given of operation.parameters) {
    const name = textOf(given['name']);
    if (terms.taken.includes(name) || (given['in'] === 'header' && ignored.includes(name.toLowerCase()))) continue;
    const isRequired = given['in'] === 'path' || given['required'] === true;
    const made = leftOut(terms, { name, isRequired }, () => parameterOf(given, mapping, terms.document));
    if (made === undefined) continue;
    const argument = freeName(
      argumentNameOf(name),
      new Set([...Object.keys(properties), ...Object.keys(terms.own), 'body']),
    );
    parameters.push({ ...made.parameter, argument });
    properties[argument] = marked(argument, made.schema, terms.note);
    if (isRequired) required.push(argument);
    if (made.example !== undefined) examples[argument] = made.example;
  }
  const body = bodyOf(operation, mapping, terms.document);
  if (body !== undefined) {
    properties['body'] = body.schema;
    if (body.isRequired) required.push('body');
    if (body.example !== undefined) examples['body'] = body.example;
  }
  const members = { ...properties, ...terms.own };
  const schema = mapping.complete({ type: 'object', properties: members, required, additionalProperties: false });
  return { schema, parameters, contentType: body?.contentType, examples };
}

/** Undefined: it may be absent, and is. */
function leftOut<T>(
  { note }: InputTerms,
  { name, isRequired }: { readonly name: string; readonly isRequired: boolean },
  make: () => T,
): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (isRequired) throw new Fault('malformed', `its parameter "${name}" is needed, and ${error.message}`);
    note(`the parameter "${name}" is left out: ${error.message}`);
    return undefined;
  }
}

interface MadeParameter {
  readonly parameter: Omit<Parameter, 'argument'>;
  readonly schema: Schema;
  readonly example: unknown;
}

function parameterOf(given: Json, mapping: SchemaMapping, document: OpenApi): MadeParameter {
  const [name, place] = [textOf(given['name']), given['in']];
  if (place !== 'path' && place !== 'query' && place !== 'header')
    throw new Fault('malformed', place === 'cookie' ? 'cookies are not sent' : 'it does not say where it goes');
  if (isActingAs(name)) throw new Fault('malformed', 'it would say who acts, which is never an argument');
  if (place === 'header' && requestHeaders([[name, 'x']], []) === undefined)
    throw new Fault('malformed', 'egress does not send that header');
  const content = isObject(given['content']) ? Object.entries(given['content'])[0] : undefined;
  if (content !== undefined && !jsonType.test(content[0]))
    throw new Fault('malformed', `it is ${content[0]}, not JSON`);
  const style = content === undefined ? textOf(given['style']) || (place === 'query' ? 'form' : 'simple') : 'json';
  if (style !== 'json' && !styles[place].includes(style)) throw new Fault('malformed', `its style is "${style}"`);
  const media = content === undefined ? given : document.followed(content[1]);
  const schema = mapping.map(media['schema']);
  const description = plainText(textOf(given['description'])).slice(0, maxDescription);
  const explode = typeof given['explode'] === 'boolean' ? given['explode'] : style === 'form' || style === 'deepObject';
  return {
    parameter: { name, in: place, style: style as Parameter['style'], explode },
    schema: {
      ...schema,
      ...(description === '' ? {} : { description }),
      ...(place === 'path' ? plainSegment(schema) : {}),
    },
    example: exampleOf(given, document) ?? exampleOf(media, document),
  };
}

/** What names a thing in a path must be what it looks like. */
function plainSegment(schema: Schema): Schema {
  if (schema['type'] !== 'string') return {};
  return { minLength: schema['minLength'] ?? 1, maxLength: schema['maxLength'] ?? 500, [textKeyword]: 'name' };
}

function marked(argument: string, schema: Schema, note: InputTerms['note']): Schema {
  if (!isIdentityLike(argument)) return schema;
  note(`"${argument}" is named like an identity: it is sent as data, the sign-in stays the person's`);
  return { ...schema, [identityKeyword]: 'data' };
}

interface Body {
  readonly schema: Schema;
  readonly contentType: string;
  readonly isRequired: boolean;
  readonly example: unknown;
}

function bodyOf({ node }: Operation, mapping: SchemaMapping, document: OpenApi): Body | undefined {
  if (node['requestBody'] === undefined) return undefined;
  const given = document.followed(node['requestBody']);
  const isRequired = given['required'] === true;
  const content = isObject(given['content']) ? Object.entries(given['content']) : [];
  const found = content.find(([type]) => jsonType.test(type));
  if (found === undefined)
    throw new Fault('malformed', `its body is ${content.map(([type]) => type).join(', ') || 'of no type'}, not JSON`);
  const media = document.followed(found[1]);
  const schema = mapping.map(media['schema']);
  return { schema, contentType: found[0], isRequired, example: exampleOf(media, document) };
}

/** Of a parameter, a media type or a schema. */
export function exampleOf(node: Json, document: OpenApi): unknown {
  const { example, examples } = node;
  if (example !== undefined) return example;
  if (Array.isArray(examples)) return examples[0];
  if (isObject(examples)) {
    const [first] = Object.values(examples);
    const read = first === undefined ? {} : document.followed(first);
    if (read['value'] !== undefined) return read['value'];
  }
  const { schema } = node;
  if (!isObject(schema)) return undefined;
  const target = document.followed(schema);
  return Array.isArray(target['examples']) ? target['examples'][0] : target['example'];
}
