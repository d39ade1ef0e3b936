// What a hostile connector would try. Each attempt answers what came of it: a short word, or an error's code.
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { Worker } from 'node:worker_threads';

const codeOf = (/** @type {any} */ error) => error?.code ?? error?.name ?? 'unknown';

const dial = (/** @type {any} */ options) =>
  new Promise((resolve) => {
    const socket = net.connect(options, () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error) => resolve(codeOf(error)));
  });

/** @type {Record<string, (given: any) => unknown>} */
const attempts = {
  tcp: ({ host, port }) => dial({ host, port }),
  socket: ({ path }) => dial({ path }),
  udp: ({ port }) =>
    new Promise((resolve) => {
      const socket = dgram.createSocket('udp4').on('error', (error) => resolve(codeOf(error)));
      socket.send('out', port, '127.0.0.1', (error) => {
        socket.close();
        resolve(error ? codeOf(error) : 'sent');
      });
    }),
  async dns({ port }) {
    const resolver = new dns.Resolver({ timeout: 300, tries: 1 });
    resolver.setServers([`127.0.0.1:${port}`]);
    return new Promise((resolve) => {
      resolver.resolve4('leak.example', (error) => resolve(error ? codeOf(error) : 'resolved'));
    });
  },
  interfaces: () => Object.keys(os.networkInterfaces()),
  read: ({ path }) => fs.readFileSync(path).length > 0 && 'read',
  list: ({ path }) => fs.readdirSync(path),
  write: ({ path }) => fs.writeFileSync(path, 'x') ?? 'written',
  environment: () => Object.keys(process.env),
  program: ({ path }) => {
    const { error } = spawnSync(path, ['-c', 'true']);
    return error ? codeOf(error) : 'ran';
  },
  thread: () =>
    new Promise((resolve) => {
      new Worker('', { eval: true })
        .once('online', () => resolve('ran'))
        .once('error', (error) => resolve(codeOf(error)));
    }),
  signal: ({ pid }) => process.kill(pid, 0) && 'reached',
  code: () => new Function('return "ran"')(),
  native: ({ path }) => process.dlopen({ exports: {} }, path),
  async inspector() {
    const { open, close } = await import('node:inspector');
    open(0);
    close();
    return 'open';
  },
  ids: () => ({ pid: process.pid, parent: process.ppid, user: process.getuid?.() }),
};

/** @param {{ what: string }} given @returns {Promise<unknown>} */
export async function attempt(given) {
  try {
    return await attempts[given.what]?.(given);
  } catch (error) {
    return codeOf(error);
  }
}

// Started by itself: without the host, to see what each wall holds alone. A list of attempts; prints the list of what came of them.
if (process.argv[1] === import.meta.filename) {
  const all = [];
  for (const given of JSON.parse(process.argv[2] ?? '')) all.push(await attempt(given));
  console.log(JSON.stringify(all));
}
