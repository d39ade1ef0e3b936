/**
 * What connectors offer beside tools: resources, prompts, completions, each through a hidden tool. Guarantees: a manifest
 * that names a tool of another kind, or a name or address twice, does not load. Never runs connector code.
 */
import type { CallOffer, OfferedTool } from '../contract/call.ts';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest, Offer } from '../contract/manifest.ts';
import { offeredName } from './tool-name.ts';
import type { ToolRegistry } from './tool-registry.ts';
import { matchUri } from './uri-template.ts';

/** One line of a list: what is shown, to whoever may use the tool behind it. */
export interface Listed {
  readonly tool: OfferedTool;
  readonly shown: Readonly<Record<string, unknown>>;
}

export interface Target {
  readonly tool: OfferedTool;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Absent: `resource`. */
  readonly offer?: CallOffer;
}

export interface Offers {
  readonly resources: readonly Listed[];
  readonly templates: readonly Listed[];
  readonly prompts: readonly Listed[];
  readonly completes: boolean;
  /** The call that reads this address; null: nobody's. */
  resource(uri: string): Target | null;
  prompt(name: string): OfferedTool | null;
  /** Who completes arguments of this prompt, resource template or address. */
  completion(ref: { readonly prompt?: string | undefined; readonly uri?: string | undefined }): OfferedTool | null;
}

interface Read extends Listed {
  readonly uri?: string | undefined;
  readonly uriTemplate?: string | undefined;
  readonly completion: OfferedTool | null;
}

interface Prompted extends Listed {
  readonly name: string;
  readonly completion: OfferedTool | null;
}

export function createOffers(manifests: readonly ConnectorManifest[], tools: ToolRegistry): Offers {
  const reads = manifests.flatMap((manifest) => readsOf(manifest, tools));
  const prompts = manifests.flatMap((manifest) => promptsOf(manifest, tools));
  refuseTwice(reads.map(({ uri, uriTemplate }) => uri ?? uriTemplate ?? ''));
  refuseTwice(prompts.map(({ name }) => name));
  return {
    resources: reads.filter(({ uri }) => uri !== undefined),
    templates: reads.filter(({ uriTemplate }) => uriTemplate !== undefined),
    prompts,
    completes: manifests.some(({ completion }) => completion !== undefined),
    resource(uri) {
      const fixed = reads.find((read) => read.uri === uri);
      if (fixed) return { tool: fixed.tool, arguments: { uri } };
      for (const { uriTemplate, tool } of reads) {
        const variables = uriTemplate === undefined ? null : matchUri(uriTemplate, uri);
        if (variables !== null) return { tool, arguments: { uri, ...variables } };
      }
      return null;
    },
    prompt: (name) => prompts.find((prompt) => prompt.name === name)?.tool ?? null,
    completion({ prompt, uri }) {
      const found =
        prompt === undefined
          ? reads.find((read) => read.uriTemplate === uri || read.uri === uri)
          : prompts.find(({ name }) => name === prompt);
      return found?.completion ?? null;
    },
  };
}

function readsOf(manifest: ConnectorManifest, tools: ToolRegistry): Read[] {
  const completion = completionOf(manifest, tools);
  return (manifest.resources ?? []).map(({ tool, ...shown }) => {
    if ((shown.uri === undefined) === (shown.uriTemplate === undefined))
      throw new Fault('internal', `${manifest.name}: the resource ${shown.name} needs either "uri" or "uriTemplate".`);
    return { ...shown, tool: hidden({ manifest, tools, name: tool, offer: 'resource' }), shown, completion };
  });
}

function promptsOf(manifest: ConnectorManifest, tools: ToolRegistry): Prompted[] {
  const completion = completionOf(manifest, tools);
  return (manifest.prompts ?? []).map(({ tool, ...described }) => {
    const name = offeredName(manifest, described.name);
    return {
      name,
      tool: hidden({ manifest, tools, name: tool, offer: 'prompt' }),
      shown: { ...described, name },
      completion,
    };
  });
}

function completionOf(manifest: ConnectorManifest, tools: ToolRegistry): OfferedTool | null {
  const { completion: name } = manifest;
  return name === undefined ? null : hidden({ manifest, tools, name, offer: 'completion' });
}

interface Named {
  readonly manifest: ConnectorManifest;
  readonly tools: ToolRegistry;
  readonly name: string;
  readonly offer: Offer;
}

function hidden({ manifest, tools, name, offer }: Named): OfferedTool {
  const found = tools.find(offeredName(manifest, name), offer);
  if (found === null)
    throw new Fault('internal', `${manifest.name}: there is no tool "${name}" with offer "${offer}".`);
  return found;
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Fault('internal', `${twice} is declared twice.`);
}
