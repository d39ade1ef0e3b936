/** A real company proxy: Squid on loopback, with basic authentication and a list of hosts. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { tmpdir } from 'node:os';

export interface Squid {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Lines of its access log: result, method, target, user. */
  log(): string[];
  stop(): Promise<void>;
}

export interface SquidOptions {
  /** Hosts that it lets people reach. */
  readonly hosts: readonly string[];
}

const username = 'alice.proxy';
const password = 'p:ss wörd/%40';

export async function startSquid({ hosts }: SquidOptions): Promise<Squid> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-squid-'));
  const port = await freePort();
  const log = path.join(folder, 'access.log');
  const helper = path.join(folder, 'check-password.mjs');
  // Squid sends user and password percent-encoded, one pair a line.
  writeFileSync(
    helper,
    `import { createInterface } from 'node:readline';
const known = ${JSON.stringify([username, password])};
createInterface({ input: process.stdin }).on('line', (line) => {
  const [user, pass] = line.split(' ').map(decodeURIComponent);
  console.log(user === known[0] && pass === known[1] ? 'OK' : 'ERR');
});`,
  );
  const file = path.join(folder, 'squid.conf');
  writeFileSync(file, configuration({ port, log, helper, hosts, folder }));
  // A service name of its own: Squid's shared memory has names that another user's Squid may hold.
  const service = `sp${randomBytes(8).toString('hex')}`;
  const child = spawn('squid', ['-N', '-n', service, '-f', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`Squid did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `http://127.0.0.1:${String(port)}`,
    username,
    password,
    log: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    stop: async () => {
      // Asked first, so that it takes its shared memory with it.
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Places {
  readonly port: number;
  readonly log: string;
  readonly helper: string;
  readonly hosts: readonly string[];
  readonly folder: string;
}

function configuration({ port, log, helper, hosts, folder }: Places): string {
  return `http_port 127.0.0.1:${String(port)}
auth_param basic program ${process.execPath} ${helper}
auth_param basic children 1
auth_param basic utf8 on
acl people proxy_auth REQUIRED
acl known dstdomain ${hosts.join(' ')}
acl tunnel method CONNECT
http_access deny !tunnel
http_access deny !people
http_access allow known
http_access deny all
logformat short %Ss/%>Hs %rm %ru %un
access_log stdio:${log} short
buffered_logs off
cache_log ${folder}/cache.log
cache deny all
cache_mem 1 MB
pid_filename none
coredump_dir ${folder}
shutdown_lifetime 0 seconds
visible_hostname proxy.lab
${process.getuid?.() === 0 ? 'cache_effective_user root\ncache_effective_group root' : ''}
`;
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (does: boolean) => () => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', end(true)).once('error', end(false));
  });
}
