/**
 * An agent's bridge starts the installed tray app where it is closed. The agent's environment has everything that leads a
 * program astray: none of it reaches the app, or a process of it. Root looks through their memory.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startScreen, type Screen } from '../screen/screen.ts';
import { eventually, family, isAlive } from './harness.ts';
import { install, type Installation } from './installed.ts';
import { findMadeGround, type MadeGround } from './made-ground.ts';
import { readMemory } from './memory-pages.ts';

type Json = Record<string, unknown>;

interface Bridge {
  readonly process: ChildProcess;
  readonly heard: readonly Json[];
  /** What it says of Sallyport when it is asked first. */
  readonly says: Promise<string>;
}

/** In every value; it is looked for in memory, since Chromium writes its title over the environment it was given. */
const needle = randomUUID();
/** Of every system, and loaded by nobody. */
const library = '/lib/x86_64-linux-gnu/libBrokenLocale.so.1';
const planted = {
  LD_PRELOAD: library,
  LD_LIBRARY_PATH: `/${needle}`,
  ELECTRON_RUN_AS_NODE: '1',
  GTK_MODULES: needle,
  GIO_EXTRA_MODULES: `/${needle}`,
  SSL_CERT_FILE: `/${needle}`,
  NODE_EXTRA_CA_CERTS: `/${needle}`,
  https_proxy: `http://${needle}`,
  BROWSER: `/${needle}`,
  XDG_DATA_DIRS: `/${needle}`,
  PATH: `/${needle}`,
};
const identity = { kind: 'oidc', authority: 'https://localhost:1', clientId: 'desktop', scopes: ['openid'] };

let ground: MadeGround;
let installed: Installation;
let screen: Screen;
let folder: string;
let env: Record<string, string>;
const bridges: ChildProcess[] = [];
const at = (...parts: readonly string[]): string => path.join(folder, ...parts);
const sockets = (): string => at('run', 'sallyport');

beforeAll(async () => {
  ground = await findMadeGround();
  folder = mkdtempSync(path.join(os.tmpdir(), 'sp-'));
  for (const name of ['run', 'config', 'config/sallyport']) mkdirSync(at(name), { mode: 0o700 });
  writeFileSync(
    at('config/sallyport/sallyport.json'),
    JSON.stringify({ identity, policy: { posture: 'read-only-analyst' } }),
  );
  writeFileSync(at('planted.cjs'), `require('node:fs').writeFileSync(__filename + '.' + process.pid, '')`);
  spawnSync('chown', ['-R', `${ground.as.uid}:${ground.as.gid}`, folder]);
  [installed, screen] = await Promise.all([install(ground), startScreen({ windowManager: true, as: ground.as })]);
  env = { ...screen.env, HOME: folder, XDG_CONFIG_HOME: at('config'), XDG_RUNTIME_DIR: at('run') };
}, 300_000);

