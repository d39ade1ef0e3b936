// What a wrapped server with a network would try in its namespaces. Prints what came of each as one JSON object.
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import process from 'node:process';

const given = JSON.parse(process.argv[2] ?? '');
const codeOf = (/** @type {any} */ error) => error?.code ?? error?.name ?? 'unknown';

/** What it says first, or why nothing. @param {string} host @param {number} port */
const dial = (host, port) =>
  new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(String(bytes));
    });
    socket.on('error', (error) => resolve(codeOf(error)));
    socket.on('end', () => resolve('ended'));
  });
/** @param {number} port @param {{ host?: string, reusePort?: boolean }} [more] */
const listen = (port, more = {}) =>
  new Promise((resolve) => {
    const server = net.createServer().on('error', (error) => resolve(codeOf(error)));
    server.listen({ port, host: '127.0.0.1', ...more }, () => server.close(() => resolve('listened')));
  });
const datagram = () =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4').on('error', (error) => resolve(codeOf(error)));
    socket.send('x', given.udp, '127.0.0.1', (error) => {
      socket.close();
      resolve(error ? codeOf(error) : 'sent');
    });
  });
/** @param {() => unknown} work */
const tried = (work) => {
  try {
    return work();
  } catch (error) {
    return codeOf(error);
  }
};
const field = (/** @type {string} */ name) =>
  new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];

console.log(
  JSON.stringify({
    capabilities: ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].map(field),
    gains: [field('NoNewPrivs'), field('Seccomp')],
    interfaces: fs
      .readFileSync('/proc/self/net/dev', 'utf8')
      .trimEnd()
      .split('\n')
      .slice(2)
      .map((line) => line.trim().split(':')[0]),
    declared: await Promise.all(given.ports.map((/** @type {number} */ port) => dial(given.host, port))),
    byAddress: await dial('127.0.0.1', given.ports[0]),
    otherNames: await Promise.all(
      ['example.org', `www.${given.host}`, 'metadata.google.internal'].map((name) => dns.lookup(name).catch(codeOf)),
    ),
    otherPlaces: [
      await dial('127.0.0.1', given.tcp),
      await dial('::1', given.tcp),
      await dial('169.254.169.254', 80),
      await dial('192.0.2.1', 443),
    ],
    datagram: await datagram(),
    takenOver: [
      await listen(given.ports[0]),
      await listen(given.ports[1]),
      await listen(given.ports[1], { reusePort: true }),
      await listen(444),
    ],
    // Its own affair: nobody else comes here.
    ownPort: await listen(0),
    interceptor: [
      tried(() => process.kill(given.interceptor, 0)),
      tried(() => fs.readFileSync(`/proc/${given.interceptor}/cmdline`, 'utf8')),
    ],
    processes: fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    environment: process.env,
    authority: fs.readFileSync(process.env['SSL_CERT_FILE'] ?? '', 'utf8'),
    places: ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'].map(
      (file) => fs.readFileSync(file, 'utf8') === fs.readFileSync('/sallyport/authority.pem', 'utf8'),
    ),
    changed: ['/sallyport/door.mjs', '/sallyport/node', '/etc/hosts2', '/new'].map((file) =>
      tried(() => fs.writeFileSync(file, 'x') ?? 'written'),
    ),
    ipc: typeof process.send,
  }),
);
