/**
 * What a server says of its tools, read once and hashed. Guarantees: two lists have the same hash only where every part that can
 * reach a model is the same; what is not pinned is dropped here and so never served. Trusts SHA-256. The order of tools and of
 * members does not count.
 */
import { createHash } from 'node:crypto';
import {
  toolDefinitionSchema,
  type DefinitionPin,
  type ToolDefinition,
  type WrappedServer,
} from '../../contract/definitions.ts';
import { Fault } from '../../contract/errors.ts';
import { canonicalJson } from './canonical-json.ts';

/** Beyond these a list is not looked at. What is smaller and still too much is a finding, which the person sees. */
const hardLimits = { tools: 1300, depth: 64, characters: 512 * 1024 };

/** Throws a `Fault` (`malformed`) for what is no list of tools. */
export function readTools(tools: readonly unknown[]): readonly ToolDefinition[] {
  if (tools.length > hardLimits.tools) throw refused(`more than ${hardLimits.tools} tools`);
  if (tools.some((tool) => isDeeper(tool, hardLimits.depth))) throw refused(`more than ${hardLimits.depth} levels`);
  const read = tools.map((tool) => {
    const parsed = toolDefinitionSchema.safeParse(tool);
    if (!parsed.success) throw refused('what is no tool');
    return parsed.data;
  });
  if (canonicalJson(read).length > hardLimits.characters)
    throw refused(`more than ${hardLimits.characters} characters`);
  return frozen(structuredClone(read));
}

export function pinOf(server: WrappedServer, tools: readonly ToolDefinition[]): DefinitionPin {
  const sorted = tools.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const { commandHash, args } = server;
  return frozen({
    server: { ...server, args: [...args] },
    hash: `sha256:${hashOf({ version: 1, commandHash, args, tools: sorted })}`,
    tools: sorted.map((definition) => ({
      definition,
      hashes: Object.fromEntries(Object.entries(definition).map(([part, value]) => [part, hashOf(value)])),
    })),
  });
}

/** Nobody changed it since it was made. */
export function isWhole(pin: DefinitionPin): boolean {
  const { hash } = pinOf(
    pin.server,
    pin.tools.map(({ definition }) => definition),
  );
  return hash === pin.hash;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex');
}

function refused(what: string): Fault {
  return new Fault('malformed', `The wrapped server’s list of tools has ${what}: its definitions are not used.`);
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) frozen(child);
  return Object.freeze(value);
}
