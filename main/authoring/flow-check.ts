/** Tools that write and show more than their destinations receive: after the first call the flow label refuses the next. */
import { createToolRegistry } from '../connectors/tool-registry.ts';
import { isAbove } from '../contract/labels.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { Check } from './acceptance.ts';

export function flowChecks(manifest: ConnectorManifest): readonly Check[] {
  return createToolRegistry([manifest])
    .all.filter(({ manifest: tool, receives }) => tool.operation !== 'read' && isAbove(tool.classification, receives))
    .map(({ manifest: { name, classification, destinations }, receives }) => ({
      level: 'warning',
      what: `flow ${name}`,
      why: `its result is ${classification}, and where it writes receives ${receives}: after one call the next is flow_not_allowed`,
      mend:
        destinations.length === 0
          ? 'give it the "classification" of what it answers, or a destination with "receives"'
          : `say "receives" beside ${destinations.join(', ')}, or answer with less and lower its "classification"`,
    }));
}
