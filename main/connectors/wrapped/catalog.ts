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
import { pendingTool, wrappedTool, type WrappedManifest } from './wrapped-tool.ts';

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
  /** By wrapped server: its tools that are offered. */
  wrapped(): Record<string, string[]>;
}

interface Wrapped {
  readonly manifest: WrappedManifest;
  said: WrappedDefinitions | null;
  /** What was asked about last: a decision is about exactly that. */
  asked: ToolDefinition[];
  /** The resources that were approved, null before: they stay, whatever else is said to have changed. */
  resources: readonly ToolDefinition[] | null;
  served: Served;
  /** Of `served`: the same again makes no other tools, so that a call that waits goes on. */
  key: string;
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
    manifests
      .filter(isWrapped)
      .map((manifest) => [
        manifest.name,
        { manifest, said: null, asked: [], resources: null, served: nothingOf(manifest), key: '' },
      ]),
  );
  let now = put();

  function put(): Current {
    const tools = registryOf(
      fixed,
      [...wrapped.values()].map(({ served }) => served),
    );
    const all = manifests.map((manifest) => wrapped.get(manifest.name)?.served.manifest ?? manifest);
    return { tools, offers: deps.shape(offersOf(all, manifests, { tools, notOffered }), tools) };
  }

  async function ask(one: Wrapped, said: WrappedDefinitions): Promise<void> {
    const connector = one.manifest.name;
    const others = now.tools.all.filter((tool) => tool.connector !== connector).map((tool) => tool.name);
    const { asked } = one;
    let answer: DefinitionsAnswer | null = null;
    try {
      answer = await deps.admit({ connector, tools: asked, otherToolNames: others });
    } catch (error) {
      notOffered(connector, error instanceof Fault ? error.message : 'its definitions cannot be read');
    }
    // It said something else meanwhile, which is asked about as well.
    if (one.said !== said) return;
    if (answer?.serve.length) one.resources = answer.serve.filter(({ name }) => isListedResource(name));
    else if (answer?.state === 'new') one.resources = null;
    serve(one, answer);
  }

  function serve(one: Wrapped, answer: DefinitionsAnswer | null): void {
    const key = JSON.stringify([answer?.state, answer?.serve, answer?.serve.length ? null : one.said]);
    if (key === one.key) return;
    one.key = key;
    try {
      one.served = servedOf(one, answer, notOffered);
      now = put();
    } catch (error) {
      notOffered(one.manifest.name, `nothing is offered: ${error instanceof Fault ? error.message : 'it cannot be'}`);
      one.served = nothingOf(one.manifest);
      now = put();
    }
    deps.onChange();
  }

  return {
    ...live(() => now),
    async announce(connector, given) {
      const one = wrapped.get(connector);
      if (one === undefined) return;
      const said = wantedOf(one.manifest, given);
      one.said = said;
      const own = said.tools.filter((tool) => !isOffer(String(tool['name'])));
      one.asked = [...(own as ToolDefinition[]), ...besideTools(one, said)];
      await ask(one, said);
    },
    async decided(connector) {
      const one = wrapped.get(connector);
      if (one?.said) await ask(one, one.said);
    },
    wrapped: () =>
      Object.fromEntries(
        [...wrapped.keys()].map((connector) => {
          const own = now.tools.all.filter((tool) => tool.connector === connector && tool.manifest.offer === 'tool');
          return [connector, own.map(({ name }) => name)];
        }),
      ),
  };
}

function isWrapped(manifest: ConnectorManifest): manifest is WrappedManifest {
  return manifest.wrap !== undefined;
}

/** The same objects, whatever is put there. */
function live(now: () => Current): Current {
  return {
    tools: {
      get all() {
        return now().tools.all;
      },
      find: (name, offer) => now().tools.find(name, offer),
    },
    offers: {
      get resources() {
        return now().offers.resources;
      },
      get templates() {
        return now().offers.templates;
      },
      get prompts() {
        return now().offers.prompts;
      },
      get completes() {
        return now().offers.completes;
      },
      resource: (uri) => now().offers.resource(uri),
      prompt: (name) => now().offers.prompt(name),
      completion: (ref) => now().offers.completion(ref),
    },
  };
}

/** What the manifest wants of it: the connector, which is not trusted, left out the rest already. */
function wantedOf({ wrap }: WrappedManifest, said: WrappedDefinitions): WrappedDefinitions {
  const wants = (offer: (typeof wrap.offers)[number]): boolean => wrap.offers.includes(offer);
  return {
    ...said,
    resources: wants('resources') ? said.resources : [],
    templates: wants('resources') ? said.templates : [],
    prompts: wants('prompts') ? said.prompts : [],
    completes: wants('completions'),
  };
}

/** Once they are approved, the resources stay those: what comes later is not offered, and takes nothing away. */
function besideTools({ resources }: Wrapped, said: WrappedDefinitions): ToolDefinition[] {
  return resources === null ? definitionsOf(said) : [...definitionsOf({ ...said, resources: [] }), ...resources];
}

interface Served {
  readonly tools: readonly OfferedTool[];
  /** What the server has and nobody approved. */
  readonly pending: readonly OfferedTool[];
  readonly manifest: ConnectorManifest;
}

const nothingOf = (manifest: WrappedManifest): Served => ({ tools: [], pending: [], manifest });

function servedOf(
  { manifest, said }: Wrapped,
  answer: DefinitionsAnswer | null,
  notOffered: CatalogDeps['notOffered'],
): Served {
  if (said === null) return nothingOf(manifest);
  const { serve, state } = answer ?? { serve: [], state: 'changed' };
  const tools = serve
    .filter(({ name }) => !isOffer(name))
    .flatMap((definition) => toolOrNothing(manifest, definition, notOffered));
  const pinned = serve.filter(({ name }) => isOffer(name));
  const beside = offersFrom(manifest, { pinned, completes: said.completes, notOffered });
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
    const tool = pendingTool(manifest, name, pending);
    return tool === null ? [] : [tool];
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
