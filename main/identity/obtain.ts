/** The exchange for each way in which a credential comes about; loaded only where it is needed. */
import type { IdentityConfig } from '../contract/config.ts';
import type { CredentialWay } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import type { Obtained, Wanted } from './credential-answer.ts';
import type { DialOrigins } from './discovery.ts';

export interface ObtainRequest extends Wanted<CredentialWay['kind']> {
  readonly identity: IdentityConfig;
}

/** Throws `Fault`: those of the exchange. */
export async function obtain({ way, ...rest }: ObtainRequest, dial: DialOrigins): Promise<Obtained> {
  switch (way.kind) {
    case 'token-exchange':
      return (await import('./token-exchange.ts')).exchangeToken({ ...rest, way }, dial);
    case 'aws-sts':
      return (await import('./assume-role.ts')).assumeRole({ ...rest, way }, dial);
    case 'vault-database':
      return (await import('./vault-database.ts')).vaultDatabase({ ...rest, way }, dial);
    case 'vault-secret':
      return (await import('./vault-secret.ts')).readVaultSecret({ ...rest, way }, dial);
    case 'access-token':
    case 'postgres-issuer':
      throw new Fault('internal', 'This kind of credential has a task of its own.');
  }
}
