/** The storage connector's own handlers over a real egress worker to the lab's S3, in this process; or to a storage that the test plays. */
import { connector } from '../../../connector-host/connectors/storage/connector.ts';
import { isConnectorRefusal } from '../../../connector-host/sdk/refusal.ts';
import { isRows } from '../../../connector-host/sdk/rows.ts';
import type { Call } from '../../../connector-host/sdk/sdk.ts';
import { createAuthority, type Authority } from '../../lab/authority.ts';
import { labBucket, labRegion } from '../../lab/contract.ts';
import { createObjectStore } from '../../lab/object-store.ts';
import { fillStore } from '../../lab/objects.ts';
import { createS3 } from '../../lab/s3.ts';
import { listen } from '../../lab/server.ts';
import { createSessionTokens, newSessionKey, type LabSession } from '../../lab/session-token.ts';
import type { LabHandler } from '../../lab/sts.ts';
import { destination, startWorker, type WorkerUnderTest } from './https-backend.ts';

export interface Told {
  readonly columns?: readonly { readonly name: string; readonly source?: string | undefined }[];
  readonly rows?: readonly (readonly unknown[])[];
  readonly [member: string]: unknown;
}

export interface StorageStand {
  readonly authority: Authority;
  readonly port: number;
  readonly under: WorkerUnderTest;
  /** What the server does in place of the lab's S3, until it is undefined again. */
  instead: LabHandler | undefined;
  /** Signed in as this person from the next call on. */
  as(username: string, more?: Partial<LabSession>): void;
  /** What the vault gives from now on, for the same subject. */
  renew(username: string, more?: Partial<LabSession>): void;
  put(key: string, text: string | Buffer): void;
  /** A tool's result, rows collected; a refusal as `{ code, say, cut }`, `cut` as egress says. */
  call(tool: string, args: Readonly<Record<string, unknown>>): Promise<Told>;
  stop(): Promise<void>;
}

export async function startStorage(): Promise<StorageStand> {
  const tokens = createSessionTokens(newSessionKey());
  const store = createObjectStore(labBucket);
  const authority = await createAuthority();
  const server = await listen(await authority.issue('localhost'));
  fillStore(store);
  const s3 = createS3({ tokens, store });
  server.serve((req, res) => (stand.instead ?? s3)(req, res));
  const port = Number(new URL(server.url).port);
  const https = { authentication: 'aws-sigv4', service: 's3' } as const;
  const under = startWorker({
    backend: { authority },
    destinations: { objects: destination({ port }, { https, region: labRegion }) },
  });
  await connector.configure?.({ buckets: [labBucket], areas: [{ prefix: 'shared/', name: 'shared' }] });
  let count = 0;
  const stand: StorageStand = {
    authority,
    port,
    under,
    instead: undefined,
    as: (username, more) => {
      // Another subject each time: egress keeps what it has of one.
      count += 1;
      under.subject = `${username} ${count}`;
      stand.renew(username, more);
    },
    renew: (username, more = {}) => {
      const secretKey = 'a secret access key of the lab, 40 chars';
      const own = { accessKeyId: 'ASIA0123456789ABCDEF', secretKey, arn: 'arn', id: 'id', username };
      const session = { ...own, expiresAt: Date.now() + 600_000, ...more };
      under.credential = { role: session.accessKeyId, password: session.secretKey, also: tokens.seal(session) };
    },
    put: (key, text) => {
      store.put(key, { bytes: Buffer.from(text), type: 'binary/octet-stream' });
    },
    call: (tool, args) => run(under, tool, args),
    stop: async () => {
      await under.stop();
      await server.close();
    },
  };
  stand.as('alice');
  return stand;
}

async function run(under: WorkerUnderTest, tool: string, args: Readonly<Record<string, unknown>>): Promise<Told> {
  const ticket = under.ticket({ maxBytes: 1_073_741_824, subject: under.subject });
  const fetch: Call['fetch'] = (name, request) => under.fetch(name, request, ticket);
  const call = { arguments: args, fetch, signal: new AbortController().signal, progress: () => undefined };
  try {
    const told: unknown = await connector.tools[tool]?.(call as unknown as Call);
    if (!isRows(told)) return told as Told;
    const found: (readonly unknown[])[] = [];
    for await (const row of told.rows) found.push(row);
    return { columns: told.columns, rows: found, ...told.rest?.() };
  } catch (error) {
    if (!isConnectorRefusal(error)) throw error;
    const cut = under.records.findLast(({ code }) => code !== undefined)?.code;
    return { code: error.code, say: error.message, ...(cut === undefined ? {} : { cut }) };
  } finally {
    under.records.length = 0;
  }
}
