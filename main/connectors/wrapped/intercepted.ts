/** What a wrapped server's destinations are to the program that opens their ports, and to the interceptor behind them. */
import type { DestinationConfig } from '../../contract/config.ts';
import type { Intercepted } from '../../contract/intercept.ts';
import type { ConnectorManifest } from '../../contract/manifest.ts';
import type { DestinationProblem } from '../egress-destinations.ts';
import type { ServerNetwork } from './server-door.ts';

export type InterceptedDestination = Intercepted['destinations'][number];

interface Registered {
  readonly manifest: ConnectorManifest;
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}

/** Empty where it has none. */
export function interceptedDestinations({ manifest, destinations }: Registered): InterceptedDestination[] {
  return Object.entries(destinations).flatMap(([name, { host, port }]) => {
    const declared = manifest.destinations[name];
    if (declared?.protocol !== 'https') return [];
    const { authentication, header = 'x-api-key', placeholder } = declared;
    const carrying = authentication === 'bearer' ? 'authorization' : authentication === 'api-key' ? header : null;
    return [{ name, host, port, header: carrying, ...(placeholder === undefined ? {} : { placeholder }) }];
  });
}

/** Its client finds a destination by its name, and says it in its TLS: of two in one place nobody knows which is meant. */
export function interceptedProblem(
  name: string,
  destinations: Registered['destinations'],
): DestinationProblem | undefined {
  const own = destinations[name];
  if (own === undefined) return undefined;
  if (!/[a-z]/.test(own.host) || own.host.includes(':'))
    return { key: ['host'], reason: 'a wrapped server reaches names alone: write the name of the server, no address' };
  const other = Object.entries(destinations).find(
    ([each, { host, port }]) => each !== name && host === own.host && port === own.port,
  );
  return (
    other && {
      key: ['port'],
      reason: `"${other[0]}" of the same wrapped server is there as well: make one destination of both`,
    }
  );
}

export function networkOf(destinations: readonly InterceptedDestination[]): ServerNetwork | undefined {
  if (destinations.length === 0) return undefined;
  const unique = <T>(all: readonly T[]): T[] => [...new Set(all)];
  return { ports: unique(destinations.map(({ port }) => port)), hosts: unique(destinations.map(({ host }) => host)) };
}
