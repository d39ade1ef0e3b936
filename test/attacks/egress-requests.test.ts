/**
 * What a connector, a resolver, a server and a configuration could do to make egress reach or tell something else. A real TLS
 * server on loopback counts what arrives: nothing may, and no credential anywhere.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isPlainHost, matchesHost, type HttpRequest } from '../../main/contract/http.ts';
import { createAddressCheck } from '../../main/outbound/addresses.ts';
import {
  destination,
  startBackend,
  startWorker,
  type HttpsBackend,
  type WorkerUnderTest,
} from '../process/stand/https-backend.ts';

let backend: HttpsBackend;
/** Another origin that trusts the same authority, and what it was sent. */
let elsewhere: HttpsBackend;
let under: WorkerUnderTest | undefined;

beforeAll(async () => {
  [backend, elsewhere] = await Promise.all([startBackend(['api.example']), startBackend()]);
  backend.answers['/v1/orders'] = (_, res) => res.end('allowed');
});
afterAll(async () => {
  await Promise.all([backend.stop(), elsewhere.stop()]);
});
afterEach(async () => {
  await under?.stop();
  under = undefined;
  for (const each of [backend, elsewhere]) each.arrived.length = 0;
});

const rules = [[{ methods: ['GET' as const, 'POST' as const], path: '/v1/orders' }]];
function probe(more: Partial<Parameters<typeof startWorker>[0]> = {}): WorkerUnderTest {
  under = startWorker({ backend, destinations: { api: destination(backend, { https: { rules } }) }, ...more });
  return under;
}
const request = (more: Partial<HttpRequest>): HttpRequest => ({
  method: 'GET',
  path: '/v1/orders',
  headers: [],
  ...more,
});

async function refused(given: HttpRequest, code = 'destination_not_allowed'): Promise<void> {
  const { open, records } = under ?? probe();
  const stream = open('api', given);
  stream.end();
  expect(await stream.closed).toBe(code);
  expect(records.at(-1)?.code).toBe(code);
  expect(backend.arrived).toEqual([]);
  expect(elsewhere.arrived).toEqual([]);
}

it('has a way through for what is allowed', async () => {
  expect(await (await probe().fetch('api', { path: '/v1/orders' })).text()).toBe('allowed');
  expect(backend.arrived).toHaveLength(1);
});

const paths = [
  '/',
  '/v1',
  '/v1/',
  '/v1/ordersX',
  '/v1/orders.json',
  '/v1/orders;x=1',
  '/V1/orders',
  '/v1/orders/../admin',
  '/v1/orders/..',
  '/v1/orders/.',
  '/v1/orders/./x',
  '/v1/orders/%2e%2e/admin',
  '/v1/orders/%2E%2e/admin',
  '/v1/orders/.%2e/admin',
  '/v1/orders/..;/admin',
  '/v1/orders/..;x=y/admin',
  '/v1/orders/..%3b/admin',
  '/v1/orders/x;/../admin',
  '/v1/orders/%252e%252e/admin',
  '/v1/orders/%25%32%65%25%32%65/admin',
  '/v1/orders/..%2fadmin',
  '/v1/orders/%2f..%2fadmin',
  '/v1/orders%2f..%2fadmin',
  '/v1/orders/..%5cadmin',
  '/v1/orders/..\\admin',
  '/v1/orders/%c0%ae%c0%ae/admin',
  '/v1/orders/%c0%af..',
  '/v1/orders/%ef%bc%8e%ef%bc%8e/admin',
  '/v1/orders/%e2%80%a4%e2%80%a4/admin',
  '/v1/orders/x%ef%bc%8f..',
  '/v1/orders/%00',
  '/v1/orders/x%0d%0aHost:%20evil.example',
  '/v1/orders/x%0a',
  '/v1/orders\r\nHost: evil.example',
  '/v1/orders HTTP/1.1\r\nHost: evil.example\r\n\r\nGET /admin',
  '/v1/orders\n',
  '/v1/orders?q=\r\nx-injected: 1',
  '/v1/orders?q=%00',
  '/v1/orders?q=a b',
  '/v1/orders#/../admin',
  '/v1/orders/é',
  '/v1/orders/%',
  '/v1/orders/%zz',
  '/v1//orders',
  '//v1/orders',
  '//evil.example/v1/orders',
  '/\\evil.example/v1/orders',
  '///evil.example',
  'v1/orders',
  '?/v1/orders',
  '*',
  '@evil.example/v1/orders',
  ':80@evil.example/v1/orders',
  'evil.example:443',
  'https://evil.example/v1/orders',
  'http://169.254.169.254/latest/meta-data/',
  'https://user:password@localhost/v1/orders',
  'https://localhost/v1/orders',
];

