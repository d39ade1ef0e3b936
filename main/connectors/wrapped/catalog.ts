/**
 * All that is offered, now: tools and offers of connectors, fixed by their manifests, and of wrapped servers, as approved. Guarantees:
 * nothing that a wrapped server says is offered before its definitions were admitted; what it has and nobody approved is not listed, and
 * calls of it end as `definition_changed`. Trusts the shell for what may be served.
 */
import type { OfferedTool } from '../../contract/call.ts';
import type { DefinitionsAnswer, DefinitionsQuestion, ToolDefinition } from '../../contract/definitions.ts';
import { Fault, type Refusal } from '../../contract/errors.ts';
import type { ConnectorManifest, Offer } from '../../contract/manifest.ts';
import type { WrappedDefinitions } from '../../contract/wrap.ts';
import { createOffers, type Offers } from '../offers.ts';
import { createToolRegistry, type ToolRegistry } from '../tool-registry.ts';
import { definitionsOf, isListedResource, isOffer, offersFrom } from './wrapped-offers.ts';
import { wrappedTool, type WrappedManifest } from './wrapped-tool.ts';

export interface CatalogDeps {
  readonly manifests: readonly ConnectorManifest[];
  readonly labelsOf: Parameters<typeof createToolRegistry>[1];
  /** Whether it may be served, and in which words. Rejects for what is no list of tools. */
  readonly admit: (question: DefinitionsQuestion) => Promise<DefinitionsAnswer>;
  /** What else is offered beside what connectors do. */
  readonly shape: (offers: Offers, tools: ToolRegistry) => Offers;
  /** For the log: what of a wrapped server is not offered, and why. */
  readonly notOffered: (connector: string, why: string) => void;
  /** What is offered is different. */
  readonly onChange: () => void;
}

export interface Catalog {
  /** Live: the same object, whatever changes. */
  readonly tools: ToolRegistry;
  readonly offers: Offers;
  /** A wrapped server said what it has. */
  announce(connector: string, said: WrappedDefinitions): Promise<void>;
  /** The person decided about it: what may be served is asked again. */
  decided(connector: string): Promise<void>;
}

interface Wrapped {
  readonly manifest: WrappedManifest;
  said: WrappedDefinitions | null;
  /** Null: nothing of it may be served. */
  answer: DefinitionsAnswer | null;
}

interface Current {
  readonly tools: ToolRegistry;
  readonly offers: Offers;
}

export function createCatalog(deps: CatalogDeps): Catalog {
  const { manifests, notOffered } = deps;
  // Whole first: what holds for all manifests together is judged here.
  const fixed = createToolRegistry(manifests, deps.labelsOf);
  const wrapped = new Map<string, Wrapped>(
    manifests.filter(isWrapped).map((manifest) => [manifest.name, { manifest, said: null, answer: null }]),
  );
  let now = put();

  function put(): Current {
    const served = [...wrapped.values()].map((each) => ({ each, ...servedOf(each, notOffered) }));
    const tools = registryOf(fixed, served);
    const all = manifests.map(
      (manifest) => served.find(({ each }) => each.manifest === manifest)?.manifest ?? manifest,
    );
    return { tools, offers: deps.shape(offersOf(all, manifests, { tools, notOffered }), tools) };
  }

  async function ask(one: Wrapped, said: WrappedDefinitions): Promise<void> {
    const connector = one.manifest.name;
    const others = now.tools.all.filter((tool) => tool.connector !== connector).map((tool) => tool.name);
    const own = said.tools.filter((tool) => !isOffer(String(tool['name'])));
    let answer: DefinitionsAnswer | null = null;
    try {
      answer = await deps.admit({ connector, tools: [...own, ...besideTools(one, said)], otherToolNames: others });
    } catch (error) {
      notOffered(connector, error instanceof Fault ? error.message : 'its definitions cannot be read');
    }
    // It said something else meanwhile, which is asked about as well.
    if (one.said !== said) return;
    one.answer = answer;
    now = put();
    deps.onChange();
  }

  return {
    tools: {
      get all() {
        return now.tools.all;
      },
      find: (name, offer) => now.tools.find(name, offer),
    },
    offers: {
      get resources() {
        return now.offers.resources;
      },
      get templates() {
        return now.offers.templates;
      },
      get prompts() {
        return now.offers.prompts;
      },
      get completes() {
        return now.offers.completes;
      },
      resource: (uri) => now.offers.resource(uri),
      prompt: (name) => now.offers.prompt(name),
      completion: (ref) => now.offers.completion(ref),
    },
    async announce(connector, said) {
      const one = wrapped.get(connector);
      if (one === undefined) return;
      one.said = said;
      await ask(one, said);
    },
    async decided(connector) {
      const one = wrapped.get(connector);
      if (one?.said) await ask(one, one.said);
    },
  };
}

