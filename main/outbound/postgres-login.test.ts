/** Servers that break the protocol; a real PostgreSQL is in test/process/egress.test.ts. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Authority, type ServerIdentity } from '../../test/lab/authority.ts';
import { createGuardedMemory } from '../secrets/guarded-memory.ts';
import { createPostgresDialler } from './postgres-dial.ts';
import { straight } from './proxy-routes.ts';
import { createWays } from './ways.ts';
import { createLogIn } from './postgres-login.ts';
import { cString, encode, int32 } from './postgres-messages.ts';

const memory = createGuardedMemory();
let authority: Authority;
let identity: ServerIdentity;
let server: Server | undefined;
const open = new Set<Socket>();
/** Bytes in clear behind the SSLRequest. */
let heardInClear = 0;

beforeAll(async () => {
  authority = await createAuthority();
  identity = await authority.issue('scripted server');
});
afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
  server?.close();
});

/** After SSLRequest is answered with these bytes: `script` speaks inside TLS, where it began. */
async function logInTo(answer: string, script?: (tls: TLSSocket) => void): Promise<unknown> {
  const port = await new Promise<number>((resolve) => {
    server = createServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(Buffer.from(answer, 'latin1'));
        if (script === undefined) {
          socket.on('data', (bytes) => (heardInClear += bytes.length));
          return;
        }
        const secureContext = createSecureContext({ cert: identity.certificate, key: identity.key });
        const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] });
        tls.on('error', () => undefined);
        tls.once('data', () => {
          script(tls);
        });
      });
    }).listen(0, '127.0.0.1', () => {
      const address = server?.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  const ways = createWays({ routes: straight, login: undefined, memory });
  const logIn = createLogIn({ dial: createPostgresDialler({ authorities: [authority.certificate], ways }) });
  return logIn({
    target: { host: 'localhost', port, database: 'shop' },
    role: 'alice',
    password: memory.seal(Buffer.from('a password that nobody may learn')),
    signal: AbortSignal.timeout(2_000),
  });
}

const authentication = (code: number, ...parts: Buffer[]): Buffer => encode('R', int32(code), ...parts);
const offer = (...mechanisms: string[]): Buffer => authentication(10, ...mechanisms.map(cString), Buffer.alloc(1));
const errorOf = (state: string): Buffer =>
  encode('E', Buffer.from(`SFATAL\0C${state}\0Msecret text of the backend\0\0`));
const refused = { code: 'backend_refused' };
const unreachable = { code: 'backend_unreachable' };

describe('a server is refused', () => {
  it.each(['N', 'E', 'S and more', '\0'])(
    'that answers SSLRequest with %j, and hears nothing in clear',
    async (answer) => {
      heardInClear = 0;
      await expect(logInTo(answer)).rejects.toMatchObject(refused);
      for (const socket of open) socket.end();
      for (const socket of open) if (!socket.closed) await once(socket, 'close');
      expect(heardInClear).toBe(0);
    },
  );

  it.each([
    ['asks for no password', authentication(0)],
    ['asks for the password in clear', authentication(3)],
    ['asks for MD5', authentication(5, Buffer.from('salt'))],
    ['asks for GSSAPI', authentication(7)],
    ['offers only other mechanisms', offer('SCRAM-SHA-1', 'OAUTHBEARER')],
    ['offers nothing', offer()],
    ['sends another message first', encode('Z', Buffer.from('I'))],
    ['sends a message of a gigabyte', Buffer.concat([Buffer.from('R'), int32(2 ** 30), Buffer.alloc(1000)])],
    ['sends a length under four', Buffer.concat([Buffer.from('R'), int32(2)])],
    ['sends an authentication without a code', encode('R', Buffer.from('x'))],
    ['sends notices for ever', Buffer.concat(Array.from({ length: 1000 }, () => encode('N', Buffer.from('\0'))))],
    ['says that the role may not', errorOf('28P01')],
    ['says that the database is unknown', errorOf('3D000')],
    ['sends an error without an end', encode('E', Buffer.from('C28P01'))],
  ])('that %s', async (_what, bytes) => {
    await expect(logInTo('S', (tls) => tls.write(bytes))).rejects.toMatchObject(refused);
  });

  it.each([
    ['hangs up', (tls: TLSSocket) => tls.end()],
    ['hangs up inside a message', (tls: TLSSocket) => tls.end(offer('SCRAM-SHA-256').subarray(0, 9))],
    ['is full', (tls: TLSSocket) => tls.write(errorOf('53300'))],
    ['is starting', (tls: TLSSocket) => tls.write(errorOf('57P03'))],
  ])('as unreachable when it %s', async (_what, script) => {
    await expect(logInTo('S', script)).rejects.toMatchObject(unreachable);
  });

  it.each([
    ['accepts us without proving itself', (): Buffer => authentication(0)],
    [
      'proves itself wrongly',
      (): Buffer =>
        Buffer.concat([authentication(12, Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`)), authentication(0)]),
    ],
    ['asks a second time', (nonce: string): Buffer => authentication(11, challenge(nonce))],
  ])('that %s', async (_what, final) => {
    const login = logInTo('S', (tls) => {
      tls.write(offer('SCRAM-SHA-256'));
      tls.once('data', (first: Buffer) => {
        const nonce = /r=(.*)$/.exec(first.toString('latin1'))![1]!;
        tls.write(authentication(11, challenge(nonce)));
        tls.once('data', () => tls.write(final(nonce)));
      });
    });
    await expect(login).rejects.toMatchObject(refused);
  });

  it('and none of its text is in the fault', async () => {
    const fault = await logInTo('S', (tls) => tls.write(errorOf('28000'))).catch((error: unknown) => error as Error);
    expect((fault as Error).message).not.toContain('secret text');
    expect(fault).not.toHaveProperty('cause');
  });

  it('that stops before TLS, when the call is cut', async () => {
    await expect(logInTo('S')).rejects.toMatchObject(unreachable);
  }, 8_000);

  it('that says nothing, when the call is cut', async () => {
    await expect(logInTo('S', () => undefined)).rejects.toMatchObject(unreachable);
  }, 8_000);
});

const challenge = (nonce: string): Buffer =>
  Buffer.from(`r=${nonce}server,s=${Buffer.alloc(16, 1).toString('base64')},i=4096`);