describe(`a path (${String(paths.length)} spellings)`, () => {
  it.each(paths)('%j reaches nothing', async (path) => {
    await refused(request({ path }));
  });
});

const headers: [string, string][] = [
  ['Host', 'evil.example'],
  ['host', 'localhost'],
  ['Content-Length', '0'],
  ['Transfer-Encoding', 'chunked'],
  ['transfer-encoding', 'x, chunked'],
  ['Transfer_Encoding', 'chunked'],
  ['Connection', 'close, authorization'],
  ['Upgrade', 'websocket'],
  ['TE', 'trailers'],
  ['Trailer', 'x'],
  ['Expect', '100-continue'],
  ['Authorization', 'Bearer mine'],
  ['Cookie', 'a=b'],
  ['Proxy-Authorization', 'Basic eA=='],
  ['Proxy-Connection', 'keep-alive'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-For', '127.0.0.1'],
  ['Forwarded', 'for=127.0.0.1'],
  ['X-Real-IP', '127.0.0.1'],
  ['X-Original-URL', '/admin'],
  ['X-Rewrite-URL', '/admin'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['Accept-Encoding', 'gzip'],
  ['X-Remote-User', 'root'],
  ['x-a', 'b\r\nauthorization: Bearer mine'],
  ['x-a', 'b\nc: d'],
  ['x-a', 'b\rc'],
  ['x-a', 'b\0'],
  ['x-a', 'bé'],
  ['x-a', ' b'],
  ['x-a\r\nhost', 'evil.example'],
  ['x-a:', 'b'],
  ['x a', 'b'],
  ['', 'b'],
  [':authority', 'evil.example'],
];

describe(`a header (${String(headers.length)} kinds)`, () => {
  it.each(headers)('%j: %j reaches nothing', async (name, value) => {
    await refused(request({ headers: [[name, value]] }));
  });

  it('twice, in two cases, reaches nothing', async () => {
    await refused(
      request({
        headers: [
          ['x-a', '1'],
          ['X-A', '2'],
        ],
      }),
    );
  });
});

describe('a method', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD'] as const)('%s that no rule has reaches nothing', async (method) => {
    await refused(request({ method }));
  });

  it.each(['CONNECT', 'TRACE', 'OPTIONS', 'get', 'GET /admin HTTP/1.1\r\nx:'])('%j is no request at all', (method) => {
    expect(() => probe().open('api', request({ method: method as 'GET' }))).toThrow();
  });
});

it('is not narrowed by any one list alone: each of them must allow it', async () => {
  const lists = [
    ...rules,
    [{ methods: ['GET' as const], path: '/' }],
    [{ methods: ['GET' as const], path: '/v1/orders/7' }],
  ];
  probe({ destinations: { api: destination(backend, { https: { rules: lists } }) } });
  await refused(request({ path: '/v1/orders/8' }));
  await refused(request({ method: 'POST', path: '/v1/orders/7' }));
});

