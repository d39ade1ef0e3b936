import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpsDialler } from './https-request.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
let server: Server;
let origin: string;
let certificate: string;
let elsewhere: string;
const asked: unknown[] = [];

const answers: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  '/echo': (req, res) => {
    req.setEncoding('utf8');
    void (async () => {
      let body = '';
      for await (const part of req as AsyncIterable<string>) body += part;
      res.end(JSON.stringify({ method: req.method, body, accept: req.headers.accept }));
    })();
  },
  '/redirect': (_, res) => res.writeHead(302, { location: '/echo' }).end(),
  '/large': (_, res) => res.end(Buffer.alloc(1_048_577)),
  '/silent': () => undefined,
};

beforeAll(async () => {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }])],
  });
  certificate = made.toString('pem');
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  server = createServer({ cert: certificate, key: x509.PemConverter.encode(key, 'PRIVATE KEY') }, (req, res) => {
    asked.push(req.url);
    answers[req.url ?? '']?.(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  origin = `https://localhost:${String(port)}`;
  elsewhere = `https://127.0.0.1:${String(port)}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const get = (path: string, { authorities = [certificate], origins = [origin], timeoutMs = 5000 } = {}) =>
  createHttpsDialler({ authorities, timeoutMs })(origins)({
    method: 'GET',
    url: path.startsWith('/') ? origin + path : path,
  });

describe('HTTPS request', () => {
  it('sends what it is given to an allowed origin', async () => {
    const send = createHttpsDialler({ authorities: [certificate] })([origin]);
    const answer = await send({
      method: 'POST',
      url: `${origin}/echo`,
      headers: { accept: 'application/json' },
      body: 'grüße',
    });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ method: 'POST', body: 'grüße', accept: 'application/json' });
  });

  it('follows no redirect', async () => {
    expect(await get('/redirect')).toMatchObject({ status: 302, headers: { location: '/echo' } });
  });

  it.each([
    ['an origin that is not listed', () => get('https://localhost:1/'), 'destination_not_allowed'],
    [
      'plain HTTP',
      () => get(origin.replace('https', 'http'), { origins: [origin.replace('https', 'http')] }),
      'destination_not_allowed',
    ],
    ['what is no address', () => get('nowhere'), 'destination_not_allowed'],
    ['an unknown authority', () => get('/echo', { authorities: [] }), 'backend_certificate'],
    ['a certificate for another name', () => get(`${elsewhere}/echo`, { origins: [elsewhere] }), 'backend_certificate'],
    [
      'a port where nobody listens',
      () => get('https://localhost:1/', { origins: ['https://localhost:1'] }),
      'backend_unreachable',
    ],
    ['no answer in time', () => get('/silent', { timeoutMs: 100 }), 'backend_unreachable'],
    ['an answer over 1 MiB', () => get('/large'), 'backend_refused'],
  ])('refuses %s', async (_, work, code) => {
    await expect(work()).rejects.toMatchObject({ code });
  });

  it('names who issued a certificate that is not trusted, without asking for anything', async () => {
    const { length } = asked;
    await expect(get('/echo', { authorities: [] })).rejects.toThrow(
      /was issued by "CN=localhost", .*egress\.authorities/,
    );
    expect(asked).toHaveLength(length);
  });
});
