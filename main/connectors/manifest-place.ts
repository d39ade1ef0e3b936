/**
 * The gateway compiles a manifest's schemas and has no files; its refusals name the tool and the place in its schema. Here
 * they get file and line, from whoever read the manifest.
 */
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { readLocatedJson } from './located-json.ts';

interface Read {
  readonly manifest: ConnectorManifest;
  /** Where its manifest.json lies. */
  readonly folder: string;
}

/** The same refusal with `file:line:` before it, where it is one about a manifest; any other error as it is. */
export function withPlace(error: unknown, connectors: readonly Read[]): unknown {
  if (!(error instanceof Fault)) return error;
  for (const { manifest, folder } of connectors) {
    const found = placeIn(manifest, error.message);
    if (found === undefined) continue;
    try {
      return readLocatedJson(path.join(folder, 'manifest.json')).refuse(found.path, found.reason);
    } catch {
      // It is gone or changed since: the refusal still says which tool.
      return error;
    }
  }
  return error;
}

interface Place {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

function placeIn(manifest: ConnectorManifest, message: string): Place | undefined {
  for (const [index, { name }] of manifest.tools.entries()) {
    const offered = manifest.unprefixed === true ? name : `${manifest.name}_${name}`;
    const inSchema = /^\.(inputSchema|outputSchema|resource)((?:\/[^:]*)?): (.*)$/s;
    const [, schema, pointer = '', reason] = message.startsWith(offered)
      ? (inSchema.exec(message.slice(offered.length)) ?? [])
      : [];
    if (schema !== undefined && reason !== undefined)
      return { path: ['tools', index, schema, ...partsOf(pointer)], reason: `${name}.${schema}${pointer}: ${reason}` };
  }
  const [, twice] = /^(\S+) is declared twice\.$/.exec(message) ?? [];
  if (twice !== undefined) return placeOfTwice(manifest, twice, message);
  if (!message.startsWith(`${manifest.name}: `)) return undefined;
  const reason = message.slice(manifest.name.length + 2);
  const mentions = (name: string): boolean => reason.split(/[\s"]+/).includes(name);
  for (const list of ['resources', 'prompts'] as const) {
    const index = (manifest[list] ?? []).findIndex(({ name, tool }) => mentions(name) || mentions(tool));
    if (index >= 0) return { path: [list, index], reason };
  }
  const tool = manifest.tools.findIndex(({ name }) => mentions(name) || mentions(`${manifest.name}_${name}`));
  return { path: tool < 0 ? [] : ['tools', tool, 'name'], reason };
}

/** The last of them: the first alone would be right. */
function placeOfTwice(
  { name, resources = [], prompts = [] }: ConnectorManifest,
  twice: string,
  reason: string,
): Place | undefined {
  const resource = resources.findLastIndex(({ uri, uriTemplate }) => uri === twice || uriTemplate === twice);
  if (resource >= 0) return { path: ['resources', resource], reason };
  const prompt = prompts.findLastIndex((each) => each.name === twice || `${name}_${each.name}` === twice);
  return prompt < 0 ? undefined : { path: ['prompts', prompt], reason };
}

function partsOf(pointer: string): PropertyKey[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
