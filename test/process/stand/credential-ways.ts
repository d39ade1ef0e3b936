/** Every way to a credential that the lab serves (docs/credentials.md). */
import { credentialSchema } from '../../../main/contract/credentials.ts';
import type { DestinationConfig } from '../../../main/contract/config.ts';
import { apiAudience, apiScope, issuerScope, labRoleArn } from '../../lab/contract.ts';
import { accessTokenOf, labDatabase } from '../../lab/person.ts';
import type { RunningLab } from '../../lab/start-lab.ts';

export const originOf = (lab: RunningLab): string => new URL(labDatabase(lab).issuer.url).origin;

export function destinationsOf(lab: RunningLab): Record<string, DestinationConfig> {
  const { issuer, host, port } = labDatabase(lab);
  const origin = originOf(lab);
  const server = { url: origin, login: { role: 'people' }, scope: issuerScope };
  const ways = {
    token: { kind: 'access-token', scope: issuerScope },
    exchanged: { kind: 'token-exchange', audience: apiAudience, scope: apiScope, subjectScope: issuerScope },
    role: { kind: 'aws-sts', region: 'eu-central-1', url: `${origin}/sts`, roleArn: labRoleArn, scope: issuerScope },
    leased: { kind: 'vault-database', ...server, role: 'reader' },
    kept: { kind: 'vault-secret', ...server, from: { engine: 'kv-v2', path: 'app/db' } },
    fixed: { kind: 'vault-secret', ...server, from: { engine: 'database-static', role: 'app' } },
    issued: { kind: 'postgres-issuer', ...issuer },
  };
  return Object.fromEntries(
    Object.entries(ways).map(([name, way]) => [
      name,
      { host, port, database: 'lab', credential: credentialSchema.parse(way) },
    ]),
  );
}

/** What `kept` and `fixed` read; this process trusts the lab. */
export async function fillVault(lab: RunningLab, password: string): Promise<void> {
  const jwt = await accessTokenOf(lab, 'alice');
  const post = (path: string, body: object, token = ''): Promise<Response> =>
    fetch(`${originOf(lab)}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': token },
      body: JSON.stringify(body),
    });
  const login = await post('auth/jwt/login', { role: 'people', jwt });
  const { auth } = (await login.json()) as { auth: { client_token: string } };
  await post('secret/data/app/db', { data: { username: 'app', password } }, auth.client_token);
  await post('database/rotate-role/app', {}, auth.client_token);
}
