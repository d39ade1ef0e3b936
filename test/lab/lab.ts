/**
 * Entry of the lab: identity provider, issuer, PostgreSQL, an API and S3 (`--without-api`, `--without-storage`) on loopback, in one temporary folder. Prints one JSON
 * line when all are ready, then answers commands (one JSON object a line on stdin); ends with all of them when its
 * stdin ends. A killed lab takes them along: its children see their pipe close, PostgreSQL gets a signal.
 */
import { rm } from 'node:fs/promises';
import type { ConnectorConfig, SallyportConfig } from '../../main/contract/config.ts';
import { configSchema } from '../../main/contract/config.ts';
import { Fault } from '../../main/contract/errors.ts';
import { createCast } from './cast.ts';
import type { Answer } from './contract.ts';
import { answerSchema, apiAudience, apiScope, clientId, commandSchema, eventsPath, issuerScope } from './contract.ts';
import { createLabFolder, removeStaleFolders } from './folder.ts';
import { parseLine, readLines, writeLine } from './lines.ts';
import { createNeedles } from './needles.ts';
import { notesConnector } from './notes.ts';
import type { Parts } from './parts.ts';
import { authorityFile, startParts } from './parts.ts';
import { sharedLabels, storageConnector } from './storage-config.ts';
import { ticketsFolder } from './tickets-folder.ts';

const needlesFile = process.env['SALLYPORT_LAB_NEEDLES'];
/** Its tools wait for the person in each run, so it is there only where it is wanted. */
const hasNotes = process.env['SALLYPORT_LAB_NOTES'] === '1' && process.platform === 'linux';
const say = (text: string) => process.stderr.write(`lab: ${text}\n`);

const labQuota = { callsPerMinute: 60_000, burst: 10_000, rowsPerHour: 100_000_000, bytesPerHour: 100_000_000_000 };
/** What IT would say of its tables; every other column has the tool's own classification, sensitive. */
const columnLabels = {
  'shop.orders.order_id': 'internal',
  'shop.orders.region': 'internal',
  'shop.orders.category': 'internal',
  'shop.orders.ordered_on': 'internal',
  'shop.people.email': { classification: 'sensitive', redaction: 'generalize' },
  'shop.people.birth_date': { classification: 'sensitive', redaction: 'generalize' },
  'shop.people.card_last4': { classification: 'sensitive', redaction: 'drop' },
  'published.movies.title': 'public',
} as const;

function configOf(parts: Parts, folder: string, beside: readonly ConnectorConfig[]): SallyportConfig {
  const { provider, issuer, postgres, api, storage } = parts;
  const database = {
    host: 'localhost',
    port: postgres.port,
    database: 'lab',
    issuer: { url: issuer.ready.url, scope: issuerScope },
  };
  return configSchema.parse({
    identity: {
      kind: 'oidc',
      authority: provider.ready.url,
      clientId,
      scopes: ['openid', 'profile', 'email', 'offline_access', issuerScope],
      events: { url: `${provider.ready.url}${eventsPath}` },
    },
    connectors: [
      { name: 'postgres', destinations: { database } },
      ...(api === undefined ? [] : [ticketsAt(api.ready.url)]),
      ...(storage === undefined ? [] : [storageConnector({ issuer: issuer.ready.url, storage: storage.ready.url })]),
      ...beside,
    ],
    classification: { postgres: columnLabels, ...(storage === undefined ? {} : { storage: sharedLabels }) },
    policy: { posture: 'lab' },
    egress: { authorities: [authorityFile(folder)] },
    // Tests make in seconds what a person's agents make in a day.
    limits: { person: labQuota, tool: labQuota },
  });
}

/** The connector that the build makes of the API's document, with a token of the API's own audience and no right to change anything. */
function ticketsAt(url: string): object {
  const { hostname: host, port } = new URL(url);
  const credential = { kind: 'token-exchange', audience: apiAudience, scope: apiScope, subjectScope: issuerScope };
  const api = { host, port: Number(port), networks: ['127.0.0.0/8', '::1/128'], credential };
  return { name: 'tickets', path: ticketsFolder(), destinations: { api } };
}

async function obey({ provider, issuer }: Parts, line: string): Promise<Answer> {
  const command = commandSchema.safeParse(parseLine(line));
  if (!command.success) return { refused: 'not a lab command' };
  const part = 'credentialSeconds' in command.data || 'challenge' in command.data ? issuer : provider;
  return answerSchema.parse(await part.ask(command.data));
}

function announceEnds(parts: Parts): void {
  for (const [name, part] of Object.entries({ ...parts })) void part?.ended.then(() => say(`${name} ended`));
}

async function run(folder: string): Promise<Parts> {
  const people = createCast();
  const recordNeedle = createNeedles(needlesFile);
  const has = (part: string): boolean => !process.argv.includes(`--without-${part}`);
  const wanted = { hasApi: has('api'), hasStorage: has('storage') };
  const parts = await startParts({ folder, people, ...wanted, needlesFile, recordNeedle, say });
  const beside = hasNotes ? [await notesConnector(folder)] : [];
  writeLine(process.stdout, {
    config: configOf(parts, folder, beside),
    folder,
    people: people.map(({ name, roles, disabled }) => ({ name, roles, disabled })),
    pids: {
      lab: process.pid,
      identityProvider: parts.provider.pid,
      issuer: parts.issuer.pid,
      postgres: parts.postgres.pid,
      ...(parts.api === undefined ? {} : { api: parts.api.pid }),
      ...(parts.storage === undefined ? {} : { storage: parts.storage.pid }),
    },
  });
  announceEnds(parts);
  return parts;
}

async function main(): Promise<never> {
  if (process.getuid?.() === 0) {
    throw new Fault('protection_missing', 'PostgreSQL refuses to run as root: start the lab as an ordinary user.');
  }
  await removeStaleFolders();
  const folder = await createLabFolder();
  let parts: Parts | undefined;
  // What still starts when the lab ends goes with this process: see lines.ts and bound-exec.ts.
  const end = async (code: number): Promise<never> => {
    const { provider, issuer, postgres, api, storage } = parts ?? {};
    await Promise.all([provider?.stop(), issuer?.stop(), postgres?.stop(), api?.stop(), storage?.stop()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end(0));
  const lines = readLines(process.stdin);
  try {
    parts = await run(folder);
    for await (const line of lines) writeLine(process.stdout, await obey(parts, line));
    return await end(0);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return end(1);
  }
}

await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
