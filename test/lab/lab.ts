/**
 * Entry of the lab: identity provider, issuer and PostgreSQL on loopback, in one temporary folder. Prints one JSON
 * line when all are ready, then answers commands (one JSON object a line on stdin); ends with all of them when its
 * stdin ends. A killed lab takes them along: its children see their pipe close, PostgreSQL gets a signal.
 */
import { open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { configSchema, type SallyportConfig } from '../../main/contract/config.ts';
import { Fault } from '../../main/contract/errors.ts';
import { createAuthority, type ServerIdentity } from './authority.ts';
import { createCast } from './cast.ts';
import {
  answerSchema,
  clientId,
  commandSchema,
  issuerScope,
  listeningSchema,
  type IdentityProviderHello,
  type IssuerHello,
  type Person,
} from './contract.ts';
import { createLabFolder, removeStaleFolders } from './folder.ts';
import { readLines, startLabProcess, writeLine, type LabProcess } from './lines.ts';
import { createNeedles, pemBody } from './needles.ts';
import { startPostgres, type Postgres } from './postgres.ts';
import { createLogin } from './scram.ts';

const sourceFolder = path.resolve(import.meta.dirname, '../../test/lab');
const needles = process.env['SALLYPORT_LAB_NEEDLES'];
const recordNeedle = createNeedles(needles);
const say = (text: string) => process.stderr.write(`lab: ${text}\n`);

type LabServer = LabProcess<{ url: string }>;

interface Lab {
  readonly provider: LabServer;
  readonly issuer: LabServer;
  readonly postgres: Postgres;
}

function config(lab: Lab, authorityFile: string): SallyportConfig {
  const database = {
    host: 'localhost',
    port: lab.postgres.port,
    database: 'lab',
    issuer: { url: lab.issuer.ready.url, scope: issuerScope },
  };
  return configSchema.parse({
    identity: {
      kind: 'oidc',
      authority: lab.provider.ready.url,
      clientId,
      scopes: ['openid', 'profile', 'email', 'offline_access', issuerScope],
    },
    connectors: [{ name: 'postgres', destinations: { database } }],
    policy: { folder: path.join(sourceFolder, 'policies') },
    egress: { authorities: [authorityFile] },
  });
}

async function startAll(
  folder: string,
  people: readonly Person[],
  started: (part: Stoppable) => void,
): Promise<[Lab, string]> {
  const authority = await createAuthority();
  const authorityFile = path.join(folder, 'ca.pem');
  await writeFile(authorityFile, authority.certificate);
  const identityOf = async (name: string): Promise<ServerIdentity> => {
    const identity = await authority.issue(`Sallyport lab ${name}`);
    recordNeedle(`${name}-tls-key`, pemBody(identity.key));
    return identity;
  };
  const logs: FileHandle[] = [];
  const log = async (name: string) => {
    const file = await open(path.join(folder, `${name}.log`), 'a', 0o600);
    logs.push(file);
    return file.fd;
  };

  const startProvider = async (): Promise<LabServer> => {
    const peopleFile = path.join(folder, 'people.json');
    await writeFile(peopleFile, `${JSON.stringify(people, null, 2)}\n`, { mode: 0o600 });
    const hello: IdentityProviderHello = {
      identity: await identityOf('identity-provider'),
      people: [...people],
      peopleFile,
      ...(needles === undefined ? {} : { needles }),
    };
    const provider = await startLabProcess({
      name: 'identity-provider',
      hello,
      ready: listeningSchema,
      log: await log('identity-provider'),
    });
    started(provider);
    say(`identity provider at ${provider.ready.url}`);
    return provider;
  };
  const administrator = await createLogin();
  recordNeedle('issuer-database-password', administrator.password);
  const startDatabase = async (): Promise<Postgres> => {
    const postgres = await startPostgres({
      folder,
      identity: await identityOf('postgres'),
      issuerVerifier: administrator.verifier,
      log: await log('postgres'),
    });
    started(postgres);
    say(`PostgreSQL at localhost:${String(postgres.port)}`);
    return postgres;
  };

  const [provider, postgres] = await Promise.all([startProvider(), startDatabase()]);
  const hello: IssuerHello = {
    identity: await identityOf('issuer'),
    authority: authority.certificate,
    provider: provider.ready.url,
    database: { port: postgres.port, password: administrator.password },
    ...(needles === undefined ? {} : { needles }),
  };
  const issuer = await startLabProcess({ name: 'issuer', hello, ready: listeningSchema, log: await log('issuer') });
  started(issuer);
  say(`issuer at ${issuer.ready.url}`);
  await Promise.all(logs.map((file) => file.close()));
  return [{ provider, issuer, postgres }, authorityFile];
}

interface Stoppable {
  stop(): Promise<void>;
}

async function answerCommands({ provider, issuer }: Lab): Promise<void> {
  for await (const line of readLines(process.stdin)) {
    let read: unknown;
    try {
      read = JSON.parse(line);
    } catch {
      read = undefined;
    }
    const command = commandSchema.safeParse(read);
    const asked = command.success
      ? ('credentialSeconds' in command.data ? issuer : provider).ask(command.data)
      : undefined;
    writeLine(process.stdout, asked === undefined ? { refused: 'not a lab command' } : answerSchema.parse(await asked));
  }
}

function announceEnds(lab: Lab): void {
  for (const [name, part] of Object.entries<{ ended: Promise<void> }>({ ...lab })) {
    void part.ended.then(() => say(`${name} ended`));
  }
}

async function main(): Promise<void> {
  if (process.getuid?.() === 0)
    throw new Fault('protection_missing', 'PostgreSQL refuses to run as root: start the lab as an ordinary user.');
  await removeStaleFolders();
  const folder = await createLabFolder();
  const parts: Stoppable[] = [];
  const end = async (code: number): Promise<never> => {
    await Promise.all(parts.map((part) => part.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end(0));
  try {
    const people = createCast();
    const [lab, authorityFile] = await startAll(folder, people, (part) => parts.push(part));
    writeLine(process.stdout, {
      config: config(lab, authorityFile),
      folder,
      people: people.map(({ name, roles, disabled }) => ({ name, roles, disabled })),
      pids: {
        lab: process.pid,
        identityProvider: lab.provider.pid,
        issuer: lab.issuer.pid,
        postgres: lab.postgres.pid,
      },
    });
    announceEnds(lab);
    await answerCommands(lab);
    await end(0);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    await end(1);
  }
}

await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
