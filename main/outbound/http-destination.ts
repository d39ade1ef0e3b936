/** One declared HTTPS destination: where it is, what may be asked of it, who signs in there. */
import { isIPv6 } from 'node:net';
import type { EgressDestination } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { isPlainHost, type AllowRule } from '../contract/http.ts';
import type { HttpsTarget } from './https-dial.ts';
import { awsSigV4 } from './presenters/aws-sigv4.ts';
import { apiKey, bearer } from './presenters/header.ts';
import type { Presenter } from './presenters/presenter.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface HttpDestination {
  readonly target: HttpsTarget;
  /** As the header says it. */
  readonly host: string;
  /** A request must fit into each. */
  readonly rules: readonly (readonly AllowRule[])[];
  /** Undefined: nobody signs in. */
  readonly presenter: Presenter | undefined;
}

/** Undefined: it is no HTTPS destination. Throws `Fault` `malformed` for a host in another spelling than the plain one. */
export function httpDestination(config: EgressDestination, memory: SecretMemory): HttpDestination | undefined {
  const { https, host, port, networks = [], pins = [] } = config;
  if (https === undefined) return undefined;
  if (!isPlainHost(host)) throw new Fault('malformed', `"${host}" is no host in its plain spelling.`);
  const inUrl = isIPv6(host) ? `[${host}]` : host;
  return {
    target: { host, port, networks, pins },
    host: port === 443 ? inUrl : `${inUrl}:${String(port)}`,
    rules: https.rules,
    presenter: presenterFor(config, memory),
  };
}

function presenterFor({ https, credential, region }: EgressDestination, memory: SecretMemory): Presenter | undefined {
  switch (https?.authentication) {
    case 'bearer':
      return bearer;
    case 'api-key':
      return apiKey(https.header);
    case 'aws-sigv4': {
      const signedFor = region ?? (credential?.kind === 'aws-sts' ? credential.region : undefined);
      if (signedFor === undefined || https.service === undefined)
        throw new Fault('malformed', 'A signature for AWS needs a service in the manifest and a region.');
      return awsSigV4({ region: signedFor, service: https.service, memory });
    }
    case 'none':
    case undefined:
      return undefined;
  }
}
