/** Labels of an answer: what nobody labelled has the label that was said for the rest, and the tool the highest of all. */
import { classificationSchema, highestOf, isAbove, labelKeywords, type Classification } from '../../contract/labels.ts';
import { isObject, listOf } from './document.ts';
import { bothAbout } from './same-place.ts';
import type { Schema } from './schema.ts';

export interface Labelled {
  readonly schema: Schema;
  readonly classification: Classification;
  readonly fields: number;
  readonly unlabelled: number;
}

export function labelled(schema: Schema, otherwise: Classification): Labelled {
  const leaves = [...leavesOf(schema, { root: schema, stated: undefined, seen: new Set<string>() })];
  const labels = leaves.map((label) => label ?? otherwise);
  const classification = highestOf(labels);
  const isStated = labelKeywords.classification in schema;
  // Fields inherit from here, and nothing in a tool may be above the tool.
  const inherited = isAbove(otherwise, classification) ? classification : otherwise;
  return {
    schema: isStated ? schema : { ...schema, [labelKeywords.classification]: inherited },
    classification,
    fields: leaves.length,
    unlabelled: leaves.filter((label) => label === undefined).length,
  };
}

interface Walk {
  readonly root: Schema;
  readonly stated: Classification | undefined;
  readonly seen: Set<string>;
}

/** Undefined: nobody said. */
function* leavesOf(schema: Schema, { root, stated, seen }: Walk): Generator<Classification | undefined> {
  const own = classificationSchema.safeParse(schema[labelKeywords.classification]);
  const walk = { root, stated: own.success ? own.data : stated, seen };
  // What a reference leads to, and each choice, is the same place.
  const here = (other: Schema): Schema =>
    own.success ? bothAbout(other, { [labelKeywords.classification]: own.data }) : other;
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const key = `${reference} ${walk.stated ?? ''}`;
    if (seen.has(key)) return;
    seen.add(key);
    const target = ((root['$defs'] ?? {}) as Schema)[reference.slice('#/$defs/'.length)];
    if (isObject(target)) yield* leavesOf(here(target), walk);
    return;
  }
  const { properties, additionalProperties, items, anyOf } = schema;
  const below = [
    ...(isObject(properties) ? Object.values(properties) : []),
    additionalProperties,
    items,
    ...listOf(anyOf).filter(isObject).map(here),
  ].filter(isObject);
  if (below.length === 0) yield walk.stated;
  for (const each of below) yield* leavesOf(each, walk);
}
