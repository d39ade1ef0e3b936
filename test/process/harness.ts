/** The product as a person starts it, with the lab, for tests that look at it from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { askControl } from '../../main/cli/control-client.ts';
import { controlSocketBeside } from '../../main/cli/paths.ts';
import { statusSchema, type Status } from '../../main/contract/control.ts';

/** Where the built product is, which Node runs it, and as whom; root's tests name a made user. */
export interface Ground {
  readonly node: string;
  readonly tree: string;
  readonly as?: { readonly uid: number; readonly gid: number };
}

export const ownGround: Ground = { node: process.execPath, tree: fileURLToPath(new URL('../../', import.meta.url)) };

export interface Pids {
  readonly shell: number;
  readonly gateway: number;
  readonly vault: number;
  readonly egress: Readonly<Record<string, number>>;
  readonly connectors: Readonly<Record<string, number>>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProductOptions {
  readonly ground?: Ground;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What a program needs to show itself on a screen: the tray app in place of the headless shell. */
  readonly screen?: Readonly<Record<string, string>>;
  /** The folder of an earlier one, to start again in its place. */
  readonly folder?: string;
}

export interface Product {
  readonly socket: string;
  readonly folder: string;
  readonly process: ChildProcess;
  readonly pids: Pids;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Runs `sallyport` with these arguments against this product. */
  cli(...args: readonly string[]): Promise<Ended>;
  /** The same, with something on its standard input. */
  cliWithInput(input: string, ...args: readonly string[]): Promise<Ended>;
  /** The same, of which the first line is wanted before it ends. */
  cliWithUrl(...args: readonly string[]): { readonly url: Promise<string>; readonly ended: Promise<Ended> };
  bridgeCommand(...args: readonly string[]): { command: string; args: string[]; env: Record<string, string> };
  signIn(user: string): Promise<void>;
  status(): Promise<Status>;
  /** Resolves when it ended, however it did. */
  readonly ended: Promise<Ended>;
  stop(): Promise<Ended>;
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie still answers to signal 0.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Polls; the error names what did not happen. */
export async function eventually(condition: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** This process, its children, theirs, and so on: every process that a product is made of. */
export function family(root: number): number[] {
  const children = (pid: number): number[] => {
    try {
      // Those of each thread.
      return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
      );
    } catch {
      return [];
    }
  };
  const found = [root];
  for (const pid of found) found.push(...children(pid));
  return found;
}

export function makeFolder(ground: Ground): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sp-'));
  for (const at of [folder, path.join(folder, 'run'), path.join(folder, 'state')]) {
    mkdirSync(at, { recursive: true, mode: 0o700 });
    if (ground.as) chownSync(at, ground.as.uid, ground.as.gid);
  }
  return folder;
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const ground = options.ground ?? ownGround;
  const folder = options.folder ?? makeFolder(ground);
  const socket = path.join(folder, 'run', 'mcp.sock');
  const command = path.join(ground.tree, 'dist', 'main', 'sallyport.mjs');
  if (!existsSync(command)) throw new Error('dist/ is not built: run node build/bundle.mjs');
  const { screen } = options;
  const env = { ...screen, HOME: folder, PATH: '/usr/bin:/bin', TMPDIR: os.tmpdir(), ...options.env };
  const launch = (file: string, args: readonly string[]): ChildProcess =>
    spawn(ground.node, [path.join(ground.tree, 'dist', 'main', file), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...env, SALLYPORT_SOCKET: socket },
      cwd: '/',
      ...(ground.as ?? {}),
    });
  const upArguments = [
    'up',
    ...(screen === undefined ? ['--headless'] : []),
    '--json',
    '--end-with-input',
    '--state',
    path.join(folder, 'state'),
    ...(options.args ?? ['--lab']),
  ];
  const started = launch('sallyport.mjs', upArguments);
  const ended = finished(started);
  const events: Record<string, unknown>[] = [];
  const ready = new Promise<Pids>((resolve, reject) => {
    readline.createInterface({ input: started.stdout! }).on('line', (line) => {
      // Chromium prints, too.
      if (!line.startsWith('{')) return;
      const event = JSON.parse(line) as Record<string, unknown>;
      events.push(event);
      if (event['event'] === 'ready') resolve(event['pids'] as Pids);
    });
    void ended.then(({ code, stderr }) => reject(new Error(`up ended with ${String(code)}: ${stderr}`)));
  });
  ready.catch(() => undefined);
  const cli = async (...args: readonly string[]): Promise<Ended> => {
    const child = launch('sallyport.mjs', args);
    child.stdin?.end();
    return finished(child);
  };
  return {
    socket,
    folder,
    process: started,
    pids: await ready,
    events,
    cli,
    cliWithInput(input, ...args) {
      const child = launch('sallyport.mjs', args);
      child.stdin?.end(input);
      return finished(child);
    },
    cliWithUrl(...args) {
      const child = launch('sallyport.mjs', args);
      child.stdin?.end();
      const ended = finished(child);
      const url = new Promise<string>((resolve, reject) => {
        readline.createInterface({ input: child.stdout! }).once('line', resolve);
        void ended.then((end) => reject(new Error(`${args.join(' ')} printed no address: ${JSON.stringify(end)}`)));
      });
      return { url, ended };
    },
    bridgeCommand: (...args) => ({
      command: ground.node,
      args: [path.join(ground.tree, 'dist', 'main', 'bridge.mjs'), 'mcp', '--socket', socket, ...args],
      env: { ...env },
    }),
    async signIn(user) {
      const { code, stdout, stderr } = await cli('signin', '--user', user);
      if (code !== 0) throw new Error(`${user} could not sign in: ${stdout}${stderr}`);
    },
    async status() {
      // A command costs a start of Node, and many tests ask until something is so.
      if (ground.as === undefined)
        return statusSchema.parse(await askControl({ controlSocket: controlSocketBeside(socket), method: 'status' }));
      const { code, stdout, stderr } = await cli('status', '--json');
      if (code !== 0) throw new Error(`status: ${stderr}`);
      return statusSchema.parse(JSON.parse(stdout));
    },
    ended,
    async stop() {
      started.stdin?.end();
      const result = await ended;
      rmSync(folder, { recursive: true, force: true });
      return result;
    },
  };
}

export function finished(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin?.on('error', () => undefined);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}
