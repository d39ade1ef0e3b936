/** The pipeline as the gateway has it: what the stages need of the other rooms, and rows that are kept beside an answer. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Dispatch } from './connectors/dispatch.ts';
import type { Offers } from './connectors/offers.ts';
import type { ToolRegistry } from './connectors/tool-registry.ts';
import { createPipeline, type Pipeline, type PipelineDeps } from './pipeline/pipeline.ts';
import { referenceTemplate, type References } from './references/references.ts';

export interface CallPipelineParts extends Pick<
  PipelineDeps,
  'authorizer' | 'audit' | 'quotas' | 'approvals' | 'flows'
> {
  readonly tools: ToolRegistry;
  readonly references: References;
}

/** What changes while it runs. */
export interface Circumstances extends Pick<PipelineDeps, 'identity' | 'gate' | 'report'> {
  readonly dispatch: Dispatch;
}

export function createCallPipeline(
  { tools, references, ...parts }: CallPipelineParts,
  { dispatch, ...circumstances }: Circumstances,
): Pipeline {
  return createPipeline({
    ...parts,
    ...circumstances,
    tools: () => tools.all,
    findTool(name, offer) {
      if (offer !== 'reference') return tools.find(name, offer);
      const tool = tools.find(name, 'tool');
      return tool && references.asRead(tool);
    },
    pseudonym: createPseudonym(),
    dispatch: (cleared, signal, openTable) =>
      cleared.call.offer === 'reference' ? references.read(cleared, openTable) : dispatch(cleared, signal, openTable),
    keepRows: (cleared, resource, head) => references.keep(cleared, resource, head),
    clock: { epochMs: Date.now, monotonicMs: () => performance.now() },
  });
}

/** Shown where some tool gives rows; read through the tool that gave them. */
export function withReferences(offers: Offers, tools: ToolRegistry, references: References): Offers {
  const giving = tools.all.filter(({ manifest }) => manifest.result === 'rows');
  if (giving.length === 0) return offers;
  return {
    ...offers,
    templates: [...offers.templates, ...giving.map((tool) => ({ tool, shown: referenceTemplate }))],
    resource: (uri) => references.target(uri) ?? offers.resource(uri),
  };
}

/** Of this run: words of one run say nothing about those of another. */
function createPseudonym(): (text: string) => string {
  const key = randomBytes(32);
  return (text) => `#${createHmac('sha256', key).update(text).digest('hex').slice(0, 16)}`;
}
