/** The lists that agents ask for: only what this person and program may use, each text written once. */
import type { OfferedTool } from '../contract/call.ts';
import { labelKeywords } from '../contract/labels.ts';
import { shownTableSchema } from './table-schema.ts';

export type ListName = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

export interface Listing {
  /** The JSON text of the array. */
  readonly json: string;
  /** How long a client may keep it. */
  readonly ttlMs: number;
}

/** A resource, a template or a prompt, to whoever may use the tool behind it. */
export interface Listed {
  readonly tool: OfferedTool;
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface ListedOffers {
  readonly resources: readonly Listed[];
  readonly templates: readonly Listed[];
  readonly prompts: readonly Listed[];
}

/** `isRedacted`: the program sees some field of the tool's result masked, hashed, generalized or not at all. */
export type Listings = (
  what: ListName,
  visible: readonly OfferedTool[],
  isRedacted: (tool: OfferedTool) => boolean,
) => Listing;

const maxListings = 100;
/** Nobody signed in, or nothing allowed: ask again soon. */
const empty: Listing = Object.freeze({ json: '[]', ttlMs: 0 });
const listTtlMs = 30_000;

export function createListings(offers: ListedOffers): Listings {
  const known = new Map<string, Listing>();
  const texts = new Map<string, string>();
  const others = { resources: offers.resources, resourceTemplates: offers.templates, prompts: offers.prompts };

  function toolText({ tool, redacted }: Shown): string {
    const key = `${tool.name} ${redacted}`;
    const text = texts.get(key) ?? JSON.stringify(describe(tool, redacted));
    texts.set(key, text);
    return text;
  }

  function itemsOf(what: ListName, shown: readonly Shown[]): string[] {
    const visible = shown.map(({ tool }) => tool);
    if (what === 'tools') return shown.filter(({ tool }) => (tool.manifest.offer ?? 'tool') === 'tool').map(toolText);
    // Several tools can stand behind one line.
    const seen = new Set(others[what].filter(({ tool }) => visible.includes(tool)).map((each) => each.shown));
    return [...seen].map((each) => JSON.stringify(each));
  }

  return (what, visible, isRedacted) => {
    if (visible.length === 0) return empty;
    const all = visible.map((tool) => ({ tool, redacted: isRedacted(tool) }));
    const key = `${what} ${all.map(({ tool, redacted }) => `${tool.name}${redacted ? '*' : ''}`).join(' ')}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const listing = Object.freeze({ json: `[${itemsOf(what, all).join(',')}]`, ttlMs: listTtlMs });
    if (known.size >= maxListings) known.clear();
    known.set(key, listing);
    return listing;
  };
}

interface Shown {
  readonly tool: OfferedTool;
  readonly redacted: boolean;
}

function describe(tool: OfferedTool, redacted: boolean): Record<string, unknown> {
  const { name, manifest } = tool;
  const readOnly = manifest.operation === 'read';
  return {
    name,
    title: manifest.title,
    description: manifest.description,
    inputSchema: manifest.inputSchema,
    ...outputSchemaOf(tool, redacted),
    annotations: {
      title: manifest.title,
      readOnlyHint: readOnly,
      destructiveHint: !readOnly,
      idempotentHint: readOnly,
      openWorldHint: true,
    },
  };
}

/** A redacted table still is one; what comes of other values by redaction need not fit. */
function outputSchemaOf(
  { shownOutputSchema, manifest: { result, outputSchema } }: OfferedTool,
  redacted: boolean,
): Record<string, unknown> {
  if (shownOutputSchema !== undefined && !redacted) return { outputSchema: orFailure(shownOutputSchema) };
  if (result === 'rows') return { outputSchema: orFailure(shownTableSchema(outputSchema)) };
  return result === 'content' || redacted ? {} : { outputSchema: orFailure(outputSchema) };
}

/** `structuredContent` of a refusal (contract/errors.ts `WireFailure`). */
const failure = {
  type: 'object',
  description: 'A refusal or a fault.',
  properties: {
    code: { type: 'string' },
    retry: { enum: ['never', 'after', 'after_signin', 'after_approval'] },
    retryAfterMs: { type: 'integer' },
    callId: { type: 'string' },
  },
  required: ['code', 'retry', 'callId'],
};

/**
 * MCP wants `structuredContent` to fit `outputSchema` always, and clients of the 2025 era check refusals too: so
 * the schema says both. References point at `#/$defs`, which therefore stays at the top. The declared dialect
 * is left out: this schema is ours, and MCP's default is the same dialect.
 */
function orFailure(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const {
    $schema: _dialect,
    $defs,
    definitions,
    ...declared
  } = withoutLabels(schema) as Readonly<Record<string, unknown>>;
  return {
    type: 'object',
    anyOf: [declared, failure],
    ...($defs === undefined ? {} : { $defs }),
    // As wrapped servers of the older dialect name them.
    ...(definitions === undefined ? {} : { definitions }),
  };
}

const labelNames: readonly string[] = Object.values(labelKeywords);

/** Clients in strict mode refuse keywords that they do not know. */
function withoutLabels(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutLabels);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => !(labelNames.includes(key) && typeof value === 'string'),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutLabels(value)]));
}
