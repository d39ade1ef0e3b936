/** What holds for a wrapped server's tool: what the manifest says of it, else what is safest. */
import type { ToolDefinition } from '../../contract/definitions.ts';
import { classifications, type Classification } from '../../contract/labels.ts';
import type { ConnectorManifest, ToolManifest } from '../../contract/manifest.ts';
import type { WrapManifest } from '../../contract/wrap.ts';

export interface WrappedLabels {
  /** `read` by the server's own word alone where that was approved, and it has no destination. */
  readonly operation: ToolManifest['operation'];
  readonly classification: Classification;
  readonly receives: Classification;
}

export function saidOf({ tools }: WrapManifest, name: string): WrapManifest['tools'][string] | undefined {
  return Object.hasOwn(tools, name) ? tools[name] : undefined;
}

/** Then what it is told can leave. */
export const hasWayOut = ({ destinations }: Pick<ConnectorManifest, 'destinations'>): boolean =>
  Object.keys(destinations).length > 0;

export function labelsOf(
  { wrap, destinations }: Pick<ConnectorManifest, 'destinations'> & { readonly wrap: WrapManifest },
  name: string,
  hints: ToolDefinition['annotations'],
): WrappedLabels {
  const said = saidOf(wrap, name);
  const receivedThere = Object.values(destinations).map(({ receives = 'public' }) => receives);
  return {
    operation: said?.operation ?? (hints?.readOnlyHint === true && !hasWayOut({ destinations }) ? 'read' : 'write'),
    classification: said?.classification ?? 'sensitive',
    receives: least([said?.receives ?? 'public', ...receivedThere]),
  };
}

const least = (labels: readonly Classification[]): Classification =>
  classifications.find((label) => labels.includes(label)) ?? 'public';