afterAll(async () => {
  for (const child of bridges) child.kill('SIGKILL');
  const running = apps().flatMap(family);
  for (const pid of apps()) process.kill(pid, 'SIGKILL');
  await eventually(() => !running.some(isAlive));
  await screen.stop();
  installed.remove();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

/** As an agent does, with whatever it has in its environment. */
function startBridge(more: Record<string, string> = {}, ...args: readonly string[]): Bridge {
  const entry = path.join(installed.folder, 'resources/product/dist/main/bridge.mjs');
  const child = spawn(installed.runtime, [entry, 'mcp', ...args], {
    env: { ...env, ...more },
    stdio: ['pipe', 'pipe', 'ignore'],
    ...ground.as,
  });
  bridges.push(child);
  const heard: Json[] = [];
  const says = new Promise<string>((resolve) => {
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Json;
      heard.push(message);
      if (message['id'] === 0) resolve(String((message['result'] as Json)['instructions']));
    });
  });
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })}\n`);
  return { process: child, heard, says };
}

/** Every tray app of this installation: Chromium's own processes say of which type they are. */
function apps(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const isApp = readlinkSync(`/proc/${pid}/exe`) === installed.electron;
        return isApp && !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--type=');
      } catch {
        return false;
      }
    });
}

const loads = (pid: number): boolean => readFileSync(`/proc/${pid}/maps`, 'latin1').includes(path.basename(library));

function remembers(pid: number): boolean {
  let found = false;
  readMemory(pid, { overlap: needle.length, take: ({ bytes }) => (found ||= bytes.includes(needle)) });
  return found;
}

const connected = ({ heard }: Bridge) =>
  eventually(() => heard.some(({ method }) => method === 'notifications/tools/list_changed'), 60_000);

async function ended(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const everything = apps().flatMap(family);
  expect(everything.length).toBeGreaterThan(3);
  for (const pid of apps()) process.kill(pid, signal);
  await eventually(() => !everything.some(isAlive), 30_000);
}

it('starts nothing with --no-start, on another socket, and without a screen', async () => {
  expect(await startBridge({}, '--no-start').says).toContain('is not running. Ask the person to start it');
  expect(await startBridge({}, '--socket', at('run', 'mcp.sock')).says).toContain('is not running. Ask the person');
  expect(await startBridge({ DISPLAY: '' }).says).toContain('there is no screen here');
  expect(existsSync(sockets())).toBe(false);
});

it('two bridges start one app, with an environment of its own, and find it', { timeout: 120_000 }, async () => {
  const astray = { ...planted, NODE_OPTIONS: `--require ${at('planted.cjs')}` };
  const both = [startBridge(astray), startBridge(astray)] as const;
  for (const { says } of both) expect(await says).toContain('is being started');
  await Promise.all(both.map(connected));
  const [app = 0, ...more] = apps();
  expect(more).toEqual([]);
  const everything = family(app);
  const commands = everything.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1')).join('\n');
  for (const kind of ['gateway.mjs', 'vault.mjs', '--type=zygote', '--type=renderer']) expect(commands).toContain(kind);
  // The bridges have all of it, and ran it.
  const own = both.map((bridge) => bridge.process.pid ?? 0);
  expect([own.filter(loads), own.filter(remembers)]).toEqual([own, own]);
  expect([everything.filter(loads), everything.filter(remembers)]).toEqual([[], []]);
  const ran = readdirSync(folder).filter((name) => name.startsWith('planted.cjs.'));
  expect(ran.sort()).toEqual(own.map((pid) => `planted.cjs.${pid}`).sort());
  expect(readlinkSync(`/proc/${app}/cwd`)).toBe('/');
  for (const fd of ['0', '1', '2']) expect(readlinkSync(`/proc/${app}/fd/${fd}`)).toBe('/dev/null');
  // It is nobody's child any more once they end, and lives on.
  for (const bridge of both) bridge.process.kill('SIGKILL');
  await eventually(() => !both.some((bridge) => isAlive(bridge.process.pid ?? 0)));
  expect(apps()).toEqual([app]);
});

it('a crash leaves no mark: the next bridge starts it again', { timeout: 120_000 }, async () => {
  await ended('SIGKILL');
  const next = startBridge();
  expect(await next.says).toContain('is being started');
  await connected(next);
  next.process.kill('SIGKILL');
});

it('does not come back to who ended it, until they open it', { timeout: 120_000 }, async () => {
  await ended('SIGTERM');
  const mark = path.join(sockets(), 'stay-closed');
  expect(existsSync(mark)).toBe(true);
  const bridge = startBridge();
  expect(await bridge.says).toContain('was closed, and is not opened again for an agent');
  bridge.process.stdin?.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: {} } })}\n`,
  );
  await eventually(() => bridge.heard.some(({ id }) => id === 1));
  expect(JSON.stringify(bridge.heard.find(({ id }) => id === 1))).toContain('not_signed_in');
  expect(apps()).toEqual([]);
  spawn(path.join(installed.folder, 'resources/bin/sallyport'), ['up'], { env, stdio: 'ignore', ...ground.as });
  await connected(bridge);
  expect(existsSync(mark)).toBe(false);
});
