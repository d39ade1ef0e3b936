import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  destination,
  startBackend,
  startWorker,
  type HttpsBackend,
  type WorkerUnderTest,
} from '../../test/process/stand/https-backend.ts';
import { createRunAuthority, type RunAuthority } from './authority.ts';
import { createInterception, type Interception } from './interception.ts';

const host = 'api.example.test';
const placeholder = 'PLACEHOLDER-OF-API';
let backend: HttpsBackend;
let under: WorkerUnderTest;
let authority: RunAuthority;
let listener: Server;
let port: number;
let interception: Interception;
let opened: number;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  backend = await startBackend([host]);
  authority = await createRunAuthority([host, 'other.example.test']);
});
afterAll(async () => {
  agent.destroy();
  await backend.stop();
});
beforeEach(async () => {
  backend.arrived.length = 0;
  backend.answers = { '/': (_, res, body) => res.end(`hello ${body.length}`) };
  opened = 0;
  under = startWorker({ backend, destinations: { api: destination(backend) } });
  listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  ({ port } = listener.address() as AddressInfo);
  interception = createInterception({
    destinations: [{ name: 'api', host, port, header: 'authorization', placeholder }],
    authority,
    open: ({ ticket, destination: name, ...request }) => {
      opened += 1;
      return under.open(name, request, ticket);
    },
  });
  interception.listen(listener, port);
  interception.take(under.ticket());
});
afterEach(async () => {
  interception.take(null);
  listener.close();
  await under.stop();
});

interface Got {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, unknown>;
}

type Asking = Omit<RequestOptions, 'headers'> & {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | readonly string[];
};

function ask({ body, ...options }: Asking = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        servername: host,
        ca: authority.certificate,
        ...options,
        headers: { host: `${host}:${port}`, ...options.headers },
      },
      (res) => {
        let text = '';
        res.on('data', (part: Buffer) => (text += part.toString('latin1')));
        res.on('error', reject);
        res.on('end', () => resolve({ status: res.statusCode ?? 0, text, headers: res.headers }));
      },
    );
    request.on('error', reject);
    for (const part of typeof body === 'string' ? [body] : (body ?? [])) request.write(part);
    request.end();
  });
}

