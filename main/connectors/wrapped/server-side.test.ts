/** The processes of a wrapped server as their pair has them: which ends each gets, and that none is left where one cannot be started. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSocketPair } from '../../channel/socket-pair.ts';
import { Fault } from '../../contract/errors.ts';
import { manifestSchema } from '../../contract/manifest.ts';
import type { RegisteredConnector } from '../registry.ts';
import type { SupervisorDeps } from '../wiring.ts';
import { interceptedDestinations, networkOf } from './intercepted.ts';
import { startServerSide, type ServerSide } from './server-side.ts';

const stateFolder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-side-'));
afterAll(() => rmSync(stateFolder, { recursive: true }));

const rules = { hosts: ['*'], allow: [{ methods: ['GET'], path: '/' }], description: 'x' };
const https = { protocol: 'https', ...rules };
const manifest = manifestSchema.parse({
  ...{ name: 'desk', version: '1.0.0', title: 'Desk', description: 'x', wrap: { command: 'x' } },
  destinations: {
    api: { ...https, authentication: 'bearer', placeholder: 'placeholder' },
    keyed: { ...https, authentication: 'api-key', header: 'x-token' },
    open: { ...https, authentication: 'none' },
  },
});
const server = { command: '/', real: '/', args: [], environment: {}, program: null, files: [], sha256: '' };
const destinations = {
  api: { host: 'api.example.com', port: 443 },
  keyed: { host: 'keyed.example.com', port: 443 },
  open: { host: 'api.example.com', port: 8443 },
};
const registered: RegisteredConnector = { manifest, server, destinations, folder: '/', entry: '/', settings: {} };

const sleeping = (...ends: readonly number[]) =>
  spawn('/usr/bin/sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', ...ends] });
interface Given {
  server?: object;
  interceptor?: object;
  about?: unknown;
}

function depsOf(given: Given, change: Partial<SupervisorDeps> = {}): SupervisorDeps {
  return {
    channels: { createSocketPair },
    stateFolder,
    startServer: (_name: string, _server: object, ends: object) => {
      given.server = ends;
      return { process: sleeping(), degraded: [], hasNetwork: true };
    },
    startInterceptor: (about: unknown, ends: object) => {
      Object.assign(given, { interceptor: ends, about });
      return { process: sleeping(), degraded: [] };
    },
    ...change,
  } as unknown as SupervisorDeps;
}

const sockets = (): number => readdirSync('/proc/self/fd').length;

/** With an end to egress, which stays the caller's. */
async function started(deps: SupervisorDeps, use: (side: ServerSide) => Promise<void>): Promise<void> {
  const pair = createSocketPair();
  const side = startServerSide(deps, registered, pair.a);
  for (const fd of [pair.a, pair.b, ...(side?.ends ?? []), ...(side?.interceptor ? [side.interceptor.end] : [])])
    closeSync(fd);
  if (side === undefined) throw new Fault('internal', 'nothing was started');
  await use(side);
  await side.kill();
}

it('each destination has its header and placeholder, and each port and name is there once', () => {
  const found = interceptedDestinations(registered);
  expect(found).toEqual([
    { name: 'api', ...destinations.api, header: 'authorization', placeholder: 'placeholder' },
    { name: 'keyed', ...destinations.keyed, header: 'x-token' },
    { name: 'open', ...destinations.open, header: null },
  ]);
  expect(networkOf(found)).toEqual({ ports: [443, 8443], hosts: ['api.example.com', 'keyed.example.com'] });
  expect(networkOf([])).toBeUndefined();
});

describe('with destinations', () => {
  it('the server gets the door, the interceptor its other end and the one to egress', async () => {
    const given: Given = {};
    await started(depsOf(given), async ({ interceptor, server: child }) => {
      expect(given.server).toMatchObject({ door: { ports: [443, 8443], end: expect.any(Number) as number } });
      expect(given.interceptor).toHaveProperty('door', expect.any(Number));
      expect(given.about).toEqual(interceptedDestinations(registered));
      expect([child.name, interceptor?.child.name]).toEqual(['server desk', 'interceptor desk']);
    });
  });

  it.each(['server', 'interceptor'] as const)('the end of the %s is told', async (kind) => {
    await started(depsOf({}), async (side) => {
      const child = kind === 'server' ? side.server : side.interceptor?.child;
      child?.process.kill('SIGTERM');
      expect(await side.ended).toEqual({ kind, pid: child?.pid, how: 'SIGTERM' });
    });
  });

  it('where the server has no network the interceptor has no door', async () => {
    const given: Given = {};
    const startServer = () => ({ process: sleeping(), degraded: [], hasNetwork: false });
    await started(depsOf(given, { startServer }), async () => {
      expect(given.interceptor).not.toHaveProperty('door');
    });
  });

  it.each(['startServer', 'startInterceptor'] as const)(
    'a failing %s leaves no end open, and nothing running',
    async (which) => {
      const fails = (): never => {
        throw new Fault('protection_missing', 'no walls');
      };
      const children: ReturnType<typeof sleeping>[] = [];
      const startServer = () => {
        children.push(sleeping());
        return { process: children[0]!, degraded: [], hasNetwork: true };
      };
      const pair = createSocketPair();
      const before = sockets();
      const deps = depsOf({}, { ...(which === 'startInterceptor' && { startServer }), [which]: fails });
      expect(() => startServerSide(deps, registered, pair.a)).toThrow('no walls');
      await Promise.all(children.map((child) => new Promise((resolve) => child.once('close', resolve))));
      expect(sockets()).toBe(before);
      for (const end of [pair.a, pair.b]) closeSync(end);
    },
  );
});