function isWrapped(manifest: ConnectorManifest): manifest is WrappedManifest {
  return manifest.wrap !== undefined;
}

/** Once they are approved, the resources stay those: what comes later is not offered, and takes nothing away. */
function besideTools({ answer }: Wrapped, said: WrappedDefinitions): ToolDefinition[] {
  const approved = answer?.serve ?? [];
  return approved.length === 0
    ? definitionsOf(said)
    : [...definitionsOf({ ...said, resources: [] }), ...approved.filter(({ name }) => isListedResource(name))];
}

interface Served {
  readonly tools: readonly OfferedTool[];
  /** What the server has and nobody approved. */
  readonly pending: readonly OfferedTool[];
  readonly manifest: ConnectorManifest;
}

function servedOf({ manifest, said, answer }: Wrapped, notOffered: CatalogDeps['notOffered']): Served {
  if (said === null) return { tools: [], pending: [], manifest };
  const { serve, state } = answer ?? { serve: [], state: 'changed' };
  const tools = serve
    .filter(({ name }) => !isOffer(name))
    .flatMap((definition) => toolOrNothing(manifest, definition, notOffered));
  const pinned = serve.filter(({ name }) => isOffer(name));
  const beside = offersFrom(manifest, pinned, said.completes);
  const isServed = state === 'same' || state === 'harmless';
  return {
    tools: [...tools, ...beside.tools],
    pending: isServed ? [] : pendingOf(manifest, { said, state }),
    manifest: beside.manifest,
  };
}

function toolOrNothing(
  manifest: WrappedManifest,
  definition: ToolDefinition,
  notOffered: CatalogDeps['notOffered'],
): OfferedTool[] {
  try {
    return [wrappedTool(manifest, definition)];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    notOffered(manifest.name, `the tool ${definition.name.slice(0, 64)} is not offered: ${error.message}`);
    return [];
  }
}

const sayPending: Readonly<Record<string, string>> = {
  new: 'Nobody has approved this server’s tools yet. Tell the person to look at them in the Sallyport window; another tool may do meanwhile.',
  changed:
    'The server’s tools are not those that were approved. Tell the person to look at what changed in the Sallyport window; use another tool meanwhile.',
  quarantined:
    'The server’s tools look harmful and are held back. Tell the person to look at them in the Sallyport window; use another tool.',
};

interface Waiting {
  readonly said: WrappedDefinitions;
  readonly state: string;
}

function pendingOf(manifest: WrappedManifest, { said, state }: Waiting): OfferedTool[] {
  const pending: Refusal = { code: 'definition_changed', say: sayPending[state] ?? sayPending['changed'] ?? '' };
  return said.tools.flatMap(({ name }) => {
    if (typeof name !== 'string' || isOffer(name)) return [];
    const nothing = { name, inputSchema: { type: 'object', properties: {} } };
    const [tool] = toolOrNothing(manifest, nothing, () => undefined);
    return tool === undefined ? [] : [Object.freeze({ ...tool, pending })];
  });
}

function registryOf(fixed: ToolRegistry, served: readonly Served[]): ToolRegistry {
  const byName = new Map(fixed.all.map((tool) => [tool.name, tool]));
  for (const tool of served.flatMap(({ tools, pending }) => [...tools, ...pending]))
    // A connector's own tool is never hidden by a server's.
    if (!byName.has(tool.name)) byName.set(tool.name, tool);
  return {
    all: Object.freeze([...byName.values()].filter(({ pending }) => pending === undefined)),
    find(name, offer: Offer) {
      const found = byName.get(name);
      return found !== undefined && (found.manifest.offer ?? 'tool') === offer ? found : null;
    },
  };
}

interface Among {
  readonly tools: ToolRegistry;
  readonly notOffered: CatalogDeps['notOffered'];
}

/** An address or name that is somebody else's already: then no wrapped server offers anything beside its tools. */
function offersOf(
  all: readonly ConnectorManifest[],
  fixed: readonly ConnectorManifest[],
  { tools, notOffered }: Among,
): Offers {
  try {
    return createOffers(all, tools);
  } catch (error) {
    if (all.every((manifest, index) => manifest === fixed[index]) || !(error instanceof Fault)) throw error;
    for (const { name } of fixed.filter(isWrapped))
      notOffered(name, `resources and prompts are not offered: ${error.message}`);
    return createOffers(fixed, tools);
  }
}
