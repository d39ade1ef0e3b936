/** `allOf` made one schema: what a connector's schemas can close has its members in one place. Still the document's own terms. */
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '../../contract/errors.ts';
import { classificationSchema, highestOf } from '../../contract/labels.ts';
import { isObject, listOf, type Json, type OpenApi } from './document.ts';

const mostDepth = 32;

/** Where a reference leads, with what stands beside it: both hold. */
export function followedWhole(document: OpenApi, node: unknown, depth = 0): Json {
  if (!isObject(node) || typeof node['$ref'] !== 'string') return document.followed(node);
  if (depth > mostDepth) throw new Fault('malformed', 'a reference in it leads in circles');
  const { $ref: reference, ...beside } = node;
  return together(beside, followedWhole(document, document.at(reference), depth + 1));
}

/** Without `allOf`, and without a `$ref` that would stand beside something. */
export function merged(document: OpenApi, schema: Json, depth = 0): Json {
  if (depth > mostDepth) throw new Fault('malformed', 'its schema contains itself by allOf');
  const { allOf, ...rest } = schema;
  const all = listOf(allOf);
  if (all.length === 0) return schema;
  const parts = all.map((part) => {
    const found = followedWhole(document, part);
    return merged(document, found, depth + 1);
  });
  const { $ref: reference, ...beside } = rest;
  const own = typeof reference === 'string' ? [followedWhole(document, { $ref: reference })] : [];
  return [beside as Json, ...own, ...parts].reduce(together);
}

/** Both hold. */
export function together(one: Json, other: Json): Json {
  const made: Record<string, unknown> = { ...one };
  for (const [keyword, value] of Object.entries(other)) {
    const former = one[keyword];
    if (former === undefined || isDeepStrictEqual(former, value)) made[keyword] = value;
    else made[keyword] = joined(keyword, former, value);
  }
  return made;
}

/** Text and notes about it, and what only narrows a text: the first one's. */
const notes = [
  'title',
  'description',
  'default',
  'deprecated',
  'externalDocs',
  'xml',
  'discriminator',
  'format',
  'pattern',
  'example',
  'examples',
];

function joined(keyword: string, one: unknown, other: unknown): unknown {
  if (notes.includes(keyword) || (keyword.startsWith('x-') && !keyword.startsWith('x-sallyport-'))) return one;
  if (keyword === 'x-sallyport-classification') {
    const labels = [one, other].map((label) => classificationSchema.safeParse(label));
    if (labels.every(({ success }) => success))
      return highestOf(labels.flatMap(({ data }) => (data === undefined ? [] : [data])));
  }
  if (keyword === 'required') return [...new Set([...listOf(one), ...listOf(other)])];
  if (keyword === 'items') return { allOf: [one, other] };
  if (keyword === 'properties' && isObject(one) && isObject(other)) return joinedMembers(one, other);
  if (keyword === 'enum')
    return listOf(one).filter((value) => listOf(other).some((each) => isDeepStrictEqual(each, value)));
  if (keyword === 'type') {
    const common = typesOf(one).filter((type) => typesOf(other).includes(type));
    if (common.length > 0) return common.length === 1 ? common[0] : common;
  }
  if (/^(?:min|exclusiveMin)/.test(keyword)) return Math.max(Number(one), Number(other));
  if (/^(?:max|exclusiveMax)/.test(keyword)) return Math.min(Number(one), Number(other));
  if (keyword === 'additionalProperties' && (one === false || other === false)) return false;
  if (keyword === 'additionalProperties' && (one === true || other === true)) return one === true ? other : one;
  if (keyword === 'readOnly' || keyword === 'writeOnly') return one === true || other === true;
  throw new Fault('malformed', `two schemas in its allOf say different things of "${keyword}"`);
}

function joinedMembers(one: Json, other: Json): Json {
  const made: Record<string, unknown> = { ...one };
  for (const [name, schema] of Object.entries(other)) {
    const former = Object.hasOwn(one, name) ? one[name] : undefined;
    made[name] = former === undefined || isDeepStrictEqual(former, schema) ? schema : { allOf: [former, schema] };
  }
  return made;
}

export const typesOf = (type: unknown): readonly unknown[] =>
  Array.isArray(type) ? (type as readonly unknown[]) : [type];
