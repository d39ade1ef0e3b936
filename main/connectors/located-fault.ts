/** The gateway compiles schemas and knows their tools, not their files: its refusal gets file and line here. */
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import { readLocatedJson } from './located-json.ts';
import type { Registry } from './registry.ts';
import { offeredName } from './tool-name.ts';

/** As `tool-registry` begins them: `postgres_query.inputSchema: …`, or with a place in the schema. */
const aboutSchema = /^([A-Za-z0-9_-]+)\.(inputSchema|outputSchema)\b/;

/** The same fault where it is about nothing in a manifest. */
export function locateFault(error: unknown, { connectors }: Pick<Registry, 'connectors'>): unknown {
  if (!(error instanceof Fault)) return error;
  const [, tool, schema] = aboutSchema.exec(error.message) ?? [];
  if (tool === undefined || schema === undefined) return error;
  for (const { manifest, folder } of connectors) {
    const index = manifest.tools.findIndex(({ name }) => offeredName(manifest, name) === tool);
    if (index === -1) continue;
    const file = readLocatedJson(path.join(folder, 'manifest.json'));
    return file.refuse(['tools', index, schema, ...placeIn(error.message)], error.message);
  }
  return error;
}

/** `/properties/text` after the schema's name, as far as it goes; the line of the nearest place that exists is named. */
function placeIn(message: string): (string | number)[] {
  const [, place = ''] = /Schema#?((?:\/[^/\s:]+)+)/.exec(message) ?? [];
  return place
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