/** As bytes on a TLS connection; resolves with all that came back when it ended. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = tlsConnect({
      host: '127.0.0.1',
      port,
      ca: authority.certificate,
      servername: host,
    });
    let got = '';
    socket.on('secureConnect', () => socket.write(text));
    socket.on('data', (part: Buffer) => (got += part.toString('latin1')));
    socket.on('error', () => undefined).on('close', () => resolve(got));
  });
}

const head = (more = ''): string => `Host: ${host}:${port}\r\n${more}\r\n`;
const refusedWith = (got: Got): unknown => [got.status, (JSON.parse(got.text) as { code: string }).code];

describe('a request of a wrapped server', () => {
  it('goes out signed in by egress, without its placeholder, and its answer comes back without the credential', async () => {
    backend.answers['/echo'] = (req, res) => res.end(`got ${req.headers.authorization}`);
    for (const value of [placeholder, `Bearer ${placeholder}`, `token ${placeholder}`]) {
      const got = await ask({
        path: '/',
        headers: { authorization: value, 'accept-encoding': 'gzip', te: 'trailers' },
      });
      expect([got.status, got.text]).toEqual([200, 'hello 0']);
    }
    expect((await ask({ path: '/' })).status).toBe(200);
    // Java's client asks for HTTP/2 each time, and takes no for an answer.
    const h2c = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAoAAAAAIAAAAA' };
    expect((await ask({ path: '/', headers: h2c })).status).toBe(200);
    expect(new Set(backend.arrived.map(({ headers }) => headers.authorization))).toEqual(
      new Set([`Bearer ${under.credential.password}`]),
    );
    expect(JSON.stringify(backend.arrived)).not.toContain(placeholder);
    const echoed = await ask({ path: '/echo' }).catch((error: unknown) => ({ text: String(error) }));
    expect(echoed.text).not.toContain(under.credential.password);
  });

  it('with another value there, a cookie or an upgrade is not sent', async () => {
    for (const headers of [
      { authorization: 'Bearer ghp_other' },
      { authorization: `Bearer ${placeholder}x` },
      { authorization: `Bearer x ${placeholder}` },
      { authorization: Buffer.from(placeholder).toString('base64') },
      { cookie: 'a=b' },
      { 'proxy-authorization': placeholder },
      { connection: 'upgrade', upgrade: 'websocket' },
      { connection: 'upgrade', upgrade: 'h2c, websocket' },
      { 'x-forwarded-for': '10.0.0.1' },
    ])
      expect(refusedWith(await ask({ path: '/', headers }))).toEqual([403, 'destination_not_allowed']);
    expect(backend.arrived).toEqual([]);
  });

  it('has the placeholder elsewhere as it is', async () => {
    await ask({ path: `/?key=${placeholder}`, method: 'POST', body: placeholder, headers: { 'x-key': placeholder } });
    expect(backend.arrived[0]).toMatchObject({
      url: `/?key=${placeholder}`,
      body: placeholder,
      headers: { 'x-key': placeholder },
    });
  });

  it('without a call that runs, or after it on a kept connection, goes nowhere', async () => {
    expect((await ask({ path: '/', agent })).status).toBe(200);
    interception.take(null);
    expect(refusedWith(await ask({ path: '/', agent }))).toEqual([503, 'not_permitted']);
    expect(opened).toBe(1);
  });

  it('ends with its call, and is not taken over by the next one', async () => {
    const reached = Promise.withResolvers<undefined>();
    backend.answers['/slow'] = () => reached.resolve(undefined);
    const waiting = ask({ path: '/slow' });
    await reached.promise;
    interception.take(under.ticket());
    expect(refusedWith(await waiting)).toEqual([503, 'connector_failed']);
    expect(opened).toBe(1);
  });

  it('has its body whole, with a length or in chunks; too much is refused', async () => {
    const long = 'x'.repeat(100_000);
    const withLength = { path: '/', method: 'POST', headers: { 'content-length': 100_000 } };
    expect((await ask({ ...withLength, body: long })).text).toBe('hello 100000');
    expect((await ask({ path: '/', method: 'POST', body: [long, long] })).text).toBe('hello 200000');
    const endless = ask({ path: '/', method: 'POST', body: Array.from({ length: 60 }, () => long) });
    expect(await endless.then(refusedWith, () => 'ended')).toSatisfy(
      (got) => got === 'ended' || (got as unknown[])[0] === 413,
    );
    expect(backend.arrived).toHaveLength(2);
    expect(await raw(`POST / HTTP/1.1\r\n${head('Content-Length: 16777217\r\n')}`)).toMatch(/^HTTP\/1.1 413/);
  });

  it('outside the rules, or with a server that is gone, is told as such', async () => {
    await under.stop();
    under = startWorker({
      backend,
      destinations: { api: destination(backend, { https: { rules: [[{ methods: ['GET'], path: '/v1' }]] } }) },
    });
    interception.take(under.ticket());
    expect(refusedWith(await ask({ path: '/v2' }))).toEqual([403, 'destination_not_allowed']);
    expect(refusedWith(await ask({ path: '/v1/../v2' }))).toEqual([403, 'destination_not_allowed']);
    backend.answers['/v1'] = (req) => req.socket.destroy();
    expect(refusedWith(await ask({ path: '/v1' }))).toEqual([502, 'backend_unreachable']);
  });

  it('is spelled as egress takes it', async () => {
    await ask({ path: '/?filter[a]=b|c' });
    expect(backend.arrived[0]?.url).toBe('/?filter%5Ba%5D=b%7Cc');
  });
});

describe('a hostile client', () => {
  it.each([
    ['another name', 'other.example.test'],
    ['a name that nobody declared', 'evil.example'],
    ['no name', ''],
  ])('with %s in its handshake gets none', async (_, name) => {
    const socket = tlsConnect({ host: '127.0.0.1', port, servername: name, rejectUnauthorized: false });
    const ended = Promise.withResolvers<string>();
    socket.on('secureConnect', () => ended.resolve('secured')).on('error', () => ended.resolve('refused'));
    socket.on('close', () => ended.resolve('refused'));
    expect(await ended.promise).toBe('refused');
    socket.destroy();
  });

  it.each([
    ['another Host', () => `GET / HTTP/1.1\r\nHost: other.example.test:${port}\r\n\r\n`],
    ['two Hosts', () => `GET / HTTP/1.1\r\nHost: ${host}:${port}\r\n${head()}`],
    ['no Host', () => 'GET / HTTP/1.1\r\n\r\n'],
    ['a whole address', () => `GET https://${host}:${port}/ HTTP/1.1\r\n${head()}`],
    ['a tunnel', () => `CONNECT ${host}:443 HTTP/1.1\r\n${head()}`],
    ['another method', () => `TRACE / HTTP/1.1\r\n${head()}`],
    [
      'both lengths',
      () => `POST / HTTP/1.1\r\n${head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
    ],
    ['two lengths', () => `POST / HTTP/1.1\r\n${head('Content-Length: 5\r\nContent-Length: 6\r\n')}hello!`],
    [
      'two encodings',
      () => `POST / HTTP/1.1\r\n${head('Transfer-Encoding: gzip, chunked\r\nConnection: close\r\n')}0\r\n\r\n`,
    ],
    ['a length that is none', () => `POST / HTTP/1.1\r\n${head('Content-Length: +5\r\n')}hello`],
    ['a folded header', () => `GET / HTTP/1.1\r\n${head('X-A: b\r\n Authorization: c\r\nConnection: close\r\n')}`],
    ['a bare line feed', () => `GET / HTTP/1.1\nHost: ${host}:${port}\n\n`],
    ['an endless head', () => `GET / HTTP/1.1\r\n${head(`X-A: ${'a'.repeat(70_000)}\r\n`)}`],
    ['no TLS inside', () => 'SSH-2.0-OpenSSH\r\n\r\n'],
  ])('with %s reaches nothing', async (_, text) => {
    const got = await raw(text());
    expect(got).not.toMatch(/^HTTP\/1.1 2/);
    expect(backend.arrived).toEqual([]);
    expect((await ask({ path: '/' })).status).toBe(200);
  });

  it('that pipelines is cut', async () => {
    const one = `GET / HTTP/1.1\r\n${head()}`;
    await raw(one.repeat(1000));
    expect(opened).toBeLessThanOrEqual(1);
    expect((await ask({ path: '/' })).status).toBe(200);
  });

  it('with 500 connections holds a part of them', async () => {
    const counted = { taken: 0, dropped: 0 };
    const all = Promise.withResolvers<undefined>();
    const seen = (kind: keyof typeof counted) => () => {
      counted[kind] += 1;
      if (counted.taken + counted.dropped === 500) all.resolve(undefined);
    };
    listener.on('connection', seen('taken')).on('drop', seen('dropped'));
    const sockets = Array.from({ length: 500 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await all.promise;
    for (const socket of sockets) socket.destroy();
    expect(counted).toEqual({ taken: 128, dropped: 372 });
    const status = () =>
      ask({ path: '/' }).then(
        (got) => got.status,
        () => 0,
      );
    await expect.poll(status).toBe(200);
  });

  it('that never reads holds the backend back, and ends with the call', async () => {
    backend.answers['/large'] = (_, res) => res.end(Buffer.alloc(40_000_000, 'x'));
    const socket = tlsConnect({ host: '127.0.0.1', port, ca: authority.certificate, servername: host });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(`GET /large HTTP/1.1\r\n${head()}`);
    await expect.poll(() => backend.arrived.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    interception.take(null);
    await expect.poll(() => under.records.length).toBe(1);
    expect(under.records[0]?.bytesFromBackend).toBeLessThan(30_000_000);
    socket.destroy();
  });
});

describe('the authority', () => {
  it('is of this run and the declared hosts, for as long as a run can last; its key is nowhere', () => {
    const root = new X509Certificate(authority.certificate);
    expect(root.ca).toBe(true);
    expect(Date.parse(root.validTo) - Date.now()).toBeGreaterThan(360 * 86_400_000);
    expect(authority.contextFor('evil.example')).toBeUndefined();
    expect(JSON.stringify(authority)).not.toContain('PRIVATE');
  });

  it('is trusted by curl', async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
    const folder = mkdtempSync('/tmp/intercept-');
    writeFileSync(`${folder}/ca.pem`, authority.certificate);
    const args = [
      '-sS',
      '--cacert',
      `${folder}/ca.pem`,
      '--resolve',
      `${host}:${port}:127.0.0.1`,
      `https://${host}:${port}/`,
    ];
    const said = await new Promise<string>((resolve) => {
      execFile('curl', args, (error, out, err) =>
        resolve((error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? 'hello 0' : out + err),
      );
    });
    rmSync(folder, { recursive: true });
    expect(said).toBe('hello 0');
  });
});
