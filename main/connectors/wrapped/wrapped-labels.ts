/** What holds for a wrapped server's tool: what the manifest says of it, else what is safest. */
import type { ToolDefinition } from '../../contract/definitions.ts';
import type { Classification } from '../../contract/labels.ts';
import type { ToolManifest } from '../../contract/manifest.ts';
import type { WrapManifest } from '../../contract/wrap.ts';

export interface WrappedLabels {
  /** `read` by the server's own word alone where that was approved. */
  readonly operation: ToolManifest['operation'];
  readonly classification: Classification;
  readonly receives: Classification;
}

export function saidOf({ tools }: WrapManifest, name: string): WrapManifest['tools'][string] | undefined {
  return Object.hasOwn(tools, name) ? tools[name] : undefined;
}

export function labelsOf(wrap: WrapManifest, name: string, hints: ToolDefinition['annotations']): WrappedLabels {
  const said = saidOf(wrap, name);
  return {
    operation: said?.operation ?? (hints?.readOnlyHint === true ? 'read' : 'write'),
    classification: said?.classification ?? 'sensitive',
    receives: said?.receives ?? 'public',
  };
}
