/** An agent, a connector in its sandbox, a real egress process and an HTTPS server that takes the lab's tokens: the whole product. */
import { copyFileSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { issuerScope } from '../lab/contract.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent, type CallResult } from './agents.ts';
import { makeFolder, ownGround, startProduct, type Product } from './harness.ts';
import { startBackend, type HttpsBackend } from './stand/https-backend.ts';

const source = path.join(import.meta.dirname, 'web-connector');
const permitAll = '@id("everything") @approval("none") @exposure("sensitive") permit (principal, action, resource);';

let lab: RunningLab;
let backend: HttpsBackend;
let product: Product;
let agent: Agent;
let folder: string;

beforeAll(async () => {
  [lab, backend] = await Promise.all([startLab(), startBackend()]);
  folder = makeFolder(ownGround);
  product = await startProduct({ folder, args: ['--config', configure(), '--consent', 'allow'] });
  const { url, ended } = product.cliWithUrl('signin', '--print-url');
  expect(await lab.signInDriver(await url, 'alice')).toEqual({ done: true });
  expect((await ended).code).toBe(0);
  agent = await connectAgent(product, 'v2', 'socket');
});
afterAll(async () => {
  await agent.close();
  await product.stop();
  await Promise.all([lab.stop(), backend.stop()]);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  backend.arrived.length = 0;
  backend.answers = { '/v1/orders': (_, res) => res.end('orders') };
});

function configure(): string {
  for (const name of ['web', 'policies']) mkdirSync(path.join(folder, name));
  for (const name of ['manifest.json', 'connector.mjs'])
    copyFileSync(path.join(source, name), path.join(folder, 'web', name));
  writeFileSync(path.join(folder, 'policies/all.cedar'), permitAll);
  writeFileSync(path.join(folder, 'backend.pem'), backend.authority.certificate);
  const { limits: _limits, ...given } = lab.config;
  const api = {
    host: 'localhost',
    port: backend.port,
    networks: ['127.0.0.0/8', '::1/128'],
    credential: { kind: 'access-token', scope: issuerScope },
  };
  const config = {
    ...given,
    connectors: [...given.connectors, { name: 'web', path: 'web', destinations: { api } }],
    egress: { ...given.egress, authorities: [...given.egress.authorities, path.join(folder, 'backend.pem')] },
    policy: { folder: 'policies' },
    allow: { web: { api: [{ methods: ['GET'], path: '/v1/orders' }] } },
  };
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const ask = (args: Readonly<Record<string, unknown>>): Promise<CallResult> => agent.call('web_ask', args);

describe('an agent’s call of an HTTPS API', () => {
  it('arrives with a token of the person, made for this connector, and is a connection in the log', async () => {
    const result = await ask({ path: '/v1/orders' });
    expect(result.isError, JSON.stringify(result.content)).not.toBe(true);
    expect(result.structuredContent).toMatchObject({ status: 200, text: 'orders' });
    const [{ headers }] = backend.arrived as [(typeof backend.arrived)[0]];
    const token = String(headers.authorization).replace('Bearer ', '');
    expect(decodeJwt(token)).toMatchObject({ iss: lab.config.identity.authority, scope: issuerScope });
    const log = readFileSync((await product.status()).auditFile, 'utf8');
    const connections = log.split('\n').filter((line) => line.includes('"connection"'));
    expect(connections.at(-1)).toContain(`"address":"127.0.0.1:${String(backend.port)}"`);
    expect(log).not.toContain(token);
  });

  it.each([
    ['a path beside it', { path: '/v1/admin' }],
    ['a path that climbs', { path: '/v1/orders/..%2fadmin' }],
    ['a method that managed rules take away', { method: 'POST', path: '/v1/orders' }],
    ['a method of no rule', { method: 'DELETE', path: '/v1/orders' }],
    ['a header of its own sign-in', { path: '/v1/orders', headers: [['Authorization', 'Bearer mine']] }],
    ['another host', { path: '/v1/orders', headers: [['Host', 'evil.example']] }],
  ])('for %s reaches nothing and says so', async (_name, args) => {
    expect((await ask(args)).structuredContent).toMatchObject({ code: 'destination_not_allowed' });
    expect(backend.arrived).toEqual([]);
  });

  it('whose answer repeats the token ends without it', async () => {
    backend.answers['/v1/orders'] = (req, res) =>
      res.end(Buffer.from(String(req.headers.authorization)).toString('base64'));
    expect((await ask({ path: '/v1/orders' })).structuredContent).toMatchObject({ code: 'output_not_allowed' });
  });

  it('whose service wants a stronger sign-in waits for the person', async () => {
    const claims = Buffer.from('{"access_token":{"acrs":{"essential":true,"value":"c1"}}}').toString('base64');
    backend.answers['/v1/orders'] = (_, res) =>
      res.writeHead(401, { 'www-authenticate': `Bearer error="insufficient_claims", claims="${claims}"` }).end();
    expect((await ask({ path: '/v1/orders' })).structuredContent).toMatchObject({ code: 'reauthentication_required' });
    expect((await product.status()).waiting).toEqual(['web']);
  });
});
