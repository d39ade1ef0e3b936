/** What an operation answers: one value, a list, rows, or that it was done. */
import { Fault } from '../../contract/errors.ts';
import {
  classificationSchema,
  highestOf,
  labelKeywords,
  redactionSchema,
  type Classification,
  type columnLabelSchema,
} from '../../contract/labels.ts';
import type { z } from 'zod';
import { annotation, type AnnotatedPages, type Pages } from './annotations.ts';
import { isObject, listOf, textOf, type Json, type OpenApi } from './document.ts';
import { followedWhole, merged } from './merge.ts';
import type { Operation } from './operations.ts';
import { sampleOf } from './sample.ts';
import { createMapping, type Schema } from './schema.ts';
import { labelled } from './labels-of.ts';
import { bothAbout } from './same-place.ts';

export interface Outputs {
  readonly answers: 'value' | 'list' | 'rows' | 'done';
  readonly schema: Schema;
  readonly classification: Classification;
  /** Of the fields: how many nobody labelled. */
  readonly unlabelled: number;
  readonly fields: number;
  /** JSON pointer to the list, of `list` and `rows`. */
  readonly items: string | undefined;
  readonly pages: Pages | undefined;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly source: string }[] | undefined;
  readonly columnLabels: Readonly<Record<string, z.output<typeof columnLabelSchema>>>;
  readonly etag: boolean;
  /** Of the answer, and a made-up body; undefined: it has none. */
  readonly status: number;
  readonly sample: unknown;
}

export interface OutputTerms {
  readonly document: OpenApi;
  readonly note: (text: string) => void;
  readonly tool: string;
  /** Of what nobody labelled. */
  readonly otherwise: Classification;
}

const jsonType = /^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i;
const publicly = { [labelKeywords.classification]: 'public' };
const truncated = { type: 'boolean', description: 'There was more than came back.', ...publicly };
const mostColumns = 100;

/** @throws Fault `malformed`: why its answer cannot be declared */
export function outputsOf(operation: Operation, terms: OutputTerms): Outputs {
  const { document } = terms;
  const answer = successOf(operation, document);
  const content =
    answer !== undefined && isObject(answer.node['content']) ? Object.entries(answer.node['content']) : [];
  const headers = answer !== undefined && isObject(answer.node['headers']) ? Object.keys(answer.node['headers']) : [];
  const declares = (name: string): boolean => headers.some((each) => each.toLowerCase() === name);
  const found = content.find(([type]) => jsonType.test(type));
  const common = { status: answer?.status ?? 200, etag: declares('etag'), columnLabels: {} };
  if (found === undefined && content.length > 0)
    throw new Fault('malformed', `it answers with ${content.map(([type]) => type).join(', ')}, not JSON`);
  if (found === undefined) return { ...common, ...done, etag: false, sample: undefined };
  const media = document.followed(found[1]);
  const root = merged(document, followedWhole(document, media['schema']));
  const paging = annotation(operation.node, 'x-sallyport-pagination') ?? pagesIn(root, declares('link'));
  const items = paging?.items ?? (root['type'] === 'array' ? '' : undefined);
  if (items !== undefined) return { ...common, ...listOutputs(root, { items, paging }, terms), etag: false };
  if (paging !== undefined) throw new Fault('malformed', 'its pagination does not say where the "items" are');
  const hasCondition = operation.parameters.some(({ name }) => textOf(name).toLowerCase() === 'if-none-match');
  return { ...common, ...valueOutputs(root, { hasTag: common.etag, hasCondition }, terms) };
}

const nothing = { items: undefined, pages: undefined, columns: undefined };
const done = {
  ...nothing,
  answers: 'done' as const,
  classification: 'public' as const,
  fields: 1,
  unlabelled: 0,
  schema: {
    type: 'object',
    properties: { done: { const: true, description: 'The service did it.', ...publicly } },
    required: ['done'],
    additionalProperties: false,
  },
};

/** OData says it in every list; everybody else in a header, or in an annotation. */
function pagesIn(root: Json, hasLink: boolean): AnnotatedPages | undefined {
  const properties = isObject(root['properties']) ? root['properties'] : {};
  if ('@odata.nextLink' in properties && 'value' in properties)
    return { by: 'url', next: '/@odata.nextLink', items: '/value' };
  return hasLink || root['type'] === 'array'
    ? { by: 'link', ...(root['type'] === 'array' ? { items: '' } : {}) }
    : undefined;
}

function successOf(
  { node }: Operation,
  document: OpenApi,
): { readonly status: number; readonly node: Json } | undefined {
  const responses = isObject(node['responses']) ? node['responses'] : {};
  const found = ['200', '201', '202', '203', '204', '2XX', '2xx', 'default'].find((status) => status in responses);
  if (found === undefined) return undefined;
  const status = /^\d{3}$/.test(found) ? Number(found) : 200;
  return { status, node: document.followed(responses[found]) };
}

function valueOutputs(
  root: Json,
  { hasTag, hasCondition }: { readonly hasTag: boolean; readonly hasCondition: boolean },
  { document, note, otherwise }: OutputTerms,
): Omit<Outputs, 'status' | 'columnLabels' | 'etag'> {
  const mapping = createMapping({ document, kind: 'output', note });
  const whole = mapping.mapWhole(root);
  if (whole['type'] !== 'object')
    throw new Fault('malformed', 'it answers with one bare value, or one of several kinds');
  const properties = whole['properties'] as Readonly<Record<string, Schema>>;
  const tag =
    hasTag && !('etag' in properties) ? { etag: { type: 'string', description: 'Names this state of it.' } } : {};
  const same = hasCondition ? { notModified: { const: true, ...publicly } } : {};
  const required = hasCondition ? [] : whole['required'];
  const schema = mapping.complete({ ...whole, properties: { ...properties, ...tag, ...same }, required });
  return {
    ...nothing,
    answers: 'value',
    ...labelled(schema, otherwise),
    sample: sampleOf(whole, mapping.complete(whole), true),
  };
}

