/**
 * What a wrapped server offers beside tools, written as definitions so that it is judged, pinned and approved with them: a prompt's
 * name and words, a resource's address and words. Only names that agents take; the rest is not offered.
 */
import { createHash } from 'node:crypto';
import type { OfferedTool } from '../../contract/call.ts';
import { Fault } from '../../contract/errors.ts';
import type { ToolDefinition } from '../../contract/definitions.ts';
import type { ConnectorManifest } from '../../contract/manifest.ts';
import { wrappedCalls, type WrappedDefinitions } from '../../contract/wrap.ts';
import { compileInput } from './wrapped-schema.ts';
import { hasWayOut } from './wrapped-labels.ts';
import { offered, type WrappedManifest } from './wrapped-tool.ts';

type Json = Readonly<Record<string, unknown>>;

const prefix = { prompt: 'offer-prompt-', resource: 'offer-resource-', template: 'offer-template-' } as const;
/** No tool of a server's can be called so. */
export const isOffer = (name: string): boolean => name.startsWith('offer-');

/** Of the list, which many servers lengthen and shorten as they work. */
export const isListedResource = (name: string): boolean => name.startsWith(prefix.resource);

const promptName = /^[A-Za-z0-9_-]{1,48}$/;
const maxPromptArguments = 20;

export function definitionsOf({ resources, templates, prompts }: WrappedDefinitions): ToolDefinition[] {
  return [
    ...prompts.flatMap(promptDefinition),
    ...resources.flatMap((each) => resourceDefinition(each, 'resource', each['uri'])),
    ...templates.flatMap((each) => resourceDefinition(each, 'template', each['uriTemplate'])),
  ];
}

function promptDefinition({ name, title, description, arguments: given }: Json): ToolDefinition[] {
  if (typeof name !== 'string' || !promptName.test(name)) return [];
  const members = (Array.isArray(given) ? given : []).filter(isJson).slice(0, maxPromptArguments);
  const properties = members.map((each) => [
    String(each['name']),
    { type: 'string', ...words({ description: each['description'] }) },
  ]);
  const required = [
    ...new Set(members.filter((each) => each['required'] === true).map((each) => String(each['name']))),
  ];
  const inputSchema = {
    type: 'object',
    properties: Object.fromEntries(properties) as Json,
    required,
    additionalProperties: false,
  };
  return [{ name: `${prefix.prompt}${name}`, ...words({ title, description }), inputSchema }];
}

function resourceDefinition(
  { name, title, description, mimeType }: Json,
  kind: 'resource' | 'template',
  address: unknown,
): ToolDefinition[] {
  if (typeof address !== 'string' || typeof name !== 'string' || address.length > 1000 || name.length > 80) return [];
  const id = createHash('sha256').update(address).digest('hex').slice(0, 12);
  const told = {
    address: { const: address },
    name: { const: name },
    ...(typeof mimeType === 'string' ? { mimeType: { const: mimeType } } : {}),
  };
  const inputSchema = { type: 'object', properties: told, additionalProperties: false };
  return [{ name: `${prefix[kind]}${id}`, ...words({ title, description }), inputSchema }];
}

const words = (said: Json): Json =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === 'string'));

export interface OfferedParts {
  readonly tools: readonly OfferedTool[];
  /** The manifest as createOffers reads it. */
  readonly manifest: ConnectorManifest;
}

export interface Offering {
  /** The approved ones of `definitionsOf`. */
  readonly pinned: readonly ToolDefinition[];
  readonly completes: boolean;
  readonly notOffered: (connector: string, why: string) => void;
}

