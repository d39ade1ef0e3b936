/** What `sallyport policy explain` needs to know of a configuration: its policies, and of each tool what they can see. */
import type { KnownDefinition, PolicyInUse } from '../contract/control.ts';
import type { ToolDefinition } from '../contract/definitions.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { Registry } from './registry.ts';
import { offeredName } from './tool-name.ts';
import { labelsOf } from './wrapped/wrapped-labels.ts';

/** What a wrapped server says, and whether it was approved. */
export interface SaidDefinitions {
  readonly known: Extract<KnownDefinition, 'approved' | 'waiting' | 'remembered'>;
  readonly tools: readonly ToolDefinition[];
}

/** Null: nobody has heard it yet. */
export type SaidBy = (connector: string) => SaidDefinitions | null;

export function policyInUse(
  { policies, connectors }: Pick<Registry, 'policies' | 'connectors'>,
  saidBy: SaidBy,
): PolicyInUse {
  const manifests = connectors.map(({ manifest }) => manifest);
  const unheard = manifests.filter(({ name, wrap }) => wrap !== undefined && saidBy(name) === null);
  return {
    policies: [...policies],
    tools: manifests.flatMap((manifest) => toolsForPolicy(manifest, saidBy)),
    unheard: unheard.map((manifest) => ({
      connector: manifest.name,
      prefix: offeredName(manifest, ''),
      destinations: Object.keys(manifest.destinations),
    })),
  };
}

export function toolsForPolicy(manifest: ConnectorManifest, saidBy: SaidBy = () => null): PolicyInUse['tools'] {
  if (manifest.wrap !== undefined) return wrappedForPolicy(manifest, manifest.wrap, saidBy(manifest.name));
  return manifest.tools.map(({ name, operation, classification, destinations, resource }) => ({
    name: offeredName(manifest, name),
    connector: manifest.name,
    operation,
    classification,
    destinations,
    ...(resource === undefined ? {} : { resource }),
  }));
}

/** What it offers beside tools is in neither list: policy sees it as well, but nobody calls it by a name. */
function wrappedForPolicy(
  manifest: ConnectorManifest,
  wrap: NonNullable<ConnectorManifest['wrap']>,
  said: SaidDefinitions | null,
): PolicyInUse['tools'] {
  const definitions: readonly Pick<ToolDefinition, 'name' | 'annotations'>[] =
    said === null
      ? Object.keys(wrap.tools)
          .filter((name) => !name.includes('/'))
          .map((name) => ({ name }))
      : said.tools.filter(({ name }) => !name.startsWith('offer-'));
  return definitions.map(({ name, annotations }) => {
    const { operation, classification } = labelsOf(wrap, name, annotations);
    return {
      name: offeredName(manifest, name),
      connector: manifest.name,
      operation,
      classification,
      destinations: Object.keys(manifest.destinations),
      definition: said?.known ?? 'named',
    };
  });
}
