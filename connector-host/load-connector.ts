/** Reads a connector's folder: the manifest, and the code that must have a handler for each of its tools. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Fault } from '../main/contract/errors.ts';
import { manifestSchema } from '../main/contract/manifest.ts';
import type { AnswerDeps } from './answer-call.ts';
import type { Connector } from './sdk/sdk.ts';

export interface LoadedConnector {
  readonly configure: NonNullable<Connector['configure']>;
  readonly tools: AnswerDeps['tools'];
}

/** @throws Fault `connector_failed` saying what is wrong with the folder. Runs the connector's module. */
export async function loadConnector(entry: string): Promise<LoadedConnector> {
  const manifest = manifestSchema.safeParse(
    JSON.parse(readFileSync(path.join(path.dirname(entry), 'manifest.json'), 'utf8')),
  );
  if (!manifest.success) throw new Fault('connector_failed', 'manifest.json does not fit its schema');
  const module = (await import(pathToFileURL(entry).href)) as { readonly connector?: Connector };
  const { connector } = module;
  if (connector === undefined) throw new Fault('connector_failed', `${path.basename(entry)} exports no "connector"`);
  const tools = new Map(
    manifest.data.tools.map(({ name, limits }) => {
      const run = Object.hasOwn(connector.tools, name) ? connector.tools[name] : undefined;
      if (typeof run !== 'function') throw new Fault('connector_failed', `the tool "${name}" has no handler`);
      return [name, { run, maxResultBytes: limits.maxResultBytes }] as const;
    }),
  );
  return { configure: connector.configure ?? (() => undefined), tools };
}
