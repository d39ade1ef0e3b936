/** The supervisor on real processes, real socketpairs and real hand-overs; only what the processes do is a stand-in. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { handOver } from '../../main/channel/hand-over.ts';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import type { Registry } from '../../main/connectors/registry.ts';
import { createShell } from '../../main/connectors/shell.ts';
import { createSupervisor, type Supervisor } from '../../main/connectors/supervisor.ts';
import type { SupervisorDeps, SupervisorEvent } from '../../main/connectors/wiring.ts';
import { configSchema } from '../../main/contract/config.ts';
import { Fault } from '../../main/contract/errors.ts';
import { manifestSchema } from '../../main/contract/manifest.ts';
import { createRateGate } from '../../main/rate-gate.ts';
import { eventually, isAlive } from './harness.ts';

const standIns = fileURLToPath(new URL('stand-ins/', import.meta.url));
/** Bundled: each test starts four or more, and from its sources each is compiled anew. */
const bundled = mkdtempSync(path.join(os.tmpdir(), 'sallyport-stand-ins-'));
const trusted = (kind: string): string[] => [process.execPath, path.join(bundled, 'trusted.mjs'), kind];
beforeAll(async () => {
  const requires = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;
  await build({
    entryPoints: [path.join(standIns, 'trusted.ts')],
    outfile: trusted('')[1]!,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi', 'sodium-native'],
    banner: { js: requires },
  });
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), path.join(bundled, 'node_modules'));
});
afterAll(() => {
  rmSync(bundled, { recursive: true });
});

function registryOf(names: readonly string[]): Registry {
  return {
    config: configSchema.parse({
      identity: { kind: 'oidc', authority: 'https://localhost:1', clientId: 'x', scopes: ['openid'] },
    }),
    connectors: names.map((name) => ({
      manifest: manifestOf(name),
      folder: '/',
      entry: '/',
      settings: {},
      destinations: {},
    })),
    policies: [],
    authorities: [],
    proxyScript: undefined,
    managedDefinitions: {},
    managedConsent: undefined,
  };
}

function manifestOf(name: string) {
  const limits = { timeoutMs: 1000, maxBackendBytes: 1024, maxResultBytes: 1024 };
  const schema = { type: 'object' };
  return manifestSchema.parse({
    name,
    version: '1.0.0',
    title: name,
    description: name,
    destinations: {},
    tools: [
      {
        name: 'echo',
        title: 'Echo',
        description: 'Echo',
        operation: 'read',
        classification: 'public',
        inputSchema: schema,
        outputSchema: schema,
        destinations: [],
        limits,
        examples: [],
      },
    ],
  });
}

const harmless = {
  notDumpable: true,
  noCoreDumps: true,
  noNewPrivileges: true,
  dieWithParent: true,
  lockedMemory: false,
};
const folders: string[] = [];
const running: Supervisor[] = [];
const events: SupervisorEvent[] = [];
const fatal: string[] = [];

function supervise(change: Partial<SupervisorDeps> = {}): Supervisor {
  const stateFolder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-supervisor-'));
  folders.push(stateFolder);
  const supervisor = createSupervisor({
    channels: { createSocketPair, channelOverFd, handOver },
    registry: registryOf(['one', 'two']),
    commands: {
      gateway: trusted('gateway'),
      vault: trusted('vault'),
      egress: trusted('egress'),
      exchange: ['none', 'none'],
    },
    proxyFor: () => Promise.reject(new Error('There is no script.')),
    startConnector: (_connector, { gateway, egress }) => ({
      process: spawn(process.execPath, [path.join(standIns, 'connector.ts')], {
        stdio: ['ignore', 'pipe', 'pipe', gateway, egress],
        env: {},
      }),
      degraded: [],
    }),
    version: '0.0.0',
    socketPath: path.join(stateFolder, 'mcp.sock'),
    stateFolder,
    consent: 'ask',
    listener: {
      approvals: { ask: () => Promise.resolve('unavailable'), over: () => undefined, clear: () => undefined },
      definitions: { answer: () => ({ state: 'new', hash: `sha256:${'0'.repeat(64)}`, serve: [] }) },
      openUrl: () => undefined,
      providerSaid: () => undefined,
      event: (event) => void events.push(event),
      call: () => undefined,
      programUnknown: () => undefined,
      changed: () => undefined,
      fatal: (say) => void fatal.push(say),
    },
    ...change,
  });
  running.push(supervisor);
  return supervisor;
}

