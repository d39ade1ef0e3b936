/** The tray app as a person starts it, on a screen of its own, with Playwright's hands in its window. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { eventually, finished, type Ended, type Pids } from '../process/harness.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import type { Screen } from './screen.ts';

const tree = fileURLToPath(new URL('../../', import.meta.url));

export interface DesktopApp {
  readonly electron: ElectronApplication;
  readonly window: Page;
  readonly socket: string;
  readonly pid: number;
  readonly launch: {
    readonly binary: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** Resolves when everything runs. */
  readonly ready: Promise<Pids>;
  readonly labFolder: () => Promise<string>;
  /** Runs `sallyport` with these arguments against this app. */
  cli(...args: readonly string[]): Promise<Ended>;
  bridgeCommand(...args: readonly string[]): { command: string; args: string[]; env: Record<string, string> };
  /** Ends what still runs, and removes its folder. */
  end(): Promise<void>;
}

export interface AppOptions {
  readonly screen: Screen;
  readonly openerFolder: string;
  readonly consent?: 'ask' | 'allow';
  /** A packed folder in place of the checkout, with a lab that runs beside it. */
  readonly packed?: PackedApp;
}

export interface PackedApp {
  /** With the inspector, which Playwright needs. */
  readonly folder: string;
  readonly configFile: string;
  readonly labFolder: string;
}

export async function startApp({ screen, openerFolder, consent = 'ask', packed }: AppOptions): Promise<DesktopApp> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sp-'));
  for (const name of ['run', 'state', 'home']) mkdirSync(path.join(folder, name), { mode: 0o700 });
  const socket = path.join(folder, 'run', 'mcp.sock');
  const env = {
    ...screen.env,
    HOME: path.join(folder, 'home'),
    PATH: `${openerFolder}:${screen.env['PATH'] ?? ''}`,
    TMPDIR: os.tmpdir(),
    SALLYPORT_DEBUG: '1',
  };
  const options = {
    lab: packed === undefined,
    ...(packed === undefined ? {} : { configFile: packed.configFile }),
    json: true,
    endWithInput: false,
    consent,
    runtime: process.execPath,
    socket,
    stateFolder: path.join(folder, 'state'),
  };
  const args = [...(packed === undefined ? [tree] : []), JSON.stringify(options)];
  const binary = packed === undefined ? path.join(electronFolder(), 'electron') : path.join(packed.folder, 'sallyport');
  const electron = await _electron.launch({
    args,
    env,
    executablePath: binary,
    chromiumSandbox: true,
    colorScheme: 'light',
    timeout: 60_000,
  });
  const running = electron.process();
  const events = eventsOf(running);
  const window = await electron.firstWindow({ timeout: 60_000 });
  const command = (file: string): [string, ...string[]] =>
    packed === undefined
      ? [process.execPath, path.join(tree, 'dist', 'main', file)]
      : [path.join(packed.folder, 'resources', 'bin', 'sallyport')];
  const launch = (file: string, args: readonly string[]) => {
    const [program, ...first] = command(file);
    return spawn(program, [...first, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, SALLYPORT_SOCKET: socket },
    });
  };
  return {
    electron,
    window,
    socket,
    pid: running.pid ?? 0,
    launch: { binary, args, env },
    ready: events.until('ready').then((event) => event['pids'] as Pids),
    labFolder: () =>
      packed ? Promise.resolve(packed.labFolder) : events.until('lab-ready').then((event) => String(event['folder'])),
    async cli(...args) {
      const child = launch('sallyport.mjs', args);
      child.stdin.end();
      return finished(child);
    },
    bridgeCommand(...args) {
      const [program, ...first] = command('bridge.mjs');
      return { command: program, args: [...first, 'mcp', '--socket', socket, ...args], env };
    },
    async end() {
      if (running.exitCode === null && running.signalCode === null) {
        const exited = new Promise<void>((resolve) => running.once('exit', () => resolve()));
        running.kill('SIGTERM');
        await exited;
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The same command once more, as a person who clicks twice. */
export function startAgain({ launch: { binary, args, env } }: DesktopApp): Promise<Ended> {
  return finished(spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Ends the process that draws the page, and tells which it was. (One that is told to crash sometimes hangs doing so.) */
export async function crash({ electron }: DesktopApp): Promise<number> {
  const renderer = await electron.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  );
  if (!renderer) throw new Error('no process draws the page');
  process.kill(renderer, 'SIGKILL');
  return renderer;
}

/** The same, until another process has loaded the page. (Not asked further: one that Playwright lost waits for a debugger.) */
export async function crashPage(app: DesktopApp): Promise<number> {
  const renderer = await crash(app);
  await eventually(() => isDrawnBeside(app, renderer).catch(() => false), 30_000);
  return renderer;
}

function isDrawnBeside({ electron }: DesktopApp, renderer: number): Promise<boolean> {
  return electron.evaluate(
    ({ BrowserWindow }, former) =>
      BrowserWindow.getAllWindows()
        .map(({ webContents }) => webContents)
        .some((page) => page.getOSProcessId() !== former && page.getURL() && !page.isCrashed() && !page.isLoading()),
    renderer,
  );
}

/** The same, for who goes on with the new window: where Playwright is not told of it, the page crashes once more. */
export async function crashForWindow(app: DesktopApp): Promise<{ readonly renderer: number; readonly window: Page }> {
  for (let left = 2; left > 0; left -= 1) {
    const next = app.electron.waitForEvent('window', { timeout: 15_000 }).catch(() => null);
    const renderer = await crashPage(app);
    const window = await next;
    if (window !== null) return { renderer, window };
  }
  throw new Error('Playwright was told of no window');
}

export function electronFolder(): string {
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (folder === undefined)
    throw new Error('ELECTRON_OVERRIDE_DIST_PATH is not set: run tests with npm test or npm run vitest');
  return folder;
}

type Event = Readonly<Record<string, unknown>>;

/** Each line of standard output is one event. */
function eventsOf({ stdout, stderr }: ChildProcess): { until(name: string): Promise<Event> } {
  const seen: Event[] = [];
  const waiting = new Set<() => void>();
  stderr?.resume();
  if (stdout)
    readline.createInterface({ input: stdout }).on('line', (line) => {
      if (line.startsWith('{')) seen.push(JSON.parse(line) as Event);
      for (const look of waiting) look();
    });
  return {
    until: (name) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = seen.find((event) => event['event'] === name);
          if (found) {
            waiting.delete(look);
            resolve(found);
          }
        };
        waiting.add(look);
        look();
      }),
  };
}
