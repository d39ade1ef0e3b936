/** Starts the lab's parts side by side: each is a process of its own and gets its secrets over a pipe. */
import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createAuthority } from './authority.ts';
import type { ApiHello, IdentityProviderHello, IssuerHello, Person, StorageHello } from './contract.ts';
import { listeningSchema } from './contract.ts';
import type { LabProcess } from './lines.ts';
import { startLabProcess } from './lines.ts';
import type { RecordNeedle } from './needles.ts';
import { pemBody } from './needles.ts';
import type { Postgres } from './postgres.ts';
import { startPostgres } from './postgres.ts';
import { createLogin } from './scram.ts';
import { newSessionKey } from './session-token.ts';

export interface Parts {
  readonly provider: LabProcess<{ url: string }>;
  readonly issuer: LabProcess<{ url: string }>;
  readonly postgres: Postgres;
  /** Absent: it was not asked for. */
  readonly api: LabProcess<{ url: string }> | undefined;
  readonly storage: LabProcess<{ url: string }> | undefined;
}

export interface PartsStart {
  readonly folder: string;
  readonly people: readonly Person[];
  readonly hasApi: boolean;
  readonly hasStorage: boolean;
  /** Where servers append the secrets that they issue. */
  readonly needlesFile: string | undefined;
  readonly recordNeedle: RecordNeedle;
  readonly say: (text: string) => void;
}

/** Where the parts' clients find the lab's authority. */
export const authorityFile = (folder: string): string => path.join(folder, 'ca.pem');

export async function startParts({
  folder,
  people,
  hasApi,
  hasStorage,
  needlesFile,
  recordNeedle,
  say,
}: PartsStart): Promise<Parts> {
  const needles = needlesFile === undefined ? {} : { needles: needlesFile };
  const authority = createAuthority();
  const identityOf = async (name: string) => {
    const identity = await (await authority).issue(`Sallyport lab ${name}`);
    recordNeedle(`${name}-tls-key`, pemBody(identity.key));
    return identity;
  };

  const startProvider = async () => {
    const peopleFile = path.join(folder, 'people.json');
    await writeFile(peopleFile, `${JSON.stringify(people, null, 2)}\n`, { mode: 0o600 });
    const hello = async (): Promise<IdentityProviderHello> => {
      const identity = await identityOf('identity-provider');
      return { identity, people: [...people], peopleFile, ...needles };
    };
    const start = { name: 'identity-provider', hello, ready: listeningSchema };
    const provider = await withLog(folder, start.name, (log) => startLabProcess({ ...start, log }));
    say(`identity provider at ${provider.ready.url}`);
    return provider;
  };

  const sessionKey = newSessionKey();
  recordNeedle('session-token-key', sessionKey);
  const startStorage = async () => {
    const hello = async (): Promise<StorageHello> => ({
      identity: await identityOf('storage'),
      sessionKey,
    });
    const start = { name: 'storage', hello, ready: listeningSchema };
    const storage = await withLog(folder, start.name, (log) => startLabProcess({ ...start, log }));
    say(`S3 at ${storage.ready.url}`);
    return storage;
  };

  const issuerLogin = createLogin();
  const startDatabase = async () => {
    const { password, verifier } = await issuerLogin;
    recordNeedle('issuer-database-password', password);
    const start = { folder, identity: () => identityOf('postgres'), issuerVerifier: verifier };
    const postgres = await withLog(folder, 'postgres', (log) => startPostgres({ ...start, log }));
    say(`PostgreSQL at localhost:${String(postgres.port)}`);
    return postgres;
  };

  const starting = { provider: startProvider(), postgres: startDatabase() };
  const startIssuer = async () => {
    const hello = async (): Promise<IssuerHello> => {
      const [provider, postgres] = await Promise.all([starting.provider, starting.postgres]);
      const database = { port: postgres.port, password: (await issuerLogin).password };
      const [identity, { certificate }] = await Promise.all([identityOf('issuer'), authority]);
      return { identity, authority: certificate, provider: provider.ready.url, database, sessionKey, ...needles };
    };
    const start = { name: 'issuer', hello, ready: listeningSchema };
    const issuer = await withLog(folder, start.name, (log) => startLabProcess({ ...start, log }));
    say(`issuer at ${issuer.ready.url}`);
    return issuer;
  };

  const startApi = async () => {
    const hello = async (): Promise<ApiHello> => {
      const [provider, identity, { certificate }] = await Promise.all([
        starting.provider,
        identityOf('api'),
        authority,
      ]);
      return { identity, authority: certificate, provider: provider.ready.url };
    };
    const start = { name: 'api-server', hello, ready: listeningSchema };
    const api = await withLog(folder, start.name, (log) => startLabProcess({ ...start, log }));
    say(`API at ${api.ready.url}/v1`);
    return api;
  };

  const publish = async () => writeFile(authorityFile(folder), (await authority).certificate);
  const api = hasApi ? startApi() : Promise.resolve(undefined);
  const storage = hasStorage ? startStorage() : Promise.resolve(undefined);
  const all = [starting.provider, starting.postgres, startIssuer(), api, storage, publish()] as const;
  const [provider, postgres, issuer, startedApi, startedStorage] = await Promise.all(all);
  return { provider, postgres, issuer, api: startedApi, storage: startedStorage };
}

/** The log's descriptor is the child's once it runs: ours closes. */
async function withLog<T>(folder: string, name: string, start: (log: number) => Promise<T>): Promise<T> {
  const file = await open(path.join(folder, `${name}.log`), 'a', 0o600);
  try {
    return await start(file.fd);
  } finally {
    await file.close();
  }
}
