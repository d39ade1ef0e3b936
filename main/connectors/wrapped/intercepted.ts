/** What a wrapped server's destinations are to the program that opens their ports, and to the interceptor behind them. */
import type { DestinationConfig } from '../../contract/config.ts';
import type { Intercepted } from '../../contract/intercept.ts';
import type { ConnectorManifest } from '../../contract/manifest.ts';
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

export function networkOf(destinations: readonly InterceptedDestination[]): ServerNetwork | undefined {
  if (destinations.length === 0) return undefined;
  const unique = <T>(all: readonly T[]): T[] => [...new Set(all)];
  return { ports: unique(destinations.map(({ port }) => port)), hosts: unique(destinations.map(({ host }) => host)) };
}