const hosts = [
  '2130706433',
  '017700000001',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '127.1',
  '127.0.1',
  '127.0.0.01',
  '127.0.0.1.',
  'localhost.',
  'LOCALHOST',
  'api.example.',
  'user@api.example',
  'user:secret@api.example',
  'api.example:8443',
  'api.example/x',
  'api.example#x',
  'api.example?x',
  'api.example\\x',
  'api.example%00',
  'api.example\r\nx',
  'api..example',
  '.api.example',
  '-api.example',
  'api_example',
  '①②⑦.0.0.1',
  'ⓛocalhost',
  'аpi.example',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '::FFFF:7f00:1',
  '::ffff:127.0.0.1',
  'fe80::1%eth0',
  '1.2.3.4.5',
  '256.1.1.1',
  'api.0x7f',
  '',
  ' api.example',
];

describe(`a host (${String(hosts.length)} spellings)`, () => {
  it.each(hosts)('%j is none', (host) => {
    expect(isPlainHost(host)).toBe(false);
    expect(() => probe({ destinations: { api: destination(backend, { host }) } })).toThrow(/plain spelling/);
  });

  it('fits a pattern by whole labels alone', () => {
    expect(matchesHost('*.example.com', 'a.b.example.com')).toBe(true);
    for (const host of ['example.com', '.example.com', 'evilexample.com', 'example.com.evil.net', 'a.example.com.'])
      expect(matchesHost('*.example.com', host)).toBe(false);
    expect(matchesHost('api.example.com', 'xapi.example.com')).toBe(false);
  });
});

const addresses = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '::ffff:8.8.8.8',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a9fe:a9fe',
  '100::1',
  '2001::7f00:1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '3fff::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '5f00::1',
];

describe(`an address (${String(addresses.length)} kinds)`, () => {
  it.each(addresses)('%s is not dialled, whatever name has it', async (address) => {
    let listening = 0;
    const asked: string[] = [];
    probe({
      destinations: { api: destination(backend, { host: 'api.example', networks: [], https: { rules } }) },
      deps: {
        resolve: async (host) => {
          asked.push(host);
          return [address];
        },
      },
    });
    const before = backend.connections();
    await refused(request({}));
    listening = backend.connections() - before;
    expect([asked, listening, under?.issued]).toEqual([['api.example'], 0, 1]);
  });

  it('that is public may be dialled; one of a listed network too, in that form alone', () => {
    const open = createAddressCheck([]);
    for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1', '2a00:1450::1'])
      expect(open(address)).toBe(true);
    const listed = createAddressCheck(['10.0.0.0/8', 'fd00::/8']);
    for (const address of ['10.1.2.3', 'fd12::1']) expect(listed(address)).toBe(true);
    for (const address of ['::ffff:10.1.2.3', '127.0.0.1', 'fe80::1', '11.0.0', 'name'])
      expect(listed(address)).toBe(false);
    for (const network of ['10.0.0.0/33', '300.0.0.0/8', 'fd00::/129', 'x/8', '10.0.0.0', '10.0.0.0/', '/8'])
      expect(() => createAddressCheck([network])).toThrow(/no network/);
  });

  it('changes between check and use: what was checked is dialled, and the name is asked once', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    let asked = 0;
    probe({
      destinations: { api: destination(backend, { host: 'api.example', https: { rules } }) },
      deps: { resolve: async () => answers[Math.min(asked++, 1)] ?? [] },
    });
    expect(await (await under!.fetch('api', { path: '/v1/orders' })).text()).toBe('allowed');
    expect(asked).toBe(1);
    expect(under!.records[0]?.address).toBe(`127.0.0.1:${String(backend.port)}`);
  });

  it('among good ones is passed over', async () => {
    probe({
      destinations: { api: destination(backend, { host: 'api.example', https: { rules } }) },
      deps: { resolve: async () => ['10.0.0.1', '169.254.169.254', '127.0.0.1'] },
    });
    expect(await (await under!.fetch('api', { path: '/v1/orders' })).text()).toBe('allowed');
  });
});

