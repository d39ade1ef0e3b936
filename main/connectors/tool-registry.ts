/**
 * Every tool of every connector, with its schemas compiled once. Guarantees that arguments have no undeclared member,
 * and that a manifest whose schemas would let one through does not load. Trusts ajv to compile what it accepts in strict
 * mode: schemas become code, which is why the gateway allows code generation. Never runs connector code.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { z } from 'zod';
import type { OfferedTool } from '../contract/call.ts';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest, Offer, ToolManifest } from '../contract/manifest.ts';
import {
  classifications,
  isAbove,
  labelKeywords,
  redactionSchema,
  type Classification,
  type ColumnLabel,
  type columnLabelSchema,
} from '../contract/labels.ts';
import { wrongPointer } from '../contract/resource-pointer.ts';
import { openPlace } from './closed-schema.ts';
import { identityPlace } from './identity-like.ts';
import { addOwnKeywords, withoutOwnKeywords } from './own-keywords.ts';
import { explain } from './schema-words.ts';
import { offeredName } from './tool-name.ts';
import { compileLabels } from './label-tree.ts';

/** From the configuration, by a column's source. */
type ColumnLabels = Readonly<Record<string, z.infer<typeof columnLabelSchema>>>;

export interface ToolRegistry {
  readonly all: readonly OfferedTool[];
  /** Null where there is none, or it is offered in another way. */
  find(name: string, offer: Offer): OfferedTool | null;
}

/** INTERFACE "The socket": at most 64 of letters, digits, `_`, `-`. */
const toolName = /^[A-Za-z0-9_-]{1,64}$/;

/** Faults name the connector, the tool and the place in its schema. */
export function createToolRegistry(
  manifests: readonly ConnectorManifest[],
  labelsOf: (connector: string) => ColumnLabels = () => ({}),
): ToolRegistry {
  const byName = new Map<string, OfferedTool>();
  refuseUnprefixed(manifests);
  for (const manifest of manifests) {
    for (const tool of manifest.tools) {
      const columnLabels = columnLabelsOf(manifest, tool, labelsOf(manifest.name));
      const offered = Object.freeze({ ...offer(manifest, tool), columnLabels });
      if (byName.has(offered.name))
        throw new Fault('internal', `${manifest.name}: the tool ${offered.name} is declared twice.`);
      byName.set(offered.name, offered);
    }
  }
  return {
    all: Object.freeze([...byName.values()]),
    find(name, offer) {
      const found = byName.get(name);
      return found !== undefined && (found.manifest.offer ?? 'tool') === offer ? found : null;
    },
  };
}

/** INTERFACE "The socket": names without a prefix could be another connector's. */
function refuseUnprefixed(manifests: readonly ConnectorManifest[]): void {
  const unprefixed = manifests.find((manifest) => manifest.unprefixed === true);
  if (unprefixed !== undefined && manifests.length > 1)
    throw new Fault('internal', `${unprefixed.name}: unprefixed names are only for the only connector.`);
}

/** The configuration's word over the manifest's, which is never above what the tool itself is said to be. */
function columnLabelsOf(
  { name }: ConnectorManifest,
  { name: tool, classification, result, columns = {} }: ToolManifest,
  configured: ColumnLabels,
): OfferedTool['columnLabels'] {
  const declared = Object.entries(columns).map(([source, label]) => [source, read(label)] as const);
  if (declared.length > 0 && result !== 'rows')
    throw new Fault('internal', `${name}: ${tool}.columns: only a result in rows has columns.`);
  const high = declared.find(([, { label }]) => isAbove(label, classification));
  if (high !== undefined)
    throw new Fault(
      'internal',
      `${name}: ${tool}.columns: ${high[0]} is labelled above the tool's own classification.`,
    );
  return new Map([...declared, ...Object.entries(configured).map(([source, label]) => [source, read(label)] as const)]);
}

function read(label: z.infer<typeof columnLabelSchema>): ColumnLabel {
  if (typeof label === 'string') return { label, rule: null };
  return { label: label.classification, rule: label.redaction ?? null };
}

function offer(connector: ConnectorManifest, tool: ToolManifest): Omit<OfferedTool, 'columnLabels'> {
  const name = offeredName(connector, tool.name);
  if (!toolName.test(name)) throw new Fault('internal', `${connector.name}: the tool name ${name} is too long.`);
  const unknown = tool.destinations.find((destination) => !Object.hasOwn(connector.destinations, destination));
  if (unknown !== undefined) throw new Fault('internal', `${name}: the destination ${unknown} is not declared.`);
  const input = compile(`${name}.inputSchema`, tool.inputSchema, 'input');
  refuseOtherShape(name, tool);
  const misses = tool.resource === undefined ? null : wrongPointer(tool.resource, tool.inputSchema);
  if (misses !== null)
    throw new Fault('internal', `${name}.resource: "${tool.resource}" has to reach a required text: ${misses}.`);
  const output = compile(`${name}.outputSchema`, tool.outputSchema, 'output');
  const labels = compileLabels(`${name}.outputSchema`, tool.outputSchema, tool.classification);
  return {
    name,
    connector: connector.name,
    // What is ours in a schema is not for agents: some clients refuse keywords that they do not know.
    manifest: { ...tool, inputSchema: withoutOwnKeywords(tool.inputSchema) },
    checkArguments: input,
    checkOutput: output,
    checkRow: rowCheck(name, tool),
    labels,
    receives: receivedBy(connector, tool),
  };
}

