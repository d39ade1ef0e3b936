/** `tools/list`: the text of the tools that may be seen, written once for each set of them. */
import type { OfferedTool } from '../contract/call.ts';

export interface ToolListing {
  /** The JSON text of the `tools` array. */
  readonly json: string;
  /** How long a client may keep it. */
  readonly ttlMs: number;
}

const maxListings = 100;
/** Nobody signed in, or nothing allowed: ask again soon. */
const empty: ToolListing = Object.freeze({ json: '[]', ttlMs: 0 });
const listTtlMs = 30_000;

export function createToolListings(): (visible: readonly OfferedTool[]) => ToolListing {
  const known = new Map<string, ToolListing>();
  const texts = new Map<string, string>();

  function textOf(tool: OfferedTool): string {
    const text = texts.get(tool.name) ?? JSON.stringify(describe(tool));
    texts.set(tool.name, text);
    return text;
  }

  return (visible) => {
    if (visible.length === 0) return empty;
    const key = visible.map((tool) => tool.name).join(' ');
    const listing = known.get(key) ?? Object.freeze({ json: `[${visible.map(textOf).join(',')}]`, ttlMs: listTtlMs });
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
    inputSchema: withoutDialect(manifest.inputSchema),
    outputSchema: orFailure(manifest.outputSchema),
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
 * the schema says both. References point at `#/$defs`, which therefore stays at the top.
 */
function orFailure(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { $defs, ...declared } = withoutDialect(schema);
  return { type: 'object', anyOf: [declared, failure], ...($defs === undefined ? {} : { $defs }) };
}

/** Clients that read schemas as an older draft refuse an unknown dialect. */
function withoutDialect(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'));
}
