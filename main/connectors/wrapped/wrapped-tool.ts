/**
 * An approved definition of a wrapped server as a tool of the gateway. Guarantees: what agents are shown and what is checked is what was
 * approved; what the manifest does not say is at its safest: it writes, its result is sensitive, nothing may be carried out by it, it asks nothing.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { OfferedTool } from '../../contract/call.ts';
import type { ToolDefinition } from '../../contract/definitions.ts';
import { Fault, type Refusal } from '../../contract/errors.ts';
import { classifications, type Classification, type LabelNode } from '../../contract/labels.ts';
import type { ConnectorManifest, Offer, ToolManifest } from '../../contract/manifest.ts';
import { wrappedLimits, type WrapManifest } from '../../contract/wrap.ts';
import { offeredName } from '../tool-name.ts';
import { compileInput, compileOutput, type Check } from './wrapped-schema.ts';

export type WrappedManifest = ConnectorManifest & { readonly wrap: WrapManifest };

type Schema = Readonly<Record<string, unknown>>;

const offeredForm = /^[A-Za-z0-9_-]{1,64}$/;
const text = { type: 'string' } as const;
const object = (properties: Schema, required: readonly string[]): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const list = (items: Schema): Schema => ({ type: 'array', items });
const annotations = object({ audience: list(text), priority: { type: 'number' }, lastModified: text }, []);
const embedded = object({ uri: text, mimeType: text, text, blob: text }, ['uri']);
const blockOf = (type: string, members: Schema, required: readonly string[]): Schema =>
  object({ type: { const: type }, ...members, annotations }, ['type', ...required]);
/** MCP's content blocks, without `_meta`. */
const block: Schema = {
  anyOf: [
    blockOf('text', { text }, ['text']),
    blockOf('image', { data: text, mimeType: text }, ['data', 'mimeType']),
    blockOf('audio', { data: text, mimeType: text }, ['data', 'mimeType']),
    blockOf('resource', { resource: embedded }, ['resource']),
    blockOf(
      'resource_link',
      { uri: text, name: text, title: text, description: text, mimeType: text, size: { type: 'number' } },
      ['uri', 'name'],
    ),
  ],
};

/** The protocol's own results, as connector-host/wrap/results.ts leaves them. */
const results = {
  tool: object({ content: list(block), structuredContent: { type: 'object' }, isError: { const: true } }, ['content']),
  resource: object({ contents: list(embedded) }, ['contents']),
  prompt: object(
    {
      messages: list(object({ role: { enum: ['user', 'assistant'] }, content: block }, ['role', 'content'])),
      description: text,
    },
    ['messages'],
  ),
  completion: object(
    {
      completion: object(
        {
          values: { type: 'array', items: text, maxItems: 100 },
          total: { type: 'number' },
          hasMore: { type: 'boolean' },
        },
        ['values'],
      ),
    },
    ['completion'],
  ),
} as const satisfies Readonly<Record<Offer, Schema>>;

const ajv = new Ajv2020({ strict: true, strictRequired: false });
const fits = Object.fromEntries(
  Object.entries(results).map(([offer, schema]) => [offer, ajv.compile(schema)]),
) as Readonly<Record<Offer, ReturnType<typeof ajv.compile>>>;

