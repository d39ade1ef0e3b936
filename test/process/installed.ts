/** The packed folder as a package installs it, root's and unreadable, and the product started from it by an ordinary user. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { packOnce } from '../e2e/pack-once.ts';
import type { RunningLab } from '../lab/start-lab.ts';
import type { Screen } from '../screen/screen.ts';
import { eventually, finished, type Ended, type Ground, type Pids } from './harness.ts';

export interface Installation {
  readonly folder: string;
  readonly runtime: string;
  readonly electron: string;
  /** The same with an inspector, which no package has: for Playwright. */
  readonly inspectable: string;
  /** The same binary, readable as in a checkout: what the protection is compared with. */
  readonly readableRuntime: string;
  remove(): void;
}

export async function install(ground: Ground): Promise<Installation> {
  const packed = await packOnce(ground);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-installed-'));
  const at = (name: string): string => path.join(folder, name);
  for (const [command, ...args] of [
    ['cp', '-a', '--reflink=auto', `${packed}/linux-unpacked/.`, folder],
    ['cp', `${packed}/inspectable/sallyport`, at('inspectable')],
    ['chown', '-R', 'root:root', folder],
    ['chmod', '-R', 'go-w', folder],
  ] as const)
    if (spawnSync(command, args).status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
  const runtime = at('resources/runtime/node');
  chmodSync(folder, 0o755);
  copyFileSync(runtime, at('readable-node'));
  for (const file of [runtime, at('sallyport'), at('inspectable')]) chmodSync(file, 0o711);
  chmodSync(at('chrome-sandbox'), 0o4755);
  return {
    folder,
    runtime,
    electron: at('sallyport'),
    inspectable: at('inspectable'),
    readableRuntime: at('readable-node'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface Home {
  readonly folder: string;
  readonly socket: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the application is given. */
  readonly options: string;
  nextUrl(): Promise<string>;
}

/** A person's own folders, with a configuration of the lab and a browser that only notes what it is to open. */
export function makeHome({ as }: Ground, screen: Screen, lab: RunningLab): Home {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sp-'));
  const at = (name: string): string => path.join(folder, name);
  for (const name of ['run', 'state', 'bin', 'policies']) mkdirSync(at(name), { mode: 0o700 });
  const { limits: _limits, ...config } = lab.config;
  copyFileSync(path.resolve(import.meta.dirname, '../../main/policy/postures/lab.cedar'), at('policies/company.cedar'));
  writeFileSync(at('sallyport.json'), JSON.stringify({ ...config, policy: { folder: 'policies' } }));
  writeFileSync(at('bin/xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" > '${at('address')}'\n`, { mode: 0o755 });
  if (as) spawnSync('chown', ['-R', `${as.uid}:${as.gid}`, folder]);
  return {
    folder,
    socket: at('run/mcp.sock'),
    env: { ...screen.env, HOME: folder, TMPDIR: os.tmpdir(), PATH: `${at('bin')}:/usr/bin:/bin` },
    options: JSON.stringify({
      lab: false,
      json: true,
      endWithInput: true,
      runtime: '',
      configFile: at('sallyport.json'),
      stateFolder: at('state'),
      socket: at('run/mcp.sock'),
    }),
    async nextUrl() {
      const address = (): string => (existsSync(at('address')) ? readFileSync(at('address'), 'utf8') : '');
      await eventually(() => address().endsWith('\n'), 60_000);
      return address().trim();
    },
  };
}

export interface Gated {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Becomes the program. */
  go(): void;
  readonly ready: Promise<Pids>;
  readonly ended: Promise<Ended>;
}

/** A shell that waits, then becomes the program: so an attacker is there before its first instant. It may dump core. */
export function startGated(
  { as }: Ground,
  command: readonly string[],
  { env, folder }: Pick<Home, 'env' | 'folder'>,
): Gated {
  const gate = 'ulimit -c unlimited; read -r go; exec "$@"';
  const child = spawn('/bin/sh', ['-c', gate, 'sh', ...command], {
    env,
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...as,
  });
  const ended = finished(child);
  const ready = new Promise<Pids>((resolve, reject) => {
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"event":"ready"')) resolve((JSON.parse(line) as { pids: Pids }).pids);
    });
    void ended.then(({ code, stderr }) => reject(new Error(`it ended with ${String(code)}: ${stderr}`)));
  });
  ready.catch(() => undefined);
  return { process: child, pid: child.pid ?? 0, go: () => void child.stdin.write('go\n'), ready, ended };
}

export function ownedBy({ as }: Ground, folder: string): void {
  if (as) chownSync(folder, as.uid, as.gid);
}
