/** Every text of a definition that a model could read, with its place: names of members as well as what they say. */
import type { ToolDefinition } from '../../contract/definitions.ts';

export interface Place {
  /** A path of members, as in `inputSchema.properties.path.description`. */
  readonly at: string;
  readonly text: string;
  readonly kind: 'name' | 'prose';
}

/** Their members have names of the author's choice. */
const maps = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependentRequired'];
/** Keywords of JSON Schema (2020-12 and draft 7): any other member's name was chosen, too. */
const keywords = new Set([
  ...maps,
  ...'$schema $id $ref $anchor $dynamicRef $dynamicAnchor $recursiveRef $comment $vocabulary type enum const default examples title description'.split(
    ' ',
  ),
  ...'allOf anyOf oneOf not if then else items prefixItems additionalItems contains minContains maxContains additionalProperties'.split(
    ' ',
  ),
  ...'propertyNames unevaluatedItems unevaluatedProperties required minProperties maxProperties minItems maxItems uniqueItems'.split(
    ' ',
  ),
  ...'minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf deprecated readOnly writeOnly'.split(
    ' ',
  ),
  ...'contentEncoding contentMediaType contentSchema dependencies nullable'.split(' '),
]);

export function* textsOf(tool: ToolDefinition): Generator<Place> {
  yield { at: 'name', text: tool.name, kind: 'name' };
  for (const part of ['title', 'description'] as const) {
    const text = tool[part];
    if (text !== undefined) yield { at: part, text, kind: 'prose' };
  }
  if (tool.annotations?.title !== undefined)
    yield { at: 'annotations.title', text: tool.annotations.title, kind: 'prose' };
  yield* inside(tool.inputSchema, 'inputSchema', false);
  if (tool.outputSchema !== undefined) yield* inside(tool.outputSchema, 'outputSchema', false);
}

function* inside(value: unknown, at: string, areNames: boolean): Generator<Place> {
  if (typeof value === 'string') yield { at, text: value, kind: 'prose' };
  if (Array.isArray(value))
    for (const [index, child] of value.entries()) yield* inside(child, `${at}[${index}]`, false);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, child] of Object.entries(value)) {
      const path = `${at}.${name.slice(0, 60)}`;
      if (areNames || !keywords.has(name)) yield { at: path, text: name, kind: 'name' };
      // Of known languages; any other is a finding of `schema-findings.ts`.
      if (name === '$schema' && typeof child === 'string') continue;
      yield* inside(child, path, !areNames && maps.includes(name));
    }
  }
}