/** @throws Fault `malformed`: why it is not offered */
export function wrappedTool(manifest: WrappedManifest, definition: ToolDefinition): OfferedTool {
  const { name, inputSchema, outputSchema, annotations: hints } = definition;
  const said = Object.hasOwn(manifest.wrap.tools, name) ? manifest.wrap.tools[name] : undefined;
  const structured = outputSchema === undefined ? null : compileOutput(outputSchema);
  const made = offered(manifest, {
    own: name,
    called: name,
    offer: 'tool',
    operation: said?.operation ?? (hints?.readOnlyHint === true ? 'read' : 'write'),
    classification: said?.classification ?? 'sensitive',
    title: definition.title ?? hints?.title ?? name,
    description: definition.description ?? '',
    inputSchema,
    checkArguments: compileInput(inputSchema, said?.identityData ?? []),
    ...(said?.asks === undefined ? {} : { asks: said.asks }),
    ...(said?.timeoutMs === undefined ? {} : { timeoutMs: said.timeoutMs }),
    ...(said?.maxResultTokens === undefined ? {} : { maxResultTokens: said.maxResultTokens }),
  });
  return Object.freeze({
    ...made,
    checkOutput: (value: unknown) => wrongResult(value, structured),
    receives: lowest([said?.receives ?? 'public', ...receivedThere(manifest)]),
    ...(outputSchema === undefined ? {} : { shownOutputSchema: outputSchema }),
  });
}

export interface Making {
  /** As the catalogue knows it, and as the connector does. */
  readonly own: string;
  readonly called: string;
  readonly offer: Offer;
  readonly operation: ToolManifest['operation'];
  readonly classification: Classification;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Schema;
  readonly checkArguments: Check;
  readonly asks?: ToolManifest['asks'];
  readonly timeoutMs?: number;
  readonly maxResultTokens?: number;
}

/** A name that ends calls, and nothing of its schema. Null: it is none that agents take. */
export function pendingTool(manifest: WrappedManifest, name: string, pending: Refusal): OfferedTool | null {
  if (!offeredForm.test(offeredName(manifest, name))) return null;
  const making = { own: name, called: name, offer: 'tool', operation: 'write', classification: 'sensitive' } as const;
  const words = { title: name, description: '', inputSchema: object({}, []), checkArguments: () => null };
  return Object.freeze({ ...offered(manifest, { ...making, ...words }), pending });
}

export function offered(manifest: ConnectorManifest, making: Making): OfferedTool {
  const { own, called, offer, classification, asks, maxResultTokens, checkArguments } = making;
  const name = offeredName(manifest, own);
  if (!offeredForm.test(name))
    throw new Fault('malformed', `"${name}" is no name that agents take: at most 64 of letters, digits, "_" and "-"`);
  const { timeoutMs = wrappedLimits.timeoutMs } = making;
  const labels: LabelNode = {
    label: classification,
    rule: null,
    highest: classification,
    members: new Map(),
    rest: null,
    items: null,
  };
  const { title, description, operation, inputSchema } = making;
  // The server does not say which call needs which.
  const destinations = Object.keys(manifest.destinations);
  return {
    name,
    connector: manifest.name,
    manifest: {
      ...{ name: called, title, description, operation, offer, result: 'content', classification, inputSchema },
      outputSchema: results[offer],
      destinations,
      limits: {
        timeoutMs,
        maxBackendBytes: destinations.length === 0 ? 1024 : wrappedLimits.maxBackendBytes,
        maxResultBytes: wrappedLimits.maxResultBytes,
        ...(maxResultTokens === undefined ? {} : { maxResultTokens }),
      },
      examples: [],
      ...(asks === undefined ? {} : { asks }),
    },
    checkArguments,
    checkOutput: (value) => (fits[offer](value) ? null : 'it is not what the protocol says'),
    checkRow: () => false,
    labels,
    columnLabels: new Map(),
    receives: 'public',
  };
}

/** What a tool may be told goes on to any of its server's destinations. */
const receivedThere = ({ destinations }: ConnectorManifest): Classification[] =>
  Object.values(destinations).map(({ receives = 'public' }) => receives);

const lowest = (labels: readonly Classification[]): Classification =>
  classifications.find((label) => labels.includes(label)) ?? 'public';

function wrongResult(value: unknown, structured: Check | null): string | null {
  if (!fits.tool(value)) return 'it is not what the protocol says';
  const { structuredContent, isError } = value as { structuredContent?: unknown; isError?: true };
  if (structured === null) return structuredContent === undefined ? null : 'it has data that nobody declared';
  if (isError === true && structuredContent === undefined) return null;
  return structured(structuredContent);
}
