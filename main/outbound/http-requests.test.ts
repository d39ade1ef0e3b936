import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorRefusal, isConnectorRefusal } from '../../connector-host/sdk/refusal.ts';
import {
  destination,
  startBackend,
  startWorker,
  type HttpsBackend,
  type WorkerUnderTest,
} from '../../test/process/stand/https-backend.ts';

let backend: HttpsBackend;
let under: WorkerUnderTest;

beforeAll(async () => {
  backend = await startBackend(['api.example']);
});
afterAll(async () => {
  await backend.stop();
});
beforeEach(() => {
  backend.arrived.length = 0;
  backend.answers = {};
  under = startWorker({
    backend,
    destinations: {
      api: destination(backend),
      open: destination(backend, { https: { authentication: 'none' } }),
      key: destination(backend, { https: { authentication: 'api-key', header: 'x-key' } }),
    },
  });
});
afterEach(async () => {
  await under.stop();
});

const codeAfter = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error: unknown = await work.then(
    () => undefined,
    (failed: unknown) => failed,
  );
  expect(isConnectorRefusal(error)).toBe(true);
  return under.records.at(-1)?.code;
};

describe('a request', () => {
  it('goes out as it was allowed, signed in, and its answer comes back', async () => {
    backend.answers['/v1/orders'] = (_, res, body) => {
      res.writeHead(201, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-trace': '7' });
      res.end(JSON.stringify({ got: body }));
    };
    const answer = await under.fetch('api', {
      method: 'POST',
      path: '/v1/orders',
      query: { q: 'a b&c', none: undefined },
      headers: { 'X-Client': 'probe' },
      body: { item: 'ä' },
    });
    expect([answer.status, answer.ok, answer.headers['x-trace']]).toEqual([201, true, '7']);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(await answer.json()).toEqual({ got: '{"item":"ä"}' });
    expect(backend.arrived).toHaveLength(1);
    const [{ headers, url }] = backend.arrived as [(typeof backend.arrived)[0]];
    expect(url).toBe('/v1/orders?q=a%20b%26c');
    expect(headers).toMatchObject({
      authorization: `Bearer ${under.credential.password}`,
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      host: `localhost:${String(backend.port)}`,
      'x-client': 'probe',
    });
    expect(under.records).toHaveLength(1);
    expect(under.records[0]).toMatchObject({ destination: 'api', address: `127.0.0.1:${String(backend.port)}` });
    expect(under.records[0]).not.toHaveProperty('code');
    expect(under.records[0]!.bytesToBackend).toBeGreaterThan(200);
    expect(under.records[0]!.bytesFromBackend).toBeGreaterThan(20);
  });

  it('of a destination without a sign-in carries no credential', async () => {
    backend.answers['/'] = (_, res) => res.end('hello');
    const answer = await under.fetch('open', { path: '/' });
    expect(await answer.text()).toBe('hello');
    expect(backend.arrived[0]?.headers).not.toHaveProperty('authorization');
    expect(under.issued).toBe(0);
  });

  it('without a body says so, where one could be', async () => {
    backend.answers['/'] = (_, res) => res.end();
    const stream = under.open('open', { method: 'POST', path: '/', headers: [] });
    stream.end();
    for await (const _ of stream);
    expect(backend.arrived[0]?.headers).toMatchObject({ 'content-length': '0' });
    expect(backend.arrived[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('has its key in the header that the manifest names', async () => {
    backend.answers['/'] = (_, res) => res.end();
    await (await under.fetch('key', { path: '/' })).text();
    expect(backend.arrived[0]?.headers['x-key']).toBe(under.credential.password);
    expect(backend.arrived[0]?.headers).not.toHaveProperty('authorization');
  });

  it('uses one connection again, also after a body, and each time with the credential of now', async () => {
    backend.answers['/'] = (_, res, body) => res.end(body);
    const before = backend.connections();
    for (let n = 0; n < 5; n += 1) {
      const answer = await under.fetch('api', {
        method: 'POST',
        path: '/',
        body: `${String(n)}${'x'.repeat(100_000)}`,
      });
      expect((await answer.text()).length).toBe(100_001);
    }
    expect(backend.connections() - before).toBe(1);
    expect(new Set(backend.arrived.map(({ headers }) => headers.authorization)).size).toBe(1);
    expect(under.issued).toBe(1);
  });

  it('leaves nothing behind on a connection that many use one after the other', async () => {
    backend.answers['/'] = (_, res) => res.end('x');
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const before = backend.connections();
    for (let n = 0; n < 40; n += 1) {
      const ticket = under.ticket();
      expect(await (await under.fetch('api', { path: '/' }, ticket)).text()).toBe('x');
      under.worker.closeTicket(ticket);
    }
    process.off('warning', warned);
    expect(backend.connections() - before).toBe(1);
    expect(warnings).toEqual([]);
  });

  it('is made again on a new connection when the server had closed the kept one', async () => {
    backend.answers['/'] = (req, res) => {
      res.end('x', () => {
        setTimeout(() => req.socket.destroy(), 10);
      });
    };
    await (await under.fetch('api', { path: '/' })).text();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await (await under.fetch('api', { path: '/' })).text()).toBe('x');
  });

  it('that acts is not made twice when the connection breaks', async () => {
    backend.answers['/'] = (_, res) => res.end();
    backend.answers['/act'] = (req) => req.socket.destroy();
    await (await under.fetch('api', { path: '/' })).text();
    expect(await codeAfter(under.fetch('api', { method: 'POST', path: '/act', body: 'x' }))).toBe(
      'backend_unreachable',
    );
    expect(backend.arrived.filter(({ url }) => url === '/act')).toHaveLength(1);
  });

  it.each([
    [3, undefined],
    [3, 'four'],
    [9, 'four'],
  ])('whose body is not the %s bytes that it announced (%s) is broken off', async (bodyBytes, body) => {
    const stream = under.open('api', { method: 'POST', path: '/', headers: [], bodyBytes });
    if (body !== undefined) await stream.write(Buffer.from(body)).catch(() => undefined);
    stream.end();
    expect(await stream.closed).toBe('connector_failed');
    expect(under.records.at(-1)?.code).toBe('connector_failed');
    expect(backend.arrived).toEqual([]);
  });
});

describe('an answer', () => {
  it('is cut at the budget of the call, and counted', async () => {
    backend.answers['/'] = (_, res) => res.end(Buffer.alloc(3_000_000, 'x'));
    const ticket = under.ticket({ maxBytes: 100_000 });
    const read = async (): Promise<unknown> => (await under.fetch('open', { path: '/' }, ticket)).text();
    expect(await codeAfter(read())).toBe('output_not_allowed');
    expect(under.records[0]!.bytesFromBackend).toBeLessThanOrEqual(100_000);
  });

  it('that is late ends with the call', async () => {
    backend.answers['/'] = () => undefined;
    expect(await codeAfter(under.fetch('api', { path: '/' }, under.ticket({ deadlineMs: 300 })))).toBe(
      'connector_timeout',
    );
  });

  it('is read only as fast as the connector reads', async () => {
    backend.answers['/'] = (_, res) => res.end(Buffer.alloc(30_000_000, 'x'));
    const ticket = under.ticket();
    await under.fetch('open', { path: '/' }, ticket);
    await new Promise((resolve) => setTimeout(resolve, 300));
    under.worker.closeTicket(ticket);
    expect(under.records[0]!.bytesFromBackend).toBeLessThan(2_000_000);
  });

  it('with a head over 32 KiB, or that is no HTTP, is refused', async () => {
    backend.answers['/large'] = (_, res) => res.writeHead(200, { 'x-large': 'x'.repeat(40_000) }).end();
    backend.answers['/junk'] = (req) => req.socket.end('SSH-2.0-OpenSSH\r\n\r\n');
    backend.answers['/both'] = (req) =>
      req.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n');
    for (const path of ['/large', '/junk', '/both'])
      expect(await codeAfter(under.fetch('api', { path }))).toBe('backend_refused');
  });

  it('that breaks off in the middle is not taken for whole', async () => {
    backend.answers['/'] = (req, res) => {
      res.writeHead(200, { 'content-length': '100' });
      res.write('half', () => req.socket.destroy());
    };
    const read = async (): Promise<unknown> => (await under.fetch('api', { path: '/' })).text();
    expect(await codeAfter(read())).toBe('backend_unreachable');
  });

  it('keeps to itself what is of the connection, of cookies and of the sign-in', async () => {
    backend.answers['/'] = (_, res) => {
      res.writeHead(401, {
        connection: 'x-hop',
        'x-hop': '1',
        'set-cookie': ['a=b', 'c=d'],
        authorization: 'Bearer something',
        'www-authenticate': 'Bearer realm="inner.example", error="invalid_token"',
        'proxy-authenticate': 'Basic realm="x"',
        location: 'https://inner.example/',
        'alt-svc': 'h3=":443"',
        'x-kept': 'yes',
      });
      res.end();
    };
    const { headers } = await under.fetch('api', { path: '/' });
    expect(headers).toMatchObject({ 'x-kept': 'yes', 'www-authenticate': 'Bearer' });
    for (const name of [
      'x-hop',
      'set-cookie',
      'authorization',
      'proxy-authenticate',
      'location',
      'alt-svc',
      'connection',
    ])
      expect(headers).not.toHaveProperty(name);
  });

  it('that is compressed is refused where a credential was sent', async () => {
    backend.answers['/'] = (_, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    expect(await codeAfter(under.fetch('api', { path: '/' }))).toBe('output_not_allowed');
    expect((await under.fetch('open', { path: '/' })).headers['content-encoding']).toBe('gzip');
    backend.answers['/'] = (req) =>
      req.socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n');
    expect(await codeAfter(under.fetch('api', { path: '/' }))).toBe('output_not_allowed');
  });

  it('with a claims challenge goes to the vault, and ends the call as it says', async () => {
    const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });
    backend.answers['/'] = (_, res) => {
      const encoded = Buffer.from(claims).toString('base64');
      res.writeHead(401, { 'www-authenticate': `Bearer error="insufficient_claims", claims="${encoded}"` }).end();
    };
    expect(await codeAfter(under.fetch('api', { path: '/' }))).toBe('reauthentication_required');
    expect(under.challenges).toEqual([{ claims }]);
  });
});

describe('an echo of the credential', () => {
  const encodings: Record<string, (token: string) => string> = {
    raw: (token) => token,
    hex: (token) => Buffer.from(token).toString('hex'),
    base64: (token) => Buffer.from(`Bearer ${token}`).toString('base64'),
    'percent-encoded': (token) => [...Buffer.from(token)].map((value) => `%${value.toString(16)}`).join(''),
    'in JSON': (token) => JSON.stringify({ authorization: `Bearer ${token}` }),
  };
  const token = (): string => under.credential.password;

  it.each(Object.entries(encodings))(
    '%s reaches the connector neither in the body nor in a header',
    async (_name, encode) => {
      const before = 'x'.repeat(20_000);
      backend.answers['/body'] = (_, res) => {
        const echoed = encode(token());
        res.write(before + echoed.slice(0, 9));
        setTimeout(() => res.end(echoed.slice(9)), 20);
      };
      backend.answers['/head'] = (_, res) => res.writeHead(200, { 'x-echo': encode(token()) }).end();
      let got = '';
      const read = async (): Promise<void> => {
        for await (const chunk of (await under.fetch('api', { path: '/body' })).body)
          got += Buffer.from(chunk).toString();
      };
      expect(await codeAfter(read())).toBe('output_not_allowed');
      expect(got.replaceAll('x', '').length).toBeLessThan(24);
      expect(await codeAfter(under.fetch('api', { path: '/head' }))).toBe('output_not_allowed');
    },
  );

  it('of a session token, too', async () => {
    await under.stop();
    under = startWorker({
      backend,
      destinations: {
        api: destination(backend, {
          region: 'eu-central-1',
          https: { authentication: 'aws-sigv4', service: 'execute-api' },
        }),
      },
    });
    under.credential = {
      role: 'AKIAXXXXXXXXXXXXXXXX',
      password: 'k'.repeat(40),
      also: randomBytes(600).toString('base64'),
    };
    backend.answers['/'] = (req, res) => {
      expect(req.headers['x-amz-security-token']).toBe(under.credential.also);
      res.end(Buffer.from(String(req.headers['x-amz-security-token'])).toString('base64url'));
    };
    const read = async (): Promise<unknown> => (await under.fetch('api', { path: '/' })).text();
    expect(await codeAfter(read())).toBe('output_not_allowed');
  });

  it('leaves all else as it was', async () => {
    const body = randomBytes(500_000).toString('base64');
    backend.answers['/'] = (_, res) => res.end(body);
    expect(await (await under.fetch('api', { path: '/' })).text()).toBe(body);
  });
});

describe('a server that speaks anything', () => {
  it('ends each call with a code, and the worker lives', async () => {
    const part = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        'HTTP/1.1 099 x\r\n',
        'HTTP/1.1 999 x\r\n',
        'content-length: 5\r\n',
        '\r\n',
      ),
      fc.constantFrom(
        'transfer-encoding: chunked\r\n',
        'content-length: -1\r\n',
        'HTTP/1.1 100 x\r\n\r\n',
        '5\r\nhello\r\n',
      ),
      fc.constantFrom(
        'HTTP/1.1 101 x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
        '0\r\n\r\n',
        'x: y\r\n z\r\n',
        '\0',
      ),
      fc.string({ maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        backend.answers['/'] = (req) => req.socket.end(parts.join(''), 'latin1');
        await under
          .fetch('open', { path: '/' })
          .then((answer) => answer.text())
          .catch((error: unknown) => {
            expect(isConnectorRefusal(error)).toBe(true);
          });
        expect([undefined, 'backend_refused', 'backend_unreachable']).toContain(under.records.at(-1)?.code);
      }),
      { numRuns: 150 },
    );
    backend.answers['/'] = (_, res) => res.end('fine');
    expect(await (await under.fetch('open', { path: '/' })).text()).toBe('fine');
  }, 30_000);
});

describe('a certificate', () => {
  const pin = (pem: string): string =>
    createHash('sha256')
      .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64');
  async function recordWith(options: { pins?: string[]; authorities?: string[]; host?: string }) {
    await under.stop();
    const { authorities, ...more } = options;
    under = startWorker({
      backend,
      destinations: { api: destination(backend, more) },
      ...(authorities === undefined ? {} : { authorities }),
      deps: { resolve: async () => ['127.0.0.1'] },
    });
    backend.answers['/'] = (_, res) => res.end();
    await under.fetch('api', { path: '/' }).catch(() => undefined);
    return under.records[0];
  }

  it('that is not trusted is refused, and the record names who issued it', async () => {
    const record = await recordWith({ authorities: [] });
    expect(record?.code).toBe('backend_certificate');
    expect(record?.detail).toContain('issued by "CN=Sallyport lab authority"');
    expect(record?.detail).toContain('egress.authorities');
    expect(backend.arrived).toEqual([]);
  });

  it('for another name is refused', async () => {
    expect((await recordWith({ host: 'other.example' }))?.code).toBe('backend_certificate');
    expect((await recordWith({ host: 'api.example' }))?.code).toBeUndefined();
    expect(backend.arrived).toHaveLength(1);
  });

  it('with another key than the pinned ones is refused', async () => {
    const other = await backend.authority.issue('localhost');
    expect((await recordWith({ pins: [pin(other.certificate), pin(backend.authority.certificate)] }))?.code).toBe(
      'backend_certificate',
    );
    expect(backend.arrived).toEqual([]);
    expect((await recordWith({ pins: [pin(backend.certificate)] }))?.code).toBeUndefined();
  });
});

describe('access', () => {
  it('of another person than the ticket’s is none', async () => {
    under.subject = 'bob';
    expect(await codeAfter(under.fetch('api', { path: '/' }))).toBe('access_ended');
    expect(backend.arrived).toEqual([]);
  });

  it('that ended cuts what runs, and its connections', async () => {
    backend.answers['/'] = () => undefined;
    const waiting = under.fetch('api', { path: '/' });
    waiting.catch(() => undefined);
    while (backend.arrived.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await under.worker.revoke();
    await expect(waiting).rejects.toThrow(ConnectorRefusal);
    expect(under.records[0]?.code).toBe('access_ended');
  });
});