describe('a redirect', () => {
  const to = (location: string, status = 302): void => {
    backend.answers['/v1/orders'] = (_, res) => res.writeHead(status, { location }).end();
  };
  afterEach(() => {
    backend.answers = { '/v1/orders': (_, res) => res.end('allowed') };
  });
  const there = (): string => `localhost:${String(elsewhere.port)}`;
  const here = (): string => `localhost:${String(backend.port)}`;

  it.each([
    ['another port', () => `https://${there()}/v1/orders`],
    ['another host', () => 'https://evil.example/v1/orders'],
    ['clear text', () => `http://${here()}/v1/orders`],
    ['another authority without a scheme', () => `//${there()}/v1/orders`],
    ['backslashes', () => `\\\\${there()}\\v1\\orders`],
    ['a slash and a backslash', () => `/\\${there()}/v1/orders`],
    ['a user name that looks like us', () => `https://${here()}@${there()}/v1/orders`],
    ['a host that begins like us', () => `https://${here()}.evil.example/v1/orders`],
    ['metadata', () => 'http://169.254.169.254/latest/meta-data/'],
    ['a path that is not allowed', () => '/admin'],
    ['a relative path that is not allowed', () => '../admin'],
    ['dot segments', () => '/v1/orders/../../admin'],
    ['encoded dot segments', () => '/v1/orders/%2e%2e/admin'],
    ['another scheme', () => 'file:///etc/passwd'],
    ['nothing', () => ''],
    ['data', () => 'data:text/plain,x'],
    ['an upper-case scheme', () => `HTTPS://${there()}/v1/orders`],
  ])('to %s ends the call there', async (_name, location) => {
    to(location());
    probe();
    const stream = under!.open('api', request({}));
    stream.end();
    expect(await stream.closed).toBe('destination_not_allowed');
    expect(backend.arrived).toHaveLength(1);
    expect(elsewhere.arrived).toEqual([]);
  });

  it('within the same origin, to what is allowed, is followed, checked again, with the credential', async () => {
    to('/v1/orders/7?x=1');
    backend.answers['/v1/orders/7'] = (_, res) =>
      res.writeHead(307, { location: `https://${here()}/v1/orders/8` }).end();
    backend.answers['/v1/orders/8'] = (_, res) => res.end('there');
    expect(await (await probe().fetch('api', { path: '/v1/orders' })).text()).toBe('there');
    expect(backend.arrived.map(({ url }) => url)).toEqual(['/v1/orders', '/v1/orders/7?x=1', '/v1/orders/8']);
    expect(new Set(backend.arrived.map(({ headers: { authorization } }) => authorization)).size).toBe(1);
  });

  it('is never followed with a body, and one that turns in circles ends', async () => {
    to('/v1/orders/7', 307);
    const { fetch } = probe();
    await expect(fetch('api', { method: 'POST', path: '/v1/orders', body: 'x' })).rejects.toThrow();
    expect(backend.arrived).toHaveLength(1);
    to('/v1/orders');
    await expect(fetch('api', { path: '/v1/orders' })).rejects.toThrow();
    expect(backend.arrived.length).toBeLessThan(10);
  });
});

describe('a proxy that smuggles', () => {
  it.each([
    ['bytes behind its answer', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['no HTTP', 'ICY 200 OK\r\n\r\n'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`],
    ['a lone line end', 'HTTP/1.1 200 OK\n\n'],
    ['a status that is none', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a refusal', 'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\nbody'],
  ])(
    '%s: no byte of TLS is sent to it, and no password to another proxy',
    async (_name, answer) => {
      const heard: Buffer[] = [];
      const proxy = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (chunk) => {
          heard.push(chunk);
          if (heard.length === 1) socket.end(answer);
        });
      });
      await once(proxy.listen(0, '127.0.0.1'), 'listening');
      const { port } = proxy.address() as AddressInfo;
      probe({ proxy: { url: `http://127.0.0.1:${String(port)}`, exceptFor: [] } });
      const stream = under!.open('api', request({}));
      stream.end();
      expect(await stream.closed).toBe('backend_unreachable');
      proxy.close();
      const text = Buffer.concat(heard).toString('latin1');
      expect(text).toBe(
        `CONNECT localhost:${String(backend.port)} HTTP/1.1\r\nHost: localhost:${String(backend.port)}\r\n\r\n`,
      );
      expect(backend.arrived).toEqual([]);
    },
    20_000,
  );
});