afterEach(async () => {
  for (const supervisor of running.splice(0)) await supervisor.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  events.length = 0;
  fatal.length = 0;
});

async function seenByGateway(supervisor: Supervisor): Promise<string[]> {
  const { auditFile } = await supervisor.core().gateway.control.request('status', {});
  return JSON.parse(auditFile) as string[];
}

function pidOf(supervisor: Supervisor, kind: string, name?: string): number {
  const found = supervisor.processes().find((entry) => entry.kind === kind && entry.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name ?? ''}`);
  return found.pid;
}

/** Sockets and pipes this process holds: what a forgotten end would add to. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

/** A handed-over end is closed here once the other process said that it has it. */
async function settledSockets(): Promise<number> {
  let last = -1;
  let same = 0;
  await eventually(() => {
    const open = openSockets();
    same = open === last ? same + 1 : 0;
    last = open;
    return same === 25;
  });
  return last;
}

describe('start', () => {
  test('configures, hands the ends over, and listens last', async () => {
    const supervisor = supervise();
    await supervisor.start();
    const seen = await seenByGateway(supervisor);
    expect(seen[0]).toBe('configure');
    // Ends travel over IPC, beside the control channel: only what is said on that has an order (the gateway waits for the ends).
    expect(seen.filter((what) => !what.startsWith('gateway-')).at(-1)).toBe('listen');
    for (const name of ['one', 'two']) {
      expect(seen).toContain(`gateway-connector ${name}`);
      expect(seen).toContain(`gateway-egress ${name}`);
      // Ready is what a call would reach.
      expect(seen.join()).toMatch(new RegExp(`${name} starting,.*${name} configured,.*${name} ready,.*listen`));
    }
    expect(supervisor.connectors().map(({ state }) => state)).toEqual(['ready', 'ready']);
  });

  test('names the process that does not start', async () => {
    const commands = {
      gateway: trusted('gateway'),
      vault: [process.execPath, '-e', 'process.exit(3)'],
      egress: trusted('egress'),
      exchange: ['x', 'x'],
    };
    await expect(supervise({ commands }).start()).rejects.toThrow(/vault .*exit 3.*vault\.log/);
  });

  test('a connector whose sandbox cannot be made is failed, and says why; the others work', async () => {
    const supervisor = supervise({
      startConnector: () => {
        throw new Fault('protection_missing', 'bubblewrap is not installed');
      },
    });
    await supervisor.start();
    expect(supervisor.connectors()[0]).toMatchObject({ state: 'failed', why: 'bubblewrap is not installed' });
    expect(await seenByGateway(supervisor)).toContain('one failed');
  });

  test('a child gets a built environment and no argument that it does not need', async () => {
    process.env['SALLYPORT_TEST_SECRET'] = 'never-pass-this-on';
    const supervisor = supervise({
      commands: {
        gateway: [process.execPath, '-e', 'console.error(JSON.stringify(process.env));setTimeout(()=>{},50)'],
        vault: trusted('vault'),
        egress: trusted('egress'),
        exchange: ['x', 'x'],
      },
    });
    const failure: unknown = await supervisor.start().catch((error: unknown) => error);
    delete process.env['SALLYPORT_TEST_SECRET'];
    const { readFileSync } = await import('node:fs');
    const said = readFileSync(path.join(folders.at(-1)!, 'logs', 'gateway.log'), 'utf8');
    expect(failure).toBeInstanceOf(Fault);
    expect(said).toContain('{');
    expect(said).not.toContain('never-pass-this-on');
  });
});

describe('a wrapped server', () => {
  const server = { command: '/', real: '/', args: [], environment: {}, program: null, files: [], sha256: '' };
  const { connectors, ...rest } = registryOf(['one', 'two']);
  const registry = { ...rest, connectors: connectors.map((each, index) => (index === 0 ? { ...each, server } : each)) };

  test('is part of its pair: its end takes both halves along, all come back, and no descriptor is left over', async () => {
    const given: (readonly number[] | undefined)[] = [];
    const supervisor = supervise({
      registry,
      startConnector: (_connector, { gateway, egress, server: ends }) => {
        given.push(ends);
        const stdio = ['ignore', 'pipe', 'pipe', gateway, egress, ...(ends ?? [])] as const;
        return {
          process: spawn(process.execPath, [path.join(standIns, 'connector.ts')], { stdio: [...stdio], env: {} }),
          degraded: [],
        };
      },
      startServer: (_name, _server, { input, output }) => {
        const started = spawn('/usr/bin/cat', { stdio: [input, output, 'ignore'] });
        return { process: started, degraded: [], hasNetwork: false };
      },
    });
    await supervisor.start();
    expect(given.map((ends) => ends?.length)).toEqual([2, undefined]);
    const before = {
      kinds: ['server', 'connector', 'egress'].map((kind) => pidOf(supervisor, kind, 'one')),
      other: pidOf(supervisor, 'connector', 'two'),
    };
    const sockets = await settledSockets();
    process.kill(pidOf(supervisor, 'server', 'one'), 'SIGKILL');
    await eventually(() => events.filter(({ event }) => event === 'process-restarted').length === 3);
    expect(events[0]).toMatchObject({ event: 'process-ended', kind: 'server', name: 'one', how: 'SIGKILL' });
    for (const pid of before.kinds) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(pidOf(supervisor, 'connector', 'two')).toBe(before.other);
    expect(await settledSockets()).toBe(sockets);
  });

  test('that cannot be started fails its connector alone, with the reason', async () => {
    const supervisor = supervise({
      registry,
      startServer: () => {
        throw new Fault('definition_changed', 'its program changed');
      },
    });
    await supervisor.start();
    expect(supervisor.connectors().map(({ state, why }) => [state, why])).toEqual([
      ['failed', 'its program changed'],
      ['ready', undefined],
    ]);
  });
});

describe('a pair', () => {
  test.each(['connector', 'egress'] as const)('whose %s dies comes back whole, with new ends', async (kind) => {
    const supervisor = supervise();
    await supervisor.start();
    const before = { connector: pidOf(supervisor, 'connector', 'one'), egress: pidOf(supervisor, 'egress', 'one') };
    const untouched = pidOf(supervisor, 'connector', 'two');
    process.kill(before[kind], 'SIGKILL');
    await eventually(() => events.filter(({ event }) => event === 'process-restarted').length === 2);
    expect(isAlive(before.connector)).toBe(false);
    expect(isAlive(before.egress)).toBe(false);
    expect(pidOf(supervisor, 'connector', 'two')).toBe(untouched);
    const seen = await seenByGateway(supervisor);
    expect(seen.filter((entry) => entry === 'gateway-connector one')).toHaveLength(2);
    expect(seen.filter((entry) => entry === 'gateway-egress one')).toHaveLength(2);
    expect(seen).toContain('record process-restarted');
    expect(supervisor.connectors()[0]?.state).toBe('ready');
  });

  test('that dies three times in ten minutes is suspended; the other goes on', async () => {
    const supervisor = supervise();
    await supervisor.start();
    for (let crash = 1; crash <= 3; crash += 1) {
      process.kill(pidOf(supervisor, 'connector', 'one'), 'SIGKILL');
      await eventually(
        () =>
          events.some(({ event }) => event === 'connector-suspended') ||
          events.filter(({ event }) => event === 'process-restarted').length === crash * 2,
      );
    }
    expect(supervisor.connectors()[0]).toMatchObject({ state: 'suspended' });
    expect(supervisor.connectors()[0]?.why).toContain('three times');
    expect(supervisor.connectors()[1]).toMatchObject({ state: 'ready' });
    expect(await seenByGateway(supervisor)).toContain('one suspended');

    await supervisor.liftSuspensions();
    expect(supervisor.connectors()[0]).toMatchObject({ state: 'ready' });
    expect(supervisor.connectors()[0]?.why).toBeUndefined();
    // Its crashes are forgiven: one more is mended like a first one.
    const crashed = pidOf(supervisor, 'connector', 'one');
    process.kill(crashed, 'SIGKILL');
    await eventually(
      () =>
        supervisor.connectors()[0]?.state === 'ready' &&
        supervisor.processes().some(({ kind, name, pid }) => kind === 'connector' && name === 'one' && pid !== crashed),
    );
  });

  test('that is suspended comes back with a new core', async () => {
    const supervisor = supervise();
    await supervisor.start();
    for (let crash = 1; crash <= 3; crash += 1) {
      await eventually(() => supervisor.connectors()[0]?.state === 'ready');
      process.kill(pidOf(supervisor, 'egress', 'one'), 'SIGKILL');
      await eventually(() => supervisor.connectors()[0]?.state !== 'ready');
    }
    await eventually(() => supervisor.connectors()[0]?.state === 'suspended');
    process.kill(pidOf(supervisor, 'vault'), 'SIGKILL');
    await eventually(() => events.some((event) => event.event === 'process-restarted' && event.kind === 'vault'));
    expect(supervisor.connectors()[0]).toMatchObject({ state: 'ready' });
  });

  test('leaves no descriptor behind in the shell', async () => {
    const supervisor = supervise();
    await supervisor.start();
    const before = await settledSockets();
    process.kill(pidOf(supervisor, 'egress', 'two'), 'SIGKILL');
    await eventually(() => events.filter(({ event }) => event === 'process-restarted').length === 2);
    expect(await settledSockets()).toBe(before);
  });
});

describe('the core', () => {
  test.each(['gateway', 'vault'] as const)('a dead %s restarts everything; a pause and consent stay', async (kind) => {
    const supervisor = supervise();
    await supervisor.start();
    await supervisor.setPaused(true);
    await supervisor.setConsent({ allowed: ['a'], denied: ['b'] });
    const before = supervisor.processes().map(({ pid }) => pid);
    process.kill(pidOf(supervisor, kind), 'SIGKILL');
    await eventually(() => events.some((event) => event.event === 'process-restarted' && event.kind === 'vault'));
    for (const pid of before) expect(isAlive(pid)).toBe(false);
    expect(supervisor.connectors().map(({ state }) => state)).toEqual(['ready', 'ready']);
    const seen = await seenByGateway(supervisor);
    expect(seen).toContain('paused');
    expect(seen).toContain('allowed a denied b');
  });

  test('that keeps dying is given up with a reason', async () => {
    const supervisor = supervise();
    await supervisor.start();
    for (let crash = 1; crash <= 3; crash += 1) {
      process.kill(pidOf(supervisor, 'vault'), 'SIGKILL');
      await eventually(
        () =>
          fatal.length > 0 ||
          events.filter((event) => event.event === 'process-restarted' && event.kind === 'vault').length === crash,
      );
    }
    expect(fatal[0]).toContain('three times');
  });
});

describe('sign-ins', () => {
  test('that nobody finishes are slowed down, and the one that is open goes on', async () => {
    const supervisor = supervise();
    await supervisor.start();
    const shell = createShell({
      supervisor,
      registry: registryOf([]),
      openBrowser: () => Promise.resolve(false),
      about: { version: '0', runtime: '', socket: '', controlSocket: '', consent: 'ask' },
      programs: () => [],
      definitions: { summaries: () => [], said: () => null, degraded: () => [] },
      onChange: () => undefined,
      ownHardening: harmless,
      sealText: (_, text) => text,
      controlState: () => ({ serving: true, taken: 0 }),
      stopped: () => undefined,
      unfinishedSignIns: createRateGate({ burst: 3, perSecond: 1 / 5 }),
    });
    const asker = { signal: new AbortController().signal, event: () => undefined };
    const codes: unknown[] = [];
    const signIn = async () => shell.signIn.begin({ open: false, forceLogin: false }, asker).ended;
    for (let count = 0; count < 20; count += 1) signIn().catch((error: unknown) => codes.push((error as Fault).code));
    // The first and three more were let through: the stand-in ends each of them but the last.
    await eventually(() => codes.length === 19);
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(16);
    expect(codes.filter((code) => code === 'not_signed_in')).toHaveLength(3);
  });
});

describe('stop', () => {
  test('ends every process', async () => {
    const supervisor = supervise();
    await supervisor.start();
    const pids = supervisor.processes().map(({ pid }) => pid);
    expect(pids).toHaveLength(6);
    await supervisor.stop();
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  });
});
