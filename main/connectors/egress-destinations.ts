/**
 * Destinations: what the configuration says of each against what the manifest declares, before anything starts, and what
 * egress gets to know. Guarantees: an HTTPS host is in its plain spelling and one that the manifest names; a credential is of a
 * kind that the destination's sign-in takes; what the configuration allows only narrows what the manifest does.
 */
import { wayOf, type DestinationConfig, type EgressDestination, type SallyportConfig } from '../contract/config.ts';
import { loginKinds, type CredentialWay } from '../contract/credentials.ts';
import { isPlainHost, matchesHost, type HttpAuthentication } from '../contract/http.ts';
import type { ConnectorManifest, DestinationManifest } from '../contract/manifest.ts';

export interface DestinationProblem {
  readonly key: readonly string[];
  readonly reason: string;
}

type Https = Extract<DestinationManifest, { protocol: 'https' }>;

const kindsFor: Readonly<Record<HttpAuthentication, readonly CredentialWay['kind'][]>> = {
  none: [],
  bearer: ['access-token', 'token-exchange', 'vault-secret'],
  'api-key': ['vault-secret', 'access-token', 'token-exchange'],
  'aws-sigv4': ['aws-sts', 'vault-secret'],
};

export function destinationProblem(
  destination: DestinationConfig,
  declared: DestinationManifest,
): DestinationProblem | undefined {
  return declared.protocol === 'https' ? httpsProblem(destination, declared) : loginProblem(destination);
}

/** Only a login is of use there. */
function loginProblem(destination: DestinationConfig): DestinationProblem | undefined {
  const way = wayOf(destination);
  if (way === undefined)
    return { key: ['credential'], reason: '"credential" is missing: say where its login comes from' };
  if (!loginKinds.includes(way.kind)) return wrongKind('a PostgreSQL destination needs a login', loginKinds);
  const httpsOnly = (['allow', 'networks', 'pins', 'region'] as const).find((key) => destination[key] !== undefined);
  if (httpsOnly !== undefined) return { key: [httpsOnly], reason: `"${httpsOnly}" is for HTTPS destinations alone` };
  return destination.database === undefined ? { key: ['database'], reason: '"database" is missing' } : undefined;
}

const wrongKind = (what: string, kinds: readonly string[]): DestinationProblem => ({
  key: ['credential', 'kind'],
  reason: `${what}: ${kinds.map((kind) => `"${kind}"`).join(', ')}`,
});

function httpsProblem(destination: DestinationConfig, declared: Https): DestinationProblem | undefined {
  const { host, database, issuer, credential, region } = destination;
  if (!isPlainHost(host))
    return {
      key: ['host'],
      reason: `"${host}" is no host: write a name in lower case or an address, without a last dot`,
    };
  if (!declared.hosts.some((pattern) => matchesHost(pattern, host)))
    return { key: ['host'], reason: `"${host}" is none of the hosts of its manifest: ${declared.hosts.join(', ')}` };
  if (database !== undefined) return { key: ['database'], reason: '"database" is for PostgreSQL alone' };
  if (issuer !== undefined) return { key: ['issuer'], reason: '"issuer" is for PostgreSQL alone' };
  const { authentication, service } = declared;
  const kinds = kindsFor[authentication];
  if (credential === undefined)
    return kinds.length === 0
      ? undefined
      : { key: ['credential'], reason: `"credential" is missing: "${authentication}" needs one` };
  if (kinds.length === 0) return { key: ['credential'], reason: 'nobody signs in there: leave "credential" out' };
  if (!kinds.includes(credential.kind))
    return wrongKind(`"${authentication}" needs a credential of these kinds`, kinds);
  if (authentication !== 'aws-sigv4') return undefined;
  if (service === undefined) return { key: [], reason: 'its manifest names no "service" for the signature' };
  return region === undefined && credential.kind !== 'aws-sts'
    ? { key: ['region'], reason: '"region" is missing: a signature names one' }
    : undefined;
}

interface Registered {
  readonly manifest: ConnectorManifest;
  readonly destinations: Readonly<Record<string, DestinationConfig>>;
}

export function egressDestinations(
  { manifest, destinations }: Registered,
  config: Pick<SallyportConfig, 'allow'>,
): Record<string, EgressDestination> {
  return Object.fromEntries(
    Object.entries(destinations).map(([name, destination]): [string, EgressDestination] => {
      const declared = manifest.destinations[name];
      if (declared?.protocol !== 'https') return [name, destination];
      const { authentication, allow, header, service } = declared;
      const narrower = [config.allow[manifest.name]?.[name], destination.allow].filter((rules) => rules !== undefined);
      return [name, { ...destination, https: { authentication, rules: [allow, ...narrower], header, service } }];
    }),
  );
}
