/** Starts the interceptor beside a wrapped server with a network: behind a connector's walls, without a file. */
import type { Interception, SandboxParts } from '../sandbox-options.ts';
import { chooseLevel, sandboxCommand, startSandboxed, type ChosenLevel, type Sandboxed } from '../sandbox.ts';
import type { InterceptedDestination } from './intercepted.ts';

export interface InterceptorEnds {
  /** Which tells it which call runs. */
  readonly connector: number;
  readonly egress: number;
  /** To the program that opens the server's ports; absent: there are none. */
  readonly door?: number;
}

/** What it answers throws a Fault `protection_missing`, with the mend, where the walls cannot be made. */
export function createInterceptorStarter({ atLeast, ...parts }: SandboxParts) {
  let chosen: ChosenLevel | undefined;
  return (destinations: readonly InterceptedDestination[], { connector, egress, door }: InterceptorEnds): Sandboxed => {
    const takesSockets = door !== undefined;
    const entry: Interception = {
      order: JSON.stringify({ destinations: takesSockets ? destinations : [] }),
      takesSockets,
    };
    const { level } = (chosen ??= chooseLevel({ ...parts, entry }, atLeast));
    const ends = [connector, egress, ...(takesSockets ? [door] : [])];
    const command = sandboxCommand({ ...parts, entry, level, ends: ends.length });
    // What is weaker is said with the connector, which has the same walls.
    return { process: startSandboxed(command, ['ignore', 'ignore', 'ignore', ...ends]), degraded: [] };
  };
}
