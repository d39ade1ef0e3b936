/** What `sallyport policy explain` needs to know of a configuration: its policies, and of each tool what they can see. */
import type { PolicyInUse } from '../contract/control.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { Registry } from './registry.ts';
import { offeredName } from './tool-name.ts';

export function policyInUse({ policies, connectors }: Pick<Registry, 'policies' | 'connectors'>): PolicyInUse {
  return { policies: [...policies], tools: connectors.flatMap(({ manifest }) => toolsForPolicy(manifest)) };
}

export function toolsForPolicy(manifest: ConnectorManifest): PolicyInUse['tools'] {
  return manifest.tools.map(({ name, operation, classification, destinations, resource }) => ({
    name: offeredName(manifest, name),
    connector: manifest.name,
    operation,
    classification,
    destinations,
    ...(resource === undefined ? {} : { resource }),
  }));
}