export function offersFrom(manifest: WrappedManifest, { pinned, completes, notOffered }: Offering): OfferedParts {
  const of = (kind: keyof typeof prefix): ToolDefinition[] =>
    pinned.filter(({ name }) => name.startsWith(prefix[kind]));
  const prompts = of('prompt').flatMap((definition) => {
    try {
      return [promptFrom(manifest, definition)];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      notOffered(manifest.name, `the prompt ${definition.name.slice(0, 64)} is not offered: ${error.message}`);
      return [];
    }
  });
  const resources = [
    ...of('resource').map((definition) => resourceFrom(definition, 'uri')),
    ...of('template').map((definition) => resourceFrom(definition, 'uriTemplate')),
  ];
  const isCompleting = completes && (prompts.length > 0 || resources.length > 0);
  return {
    tools: [
      ...prompts.map(({ tool }) => tool),
      ...(resources.length > 0 ? [readingTool(manifest)] : []),
      ...(isCompleting ? [completingTool(manifest)] : []),
    ],
    manifest: {
      ...manifest,
      resources,
      prompts: prompts.map(({ shown }) => shown),
      ...(isCompleting ? { completion: completing } : {}),
    },
  };
}

const reading = 'offer-resources';
const completing = 'offer-completions';
const text = { type: 'string' } as const;
const anything = { checkArguments: () => null } as const;
/** Where it has destinations what it is asked with can leave. */
const operationOf = (manifest: WrappedManifest) => (hasWayOut(manifest) ? 'write' : 'read');

const classificationOf = ({ wrap }: WrappedManifest) => wrap.offersClassification ?? 'sensitive';

function readingTool(manifest: WrappedManifest): OfferedTool {
  return offered(manifest, {
    ...anything,
    ...{ own: reading, called: wrappedCalls.resource, offer: 'resource', classification: classificationOf(manifest) },
    operation: operationOf(manifest),
    ...{ title: 'Read a resource', description: `Reads a resource of ${manifest.title}.` },
    // The address and the variables of its template, as createOffers found them.
    inputSchema: { type: 'object', properties: { uri: text }, required: ['uri'], additionalProperties: text },
  });
}

function completingTool(manifest: WrappedManifest): OfferedTool {
  return offered(manifest, {
    ...anything,
    ...{
      own: completing,
      called: wrappedCalls.completion,
      offer: 'completion',
      classification: classificationOf(manifest),
    },
    operation: operationOf(manifest),
    ...{ title: 'Complete an argument', description: `Completes arguments of ${manifest.title}.` },
    inputSchema: {
      type: 'object',
      properties: { prompt: text, uri: text, name: text, value: text },
      required: ['name', 'value'],
      additionalProperties: false,
    },
  });
}

type ShownPrompt = NonNullable<ConnectorManifest['prompts']>[number];
type ShownResource = NonNullable<ConnectorManifest['resources']>[number];

function promptFrom(
  manifest: WrappedManifest,
  { name: own, title, description, inputSchema }: ToolDefinition,
): { readonly tool: OfferedTool; readonly shown: ShownPrompt } {
  const name = own.slice(prefix.prompt.length);
  const { properties, required } = inputSchema as {
    properties: Record<string, { description?: string }>;
    required: readonly string[];
  };
  const members = Object.entries(properties).map(([member, said]) => ({
    name: member,
    ...(said.description === undefined ? {} : { description: said.description }),
    ...(required.includes(member) ? { required: true } : {}),
  }));
  const said = { ...(title === undefined ? {} : { title }), ...(description === undefined ? {} : { description }) };
  const called = `${wrappedCalls.prompt}${name}`;
  const asks = Object.hasOwn(manifest.wrap.tools, called) ? manifest.wrap.tools[called]?.asks : undefined;
  const tool = offered(manifest, {
    ...{ own, called, offer: 'prompt', classification: classificationOf(manifest) },
    operation: operationOf(manifest),
    ...{ title: title ?? name, description: description ?? '', inputSchema },
    checkArguments: compileInput(inputSchema, Object.keys(properties)),
    ...(asks === undefined ? {} : { asks }),
  });
  return { tool, shown: { name, ...said, ...(members.length === 0 ? {} : { arguments: members }), tool: own } };
}

function resourceFrom({ title, description, inputSchema }: ToolDefinition, key: 'uri' | 'uriTemplate'): ShownResource {
  const { properties } = inputSchema as { properties: Record<string, { const: string } | undefined> };
  const mimeType = properties['mimeType']?.const;
  return {
    [key]: properties['address']?.const ?? '',
    name: properties['name']?.const ?? '',
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(mimeType === undefined ? {} : { mimeType }),
    tool: reading,
  };
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
