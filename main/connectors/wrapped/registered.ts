/** A wrapped server as its connector's folder states it: read at a start, and where an author tries it out. */
import type { Fault } from '../../contract/errors.ts';
import type { ConnectorManifest } from '../../contract/manifest.ts';
import { readServerProgram, type ServerProgram } from './server-program.ts';

export interface RegisteredServer {
  readonly manifest: ConnectorManifest;
  /** Says where in the manifest something cannot be so. */
  readonly json: { refuse(where: readonly PropertyKey[], reason: string): Fault };
  /** What it may not be granted to change. */
  readonly ours: readonly string[];
  readonly looksSecret: (text: string) => boolean;
}

/**
 * The hash stands in the manifest, so that who writes or manages that says which program is meant.
 * @throws Fault `malformed`: file, line, and the hash where it is another or none
 */
export function readRegisteredServer(folder: string, of: RegisteredServer): ServerProgram | undefined {
  const { json, ours } = of;
  const { wrap, files } = of.manifest;
  if (wrap === undefined) return undefined;
  const server = readServerProgram(folder, { wrap, ours, ...(files && { files }) }, ({ key, reason }) =>
    json.refuse(key, reason),
  );
  refuseSecrets(server, of);
  if (wrap.sha256 === server.sha256) return server;
  const mend = `"sha256": "${server.sha256}"`;
  if (wrap.sha256 === undefined)
    throw json.refuse(
      ['wrap'],
      `its program has no hash yet: write ${mend} into "wrap" if ${server.real} is the server that you mean`,
    );
  throw json.refuse(['wrap', 'sha256'], `its program has another hash: look at what changed, then write ${mend}`);
}

/** A command line can be read by every program, and an environment by the server: there a credential has no place. */
function refuseSecrets({ args, environment }: ServerProgram, { looksSecret, json }: RegisteredServer): void {
  const name = Object.keys(environment).find((each) => looksSecret(environment[each] ?? ''));
  const reason = 'it looks like a credential: write a placeholder, a wrapped server is never given a real one';
  if (name !== undefined) throw json.refuse(['wrap', 'environment', name], reason);
  const index = args.findIndex((each) => looksSecret(each));
  if (index >= 0) throw json.refuse(['wrap', 'args', index], reason);
}
