/**
 * What a schema does beside describing. Guarantees: a schema that leads to another document, renames what it refers to, touches
 * the prototype of objects, or could keep a checker busy is a finding. Trusts: that its depth was bounded before.
 */
import type { DefinitionFinding } from '../../contract/definitions.ts';

export interface Found {
  readonly code: DefinitionFinding['code'];
  readonly weight?: DefinitionFinding['weight'];
  readonly at: string;
  readonly say: string;
  readonly text?: string;
}

type Schema = Readonly<Record<string, unknown>>;

const dialects =
  /^https?:\/\/json-schema\.org\/(?:draft\/2020-12\/schema|draft\/2019-09\/schema|draft-0[467]\/schema)#?$/;
const renaming = ['$id', '$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor', '$vocabulary'];
/** A repeated group that repeats inside itself, or has alternatives: exponential in engines that go back. */
const slowPattern =
  /\([^()]{0,200}(?:[+*]|\{\d+,\d*\})[^()]{0,200}\)(?:[+*]|\{\d+,)|\([^()]{0,200}\|[^()]{0,200}\)(?:[+*]|\{\d+,)/;
const longestPattern = 500;

export function* schemaFindings(schema: Schema, part: string): Generator<Found> {
  if (schema['type'] !== 'object') yield trick(part, 'Its schema is not of type "object".');
  yield* inside(schema, part);
  const rest = schema['additionalProperties'] ?? schema['unevaluatedProperties'];
  if (rest !== false)
    yield { code: 'open_schema', weight: 'notice', at: part, say: 'It takes members that it does not declare.' };
}

function* inside(value: unknown, at: string): Generator<Found> {
  if (Array.isArray(value)) for (const [index, child] of value.entries()) yield* inside(child, `${at}[${index}]`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  for (const [name, child] of Object.entries(value)) {
    const path = `${at}.${name.slice(0, 60)}`;
    if (name === '__proto__' || name === 'constructor')
      yield trick(path, 'It names a member that changes what objects are.');
    yield* inside(child, path);
    if (typeof child !== 'string') continue;
    if (name === '$ref' && !child.startsWith('#')) yield trick(path, 'It refers to another document.', child);
    if (name === '$schema' && !dialects.test(child)) yield trick(path, 'It names another language of schemas.', child);
    if (renaming.includes(name)) yield trick(path, 'It changes what references mean.', child);
    if (name === 'pattern' && (child.length > longestPattern || slowPattern.test(child)))
      yield trick(path, 'Its pattern could keep a checker busy.', child);
  }
}

function trick(at: string, say: string, text = ''): Found {
  return { code: 'schema_trick', at, say, text };
}
