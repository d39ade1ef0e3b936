/** The lists that agents ask for: only what this person and program may use, each text written once. */
import type { OfferedTool } from '../contract/call.ts';

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

export type Listings = (what: ListName, visible: readonly OfferedTool[]) => Listing;

const maxListings = 100;
/** Nobody signed in, or nothing allowed: ask again soon. */
const empty: Listing = Object.freeze({ json: '[]', ttlMs: 0 });
const listTtlMs = 30_000;

export function createListings(offers: ListedOffers): Listings {
  const known = new Map<string, Listing>();
  const texts = new Map<string, string>();
  const others = { resources: offers.resources, resourceTemplates: offers.templates, prompts: offers.prompts };

  function toolText(tool: OfferedTool): string {
    const text = texts.get(tool.name) ?? JSON.stringify(describe(tool));
    texts.set(tool.name, text);
    return text;
  }

  function itemsOf(what: ListName, visible: readonly OfferedTool[]): string[] {
    if (what === 'tools') return visible.filter(({ manifest }) => (manifest.offer ?? 'tool') === 'tool').map(toolText);
    return others[what].filter(({ tool }) => visible.includes(tool)).map(({ shown }) => JSON.stringify(shown));
  }

  return (what, visible) => {
    if (visible.length === 0) return empty;
    const key = `${what} ${visible.map((tool) => tool.name).join(' ')}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const listing = Object.freeze({ json: `[${itemsOf(what, visible).join(',')}]`, ttlMs: listTtlMs });
    if (known.size >= maxListings) known.clear();
    known.set(key, listing);
    return listing;
  };
}

function describe({ name, manifest }: OfferedTool): Record<string, unknown> {
  const readOnly = manifest.operation === 'read';
  return {
    name,
    title: manifest.title,
    description: manifest.description,
    inputSchema: manifest.inputSchema,
    ...(manifest.result === 'content' ? {} : { outputSchema: orFailure(manifest.outputSchema) }),
    annotations: {
      title: manifest.title,
      readOnlyHint: readOnly,
      destructiveHint: !readOnly,
      idempotentHint: readOnly,
      openWorldHint: true,
    },
  };
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
  const { $schema: _dialect, $defs, ...declared } = schema;
  return { type: 'object', anyOf: [declared, failure], ...($defs === undefined ? {} : { $defs }) };
}
