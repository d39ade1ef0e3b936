/**
 * What a connector, a resolver, a server and a configuration could do to make egress reach or tell something else. A real TLS
 * server on loopback counts what arrives: nothing may, and no credential anywhere.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isPlainHost, matchesHost, type HttpRequest } from '../../main/contract/http.ts';
import { createAddressCheck } from '../../main/outbound/addresses.ts';
import { addresses, headers, hosts, paths } from './cases/egress-requests.ts';
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

describe(`a path (${String(paths.length)} spellings)`, () => {
  it.each(paths)('%j reaches nothing', async (path) => {
    await refused(request({ path }));
  });
});

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