/** The least of what its destinations may be given; what is not declared receives nothing but public. */
function receivedBy({ destinations }: ConnectorManifest, tool: ToolManifest): Classification {
  const received = tool.destinations.map((name) => destinations[name]?.receives ?? 'public');
  return classifications.find((label) => received.includes(label)) ?? 'public';
}

/** What the protocol's result has, the first always there: sent as it is, so a connector must not name other members. */
const wholeMembers: Readonly<Record<Offer, readonly string[]>> = {
  tool: ['content'],
  resource: ['contents'],
  prompt: ['messages', 'description'],
  completion: ['completion'],
};

function refuseOtherShape(name: string, { offer: offered = 'tool', result, outputSchema }: ToolManifest): void {
  if (offered === 'tool' && result !== 'content') return;
  const { properties = {}, required = [], additionalProperties } = outputSchema;
  const members = wholeMembers[offered];
  const main = members[0] ?? '';
  const isRight =
    additionalProperties === false &&
    Object.keys(properties as object).every((member) => members.includes(member)) &&
    (required as readonly string[]).includes(main);
  if (!isRight)
    throw new Fault(
      'internal',
      `${name}.outputSchema: needs "additionalProperties": false, "${main}" in "required", and no members but ${members.join(', ')}.`,
    );
}

/** What the gateway itself writes into a result in rows. */
const tableMembers = ['rowCount', 'summary', 'reference', 'withheld'];

function rowCheck(name: string, { result, outputSchema }: ToolManifest): OfferedTool['checkRow'] {
  if (result !== 'rows') return () => false;
  const { properties = {}, required = [], additionalProperties, $defs } = outputSchema;
  const { columns, rows } = properties as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  const row = rows?.['items'] as Readonly<Record<string, unknown>> | undefined;
  const isRight =
    additionalProperties === false &&
    columns?.['type'] === 'array' &&
    rows?.['type'] === 'array' &&
    row?.['type'] === 'array' &&
    ['columns', 'rows'].every((member) => (required as readonly string[]).includes(member)) &&
    !Object.keys(properties as object).some((member) => tableMembers.includes(member));
  if (!isRight)
    throw new Fault(
      'internal',
      `${name}.outputSchema: a result in rows needs "columns" and "rows", arrays in "required", the rows arrays too, "additionalProperties": false, and none of ${tableMembers.join(', ')}.`,
    );
  const validate = compiled(`${name}.outputSchema`, { ...row, ...($defs === undefined ? {} : { $defs }) }, 'output');
  return (value) => validate(value);
}

function compile(
  at: string,
  schema: ToolManifest['inputSchema'],
  kind: 'input' | 'output',
): (value: unknown) => string | null {
  if (schema['type'] !== 'object') throw new Fault('internal', `${at}: must be of type "object".`);
  const open = openPlace(schema, kind);
  if (open !== null) throw new Fault('internal', `${at}${open}`);
  const identity = kind === 'input' ? identityPlace(schema) : null;
  if (identity !== null) throw new Fault('internal', `${at}/${identity.path.join('/')}: ${identity.reason}.`);
  const validate = compiled(at, schema, kind);
  return (value) => (validate(value) ? null : explain(validate.errors?.[0]));
}

function compiled(at: string, schema: ToolManifest['inputSchema'], kind: 'input' | 'output'): ValidateFunction {
  // One instance a schema: a `$id` in one manifest must not be seen from another. Only the first error is used, so
  // that hostile input cannot make many.
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    verbose: true,
    allErrors: false,
    allowUnionTypes: true,
    logger: false,
  });
  addFormats.default(ajv);
  // Of the dialect's core vocabulary, and the only part of it that ajv's strict mode does not know. References go to
  // `#/$defs/NAME` alone, so that an anchor changes nothing here.
  ajv.addKeyword({ keyword: '$anchor', schemaType: 'string' });
  addOwnKeywords(ajv);
  if (kind === 'output') {
    // Labels say nothing about what fits: label-tree.ts reads them.
    ajv.addKeyword({ keyword: labelKeywords.classification, metaSchema: { enum: classifications } });
    ajv.addKeyword({ keyword: labelKeywords.redaction, metaSchema: { enum: redactionSchema.options } });
  }
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new Fault('internal', `${at}: ${error instanceof Error ? error.message : 'not a JSON Schema'}.`);
  }
}