interface Listing {
  readonly items: string;
  readonly paging: AnnotatedPages | undefined;
}

function listOutputs(root: Json, { items, paging }: Listing, terms: OutputTerms): Omit<Outputs, 'status' | 'etag'> {
  const { document, note, otherwise } = terms;
  const way = wayTo(root, items, document);
  const list = way.at(-1) ?? {};
  if (list['type'] !== 'array') throw new Fault('malformed', `there is no list at "${items}" of its answer`);
  const mapping = createMapping({ document, kind: 'output', note });
  const item = bothAbout(mapping.map(list['items']), saidOn(way));
  const { items: _, ...pages } = paging ?? {};
  const common = { items, pages: paging === undefined ? undefined : (pages as Pages) };
  const one = mapping.complete(item);
  const sample = nested(items, [sampleOf(item, one, true)]);
  const flat = flatColumns(item, one, terms);
  if (flat !== undefined) return { ...common, answers: 'rows', ...flat, sample };
  const schema = mapping.complete({
    type: 'object',
    properties: { items: { type: 'array', items: item }, truncated },
    required: ['items', 'truncated'],
    additionalProperties: false,
  });
  return { ...common, answers: 'list', ...labelled(schema, otherwise), columns: undefined, columnLabels: {}, sample };
}

/** The value at a JSON pointer, in objects as deep as that says. */
function nested(pointer: string, value: unknown): unknown {
  const names = pointer.split('/').slice(1);
  return names.reduceRight<unknown>(
    (inner, part) => ({ [part.replaceAll('~1', '/').replaceAll('~0', '~')]: inner }),
    value,
  );
}

/** The schemas from the answer to the list in it. */
function wayTo(root: Json, pointer: string, document: OpenApi): readonly Json[] {
  const way = [root];
  for (const part of pointer.split('/').slice(1)) {
    const { properties } = way.at(-1) ?? {};
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const next = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
    way.push(merged(document, followedWhole(document, next)));
  }
  return way;
}

/** The list is all that is kept of what is around its items: what was said there holds for each. */
function saidOn(way: readonly Json[]): Schema {
  return way
    .map((schema) => {
      const label = annotation(schema, 'x-sallyport-classification');
      const rule = annotation(schema, 'x-sallyport-redaction');
      return {
        ...(label === undefined ? {} : { [labelKeywords.classification]: label }),
        ...(rule === undefined ? {} : { [labelKeywords.redaction]: rule }),
      };
    })
    .reduce((outer, inner) => ({ ...outer, ...inner }));
}

const scalars = ['string', 'number', 'integer', 'boolean', 'null'];
const cell = { type: ['string', 'number', 'boolean', 'null'] };

type FlatOutputs = Pick<Outputs, 'schema' | 'classification' | 'fields' | 'unlabelled' | 'columns' | 'columnLabels'>;

/** Undefined: an item has lists, objects or members without a name in it. */
function flatColumns(item: Schema, { $defs = {} }: Schema, { tool, otherwise }: OutputTerms): FlatOutputs | undefined {
  const target = typeof item['$ref'] === 'string' ? ($defs as Schema)[item['$ref'].slice('#/$defs/'.length)] : item;
  if (!isObject(target) || target['type'] !== 'object' || target['additionalProperties'] !== false) return undefined;
  const members = Object.entries(target['properties'] as Readonly<Record<string, Schema>>);
  if (members.length === 0 || members.length > mostColumns || !members.every(([, each]) => isScalar(each)))
    return undefined;
  const { [labelKeywords.classification]: stated, [labelKeywords.redaction]: inherited } = bothAbout(target, item);
  const above = classificationSchema.safeParse(stated);
  const columns = members.map(([name, each]) => ({ name, type: typeText(each), source: `${tool}.${name}` }));
  const labels = members.map(([name, each]) => {
    const own = classificationSchema.safeParse(each[labelKeywords.classification]);
    const rule = redactionSchema.safeParse(each[labelKeywords.redaction] ?? inherited);
    const classification = own.data ?? above.data ?? otherwise;
    const label = rule.success ? { classification, redaction: rule.data } : classification;
    return { source: `${tool}.${name}`, classification, label, isStated: own.success || above.success };
  });
  const schema = {
    type: 'object',
    properties: {
      columns: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: { type: 'string' }, type: { type: 'string' } },
          required: ['name', 'type'],
          additionalProperties: false,
        },
      },
      rows: {
        type: 'array',
        description: 'One array of values a row, in the order of columns.',
        items: { type: 'array', items: cell },
      },
      truncated,
    },
    required: ['columns', 'rows', 'truncated'],
    additionalProperties: false,
  };
  return {
    schema,
    columns,
    columnLabels: Object.fromEntries(labels.map(({ source, label }) => [source, label])),
    classification: highestOf(labels.map(({ classification }) => classification)),
    fields: labels.length,
    unlabelled: labels.filter(({ isStated }) => !isStated).length,
  };
}

function isScalar(schema: Schema): boolean {
  const { type } = schema;
  if ('enum' in schema || 'const' in schema) return true;
  return (Array.isArray(type) ? listOf(type) : [type]).every((each) => scalars.includes(textOf(each)));
}

function typeText({ type }: Schema): string {
  return (
    listOf(Array.isArray(type) ? type : [type])
      .map(textOf)
      .find((each) => each !== 'null' && each !== '') ?? 'string'
  );
}
